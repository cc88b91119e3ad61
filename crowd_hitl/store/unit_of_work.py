"""The one place that commits, and the one that retries a lost race."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import lru_cache
from random import SystemRandom
from threading import RLock
from time import sleep
from typing import Any, TypeVar

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from crowd_hitl.domain.errors import Busy

T = TypeVar("T")
ATTEMPTS = 12
# PostgreSQL's codes for: serialization failure, deadlock, lock not available.
LOST_RACES = frozenset({"40001", "40P01", "55P03"})
_jitter = SystemRandom()


class UnitOfWork:
    """Runs services, each in one transaction: `run` writes, `read` does not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        self._writing = sessionmaker(engine, expire_on_commit=False)
        # One snapshot for everything a service reads: SQLite's transactions are that by themselves.
        snapshot = {} if self._sqlite else {"isolation_level": "REPEATABLE READ"}
        reader = engine.execution_options(reads_only=True, **snapshot)
        self._reading = sessionmaker(reader, expire_on_commit=False, autoflush=False)
        # SQLite's own busy wait sleeps; a lock of ours in front of it does not.
        self._turn: AbstractContextManager[object] = RLock() if self._sqlite else nullcontext()

    def run(self, service: Callable[..., T], /, **arguments: Any) -> T:
        """Run a service in a transaction and commit; a lost race runs it again, Busy when every attempt was lost.

        A service that takes `now` gets the database's clock unless the caller passes one.
        """
        for attempt in range(ATTEMPTS):
            try:
                with self._turn, self._writing() as session, session.begin():
                    return service(session, **self._with_now(session, service, arguments))
            except IntegrityError:
                # The loser of a race sees the winner's rows when it runs again; a real fault fails every time.
                if attempt >= 3:
                    raise
            except DBAPIError as error:
                if not _is_lost_race(error):
                    raise
            sleep(_jitter.uniform(0, min(0.5, 0.005 * 2**attempt)))
        raise Busy("The database was busy at every attempt. Nothing was changed; please try again.")

    def read(self, service: Callable[..., T], /, **arguments: Any) -> T:
        """Run a service that only reads, in one snapshot."""
        with self.reading() as session:
            return service(session, **self._with_now(session, service, arguments))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading, for results that are streamed."""
        with self._reading() as session:
            try:
                yield session
            finally:
                session.expunge_all()  # a rollback would empty the rows that the caller has in hand
                session.rollback()

    def now(self, session: Session) -> datetime:
        """Read the clock all processes share: the database's; for SQLite it is this machine's."""
        if self._sqlite:
            return datetime.now(UTC)
        now: datetime = session.scalars(select(func.clock_timestamp())).one()
        return now

    def _with_now(self, session: Session, service: Callable[..., object], arguments: dict[str, Any]) -> dict[str, Any]:
        if "now" in arguments or not _takes_now(service):
            return arguments
        return {**arguments, "now": self.now(session)}


@lru_cache(maxsize=512)
def _takes_now(service: Callable[..., object]) -> bool:
    return "now" in inspect.signature(service).parameters


def _is_lost_race(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in LOST_RACES:
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)
