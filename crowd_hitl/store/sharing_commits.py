"""Shared commits on SQLite: who wants to write a little at the same time shares a transaction, and a sync of the disk.

SQLite lets one write at a time, and each commit waits for the disk. PostgreSQL groups the commits of its connections by
itself.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import Event, Lock
from typing import Any

from sqlalchemy import Connection, Engine

from crowd_hitl.domain.errors import Busy

MOST = 64
Work = Callable[[Connection], Any]


class SharedCommits:
    """Runs pieces of work, each all or nothing, and returns only once what they did is on the disk.

    The first who comes leads: does the work of all who wait, each behind a savepoint of its own, and commits once. Who
    came meanwhile is led by the first of them.
    """

    def __init__(self, engine: Engine, *, turn: AbstractContextManager[object]) -> None:
        self._engine = engine
        self._turn = turn
        self._lock = Lock()
        self._waiting: list[_Wish] = []
        self._is_led = False

    def run(self, work: Work) -> Any:
        """Return what the work returns, or raise what it raised, or what the commit did."""
        mine = _Wish(work)
        with self._lock:
            self._waiting.append(mine)
            leads, self._is_led = not self._is_led, True
        if not leads:
            mine.woken.wait()
        if not mine.is_done:
            self._lead()
        if mine.error is not None:
            raise mine.error
        return mine.value

    def _lead(self) -> None:
        wishes: list[_Wish] = []
        try:
            with self._turn:
                with self._lock:
                    wishes, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
                self._fulfil(wishes)
        finally:
            with self._lock:
                heir = self._waiting[0] if self._waiting else None
                self._is_led = heir is not None
            for wish in wishes:
                wish.woken.set()
            if heir is not None:
                heir.woken.set()

    def _fulfil(self, wishes: "list[_Wish]") -> None:
        try:
            with self._engine.begin() as connection:
                for wish in wishes:
                    wish.run(connection, alone=len(wishes) == 1)
        except BaseException as error:
            # nothing is committed: whose work went well is told why it counts for nothing
            told = error if isinstance(error, Exception) else Busy("The server is being stopped. Please try again.")
            for wish in wishes:
                wish.error = wish.error or told
            if told is not error:
                raise
        finally:
            for wish in wishes:
                wish.is_done = True


class _Wish:
    """A piece of work, and what became of it."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.woken = Event()
        self.value: Any = None
        self.error: Exception | None = None
        self.is_done = False

    def run(self, connection: Connection, *, alone: bool) -> None:
        """Do the work; what fails takes back what it did, and nothing else."""
        if alone:
            self.value = self._work(connection)
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("SAVEPOINT wish")
        try:
            self.value = self._work(connection)
        except Exception as error:
            self.error = error
            if not driver.in_transaction:
                raise  # a full disk, say: SQLite took back all that was done
            driver.execute("ROLLBACK TO wish")
        driver.execute("RELEASE wish")
