"""Runs one piece of background work so that its failure is logged and stops nothing else."""

import logging
from collections.abc import Callable

logger = logging.getLogger(__name__)


def run_logged(name: str, run: Callable[[], object]) -> None:
    """Run it; whatever it raises is logged with its name, as the next tick finds the same work again."""
    try:
        run()
    # Anything may go wrong in a plug-in, and the other work must go on.
    except Exception:
        logger.exception("background work '%s' failed; it is tried again at the next tick", name)
