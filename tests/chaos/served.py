"""`crowd-hitl` with a clock that can be set: a file says by how many seconds it is off. For these tests only."""

import os
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from time import time
from typing import Self

from crowd_hitl.cli.main import app
from crowd_hitl.store import unit_of_work

VARIABLE = "CROWD_HITL_CHAOS_CLOCK"


def seconds_off() -> float:
    """Read how far the clock is off."""
    try:
        return float(Path(os.environ[VARIABLE]).read_text())
    except (OSError, ValueError):
        return 0.0


class Shifted(datetime):
    """The machine's clock, off by what the file says."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        """Return the shifted moment."""
        return super().now(tz) + timedelta(seconds=seconds_off())


def shifted_time() -> float:
    """Return the shifted seconds since 1970."""
    return time() + seconds_off()


if __name__ == "__main__":
    # The one place that reads the clock; its web processes are forked from this one.
    vars(unit_of_work).update(datetime=Shifted, time=shifted_time)
    app()
