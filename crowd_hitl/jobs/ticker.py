"""A thread that runs the passes again and again; what fails in one pass is logged and stops no other."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from threading import Event, Thread

from crowd_hitl.jobs.logged import run_logged

STOP_SECONDS = 10.0


class Ticker:
    """Runs the passes in their order, then waits; `allowed` says at every tick whether this process may."""

    def __init__(
        self,
        passes: Mapping[str, Callable[[], None]],
        *,
        seconds: float,
        allowed: Callable[[], AbstractContextManager[bool]],
    ) -> None:
        self._passes, self._seconds, self._allowed = passes, seconds, allowed
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="ticker", daemon=True)

    def start(self) -> None:
        """Start ticking in a thread of its own; with a pause of 0 seconds there is none."""
        if self._seconds > 0:
            self._thread.start()

    def stop(self) -> None:
        """Let the running pass end and start no other."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_SECONDS)

    def tick(self) -> None:
        """Run every pass once, if this process may."""
        with self._allowed() as mine:
            if not mine:
                return
            for name, run in self._passes.items():
                if self._stopping.is_set():
                    return
                run_logged(name, run)

    def _run(self) -> None:
        while not self._stopping.is_set():
            run_logged("tick", self.tick)
            self._stopping.wait(self._seconds)
