"""The one place that commits, and the one that retries a lost race."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from random import SystemRandom
from threading import RLock
from time import monotonic, sleep, time
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

from crowd_hitl.domain.errors import Busy
from crowd_hitl.store.engine import short_engine
from crowd_hitl.store.hot_path.remembered import KEY, Remembered, Short
from crowd_hitl.store.outages import outages_told
from crowd_hitl.store.sharing_commits import SharedCommits

T = TypeVar("T")
ATTEMPTS = 12
ASK_CLOCK_SECONDS = 10.0
CLOCK_SLACK_SECONDS = 0.1
# PostgreSQL's codes for: serialization failure, deadlock, lock not available.
LOST_RACES = frozenset({"40001", "40P01", "55P03"})
_jitter = SystemRandom()


class UnitOfWork:
    """Runs services, each in one transaction: `run` writes, `read` does not."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        self._remembered = Remembered()
        self._clock = CarriedClock()
        info = {KEY: self._remembered}
        self._writing = sessionmaker(engine, expire_on_commit=False, info=info)
        self._short = short_engine(engine)
        # One snapshot for everything a service reads: SQLite's transactions are that by themselves.
        snapshot = {} if self._sqlite else {"isolation_level": "REPEATABLE READ"}
        reader = engine.execution_options(reads_only=True, **snapshot)
        self._reading = sessionmaker(reader, expire_on_commit=False, autoflush=False, info=info)
        # SQLite's own busy wait sleeps; a lock of ours in front of it does not.
        self._turn: AbstractContextManager[object] = RLock() if self._sqlite else nullcontext()
        self._at_once = SharedCommits(self._short, turn=self._turn).run if self._sqlite else self._alone

    def run(self, service: Callable[..., T], /, **arguments: Any) -> T:
        """Run a service in a transaction and commit; a lost race runs it again, Busy when every attempt was lost.

        Busy, too, when the database is away: it is not run again, as nobody knows whether the commit came through.
        A service that takes `now` gets the database's clock unless the caller passes one.
        """
        for attempt in range(ATTEMPTS):
            try:
                with outages_told(), self._failing_forgets(), self._turn, self._writing() as session, session.begin():
                    return self._call(service, session, arguments)
            except IntegrityError:
                # The loser of a race sees the winner's rows when it runs again; a real fault fails every time.
                if attempt >= 3:
                    raise
            except DBAPIError as error:
                if not _is_lost_race(error):
                    raise
            sleep(_jitter.uniform(0, min(0.5, 0.005 * 2**attempt)))
        raise Busy("The database was busy at every attempt. Nothing was changed; please try again.")

    @outages_told()
    def run_short(self, at_once: Callable[..., T | None], /, *, otherwise: Callable[..., T], **arguments: Any) -> T:
        """Run a service that is one statement when all goes well, and so needs neither transaction nor session.

        It gets a connection and what this process remembers. When it returns None, loses a race or its connection,
        `otherwise`, which does the same in a transaction, runs.
        """

        def work(connection: Connection) -> T | None:
            # asking the clock at each time would be a second statement
            now = arguments.get("now") or self._clock.now(otherwise=lambda: self.now(connection))
            return at_once(Short(connection, self._remembered), **{**arguments, "now": now})

        try:
            with self._failing_forgets():
                done: T | None = self._at_once(work)
        except DBAPIError as error:
            if not (isinstance(error, IntegrityError) or error.connection_invalidated or _is_lost_race(error)):
                raise
            done = None
        return self.run(otherwise, **arguments) if done is None else done

    @outages_told()
    def read(self, service: Callable[..., T], /, **arguments: Any) -> T:
        """Run a service that only reads, in one snapshot."""
        with self.reading() as session:
            return self._call(service, session, arguments)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session for reading, for results that are streamed."""
        with self._reading() as session:
            try:
                yield session
            finally:
                session.expunge_all()  # a rollback would empty the rows that the caller has in hand
                session.rollback()

    def now(self, session: Session | Connection) -> datetime:
        """Read the clock all processes share: the database's; for SQLite it is this machine's."""
        if self._sqlite:
            return datetime.now(UTC)
        now: datetime = session.scalars(select(func.clock_timestamp())).one()
        return now

    def _alone(self, work: Callable[[Connection], Any]) -> Any:
        with self._short.begin() as connection:
            return work(connection)

    @contextmanager
    def _failing_forgets(self) -> Iterator[None]:
        """Forget what was read in a transaction that failed: it may never have come to be."""
        try:
            yield
        except BaseException:
            self._remembered.forget()
            raise

    def _call(self, service: Callable[..., T], session: Session, arguments: dict[str, Any]) -> T:
        if "now" not in arguments and _takes_now(service):
            return service(session, **arguments, now=self.now(session))
        return service(session, **arguments)


class CarriedClock:
    """The database's clock, asked every few seconds and carried forward by this machine's in between."""

    def __init__(self) -> None:
        self._read: tuple[datetime, float, float] | None = None

    def now(self, *, otherwise: Callable[[], datetime]) -> datetime:
        """Return the moment; `otherwise` asks the database, also when this machine slept or its clock was set."""
        since, wall = monotonic(), time()
        if self._read is not None:
            then, since_then, wall_then = self._read
            passed = since - since_then
            if passed < ASK_CLOCK_SECONDS and abs(wall - wall_then - passed) < CLOCK_SLACK_SECONDS:
                return then + timedelta(seconds=passed)
        now = otherwise()
        self._read = (now, monotonic(), time())
        return now


@lru_cache(maxsize=512)
def _takes_now(service: Callable[..., object]) -> bool:
    return "now" in inspect.signature(service).parameters


def _is_lost_race(error: DBAPIError) -> bool:
    if getattr(error.orig, "sqlstate", None) in LOST_RACES:
        return True
    return isinstance(error, OperationalError) and "locked" in str(error.orig)
