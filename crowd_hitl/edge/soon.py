"""What is done soon after a request that asked for it: in a thread beside, for many requests at once."""

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

from flask import current_app

logger = logging.getLogger(__name__)
STOPPING = "crowd_hitl.stopping"
# What comes within it is done together: one transaction for all, and nobody sees the difference.
LINGER_SECONDS = 0.03
STOP_SECONDS = 5.0


class Soon:
    """Does one kind of work for what requests note, each target once however often it was noted.

    What fails or is lost with the process is left to the background passes, which look for the same.
    """

    def __init__(self, name: str, work: Callable[..., object]) -> None:
        self._work = work
        self._lock, self._woken, self._stopping = Lock(), Event(), Event()
        self._noted: set[int] = set()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what was begun; what is only noted is left."""
        self._stopping.set()
        self._woken.set()
        self._thread.join(STOP_SECONDS)

    def note(self, batch_id: int) -> None:
        """Ask for it; returns at once."""
        with self._lock:
            self._noted.add(batch_id)
        self._woken.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.wait()
            self._stopping.wait(LINGER_SECONDS)
            self._woken.clear()
            with self._lock:
                noted, self._noted = self._noted, set()
            for batch_id in sorted(noted):
                if self._stopping.is_set():
                    return
                try:
                    self._work(batch_id=batch_id)
                # A database that is away for a moment: the passes will find what is left.
                except Exception:
                    logger.exception("what batch %s asks for soon could not be done", batch_id)


def stop_soon(batch_id: int | None) -> None:
    """Have it decided soon whether a batch's full tasks have answers enough; where nothing runs, the passes do it."""
    soon: Soon | None = current_app.extensions.get(STOPPING)
    if soon is not None and batch_id is not None:
        soon.note(batch_id)
