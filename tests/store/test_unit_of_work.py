"""The unit of work: one commit, all or nothing, lost races run again, and a clock for whoever asks."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import Busy, NothingToDo
from crowd_hitl.store import unit_of_work as module
from crowd_hitl.store.account_rows import OrganisationRow
from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.unit_of_work import ATTEMPTS, UnitOfWork

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
WRITES = 25


class LostRace(Exception):
    """What PostgreSQL's driver raises for a serialization failure."""

    sqlstate = "40001"


def add(session: Session, *, name: str = "Lab", now: datetime = NOON) -> OrganisationRow:
    """Write one row."""
    row = OrganisationRow(name=name, created_at=now)
    session.add(row)
    session.flush()
    return row


def names(session: Session) -> list[str]:
    """Read all rows."""
    return list(session.scalars(select(OrganisationRow.name).order_by(OrganisationRow.id)))


def losing(times: int, error: Callable[[], Exception]) -> tuple[Callable[..., int], list[int]]:
    """Make a service that writes a row and then loses a race so many times; and the list of its attempts."""
    attempts: list[int] = []

    def service(session: Session) -> int:
        attempts.append(len(attempts))
        add(session, name=f"attempt {len(attempts)}")
        if len(attempts) <= times:
            raise error()
        return len(attempts)

    return service, attempts


def lost_race() -> Exception:
    return OperationalError("UPDATE …", {}, LostRace())


def locked() -> Exception:
    return OperationalError("INSERT …", {}, Exception("database is locked"))


def same_name() -> Exception:
    return IntegrityError("INSERT …", {}, Exception("UNIQUE constraint failed"))


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts follow each other at once."""
    monkeypatch.setattr(module, "sleep", lambda _: None)


def test_what_a_service_wrote_is_committed(unit_of_work: UnitOfWork, store: Engine) -> None:
    row = unit_of_work.run(add, name="Lab")

    assert UnitOfWork(store).read(names) == ["Lab"]
    assert row.name == "Lab", "a row can be used after the commit"


def test_an_error_rolls_everything_back_and_reaches_the_caller(unit_of_work: UnitOfWork) -> None:
    def fails(session: Session) -> None:
        add(session)
        raise NothingToDo("No open place.")

    with pytest.raises(NothingToDo):
        unit_of_work.run(fails)

    assert unit_of_work.read(names) == []


def test_a_read_changes_nothing(unit_of_work: UnitOfWork) -> None:
    unit_of_work.read(add)

    assert unit_of_work.read(names) == []


@pytest.mark.parametrize("error", [lost_race, locked, same_name])
def test_a_lost_race_is_run_again_from_the_start(
    unit_of_work: UnitOfWork, no_pauses: None, error: Callable[[], Exception]
) -> None:
    service, attempts = losing(3, error)

    assert unit_of_work.run(service) == 4

    assert len(attempts) == 4
    assert unit_of_work.read(names) == ["attempt 4"]


def test_a_race_lost_every_time_is_busy(unit_of_work: UnitOfWork, no_pauses: None) -> None:
    service, attempts = losing(10**6, lost_race)

    with pytest.raises(Busy, match="try again"):
        unit_of_work.run(service)

    assert len(attempts) == ATTEMPTS
    assert unit_of_work.read(names) == []


def test_a_broken_constraint_is_no_race_for_ever(unit_of_work: UnitOfWork, no_pauses: None) -> None:
    service, attempts = losing(10**6, same_name)

    with pytest.raises(IntegrityError):
        unit_of_work.run(service)

    assert len(attempts) == 4


def test_a_fault_of_the_database_that_is_no_race_is_not_run_again(unit_of_work: UnitOfWork) -> None:
    attempts: list[int] = []

    def broken(session: Session) -> None:
        attempts.append(1)
        session.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(Exception, match="nowhere"):
        unit_of_work.run(broken)

    assert len(attempts) == 1


def test_the_clock_is_given_to_a_service_that_takes_it(unit_of_work: UnitOfWork) -> None:
    def clock(session: Session, *, now: datetime) -> datetime:
        return now

    before = datetime.now(UTC)  # noqa: TID251 - it is the clock that is tested
    for way in (unit_of_work.run, unit_of_work.read):
        told = way(clock)
        assert told.tzinfo is not None and abs(told - before) < timedelta(seconds=60)
        assert way(clock, now=NOON) == NOON


def test_streamed_rows_can_be_used_after_reading(unit_of_work: UnitOfWork) -> None:
    unit_of_work.run(add)

    with unit_of_work.reading() as session:
        row = session.scalars(select(OrganisationRow)).one()

    assert row.name == "Lab"


def test_threads_that_write_at_once_all_succeed(store: Engine) -> None:
    """Each with a unit of work of its own, as separate processes have: their only common lock is the database's."""

    def write(number: int) -> None:
        uow = UnitOfWork(store)
        for step in range(WRITES):
            uow.run(read_then_write, name=f"{number}-{step}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))

    assert UnitOfWork(store).read(lambda session: session.scalar(select(func.count(OrganisationRow.id)))) == 4 * WRITES


def test_processes_that_write_at_once_on_sqlite_never_see_it_locked(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite'}"
    engine = open_engine(url)
    OrganisationRow.metadata.create_all(engine)

    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        done = pool.starmap(write_as_a_process, [(url, number) for number in range(2)])

    assert done == [WRITES, WRITES]
    assert len(UnitOfWork(engine).read(names)) == 2 * WRITES
    engine.dispose()


def read_then_write(session: Session, *, name: str) -> Any:
    """Read first: a lock that had to be upgraded could deadlock here."""
    assert name not in names(session)
    return add(session, name=name)


def write_as_a_process(url: str, number: int) -> int:
    """Write from a process of its own and return how often it worked."""
    engine = open_engine(url)
    uow = UnitOfWork(engine)
    done = [uow.run(read_then_write, name=f"{number}-{step}") for step in range(WRITES)]
    engine.dispose()
    return len(done)
