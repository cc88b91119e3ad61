"""Shared commits: together or not at all, each by itself inside, and nobody told before it is so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier, Event, RLock, Thread
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import IntegrityError

from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.sharing_commits import SharedCommits


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_engine(f"sqlite:///{tmp_path / 'notes.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (id INTEGER PRIMARY KEY)"))
    yield engine
    engine.dispose()


def writes(number: int) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO note (id) VALUES (:id)"), {"id": number})
        return number

    return work


def written(engine: Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.scalars(text("SELECT id FROM note ORDER BY id")))


@contextmanager
def held_back(commits: SharedCommits) -> Iterator[None]:
    """Keep the first who comes busy, so that all who come meanwhile wait together."""
    inside, go_on = Event(), Event()

    def work(_connection: Connection) -> None:
        inside.set()
        assert go_on.wait(10)

    first = Thread(target=commits.run, args=(work,))
    first.start()
    assert inside.wait(10)
    yield
    go_on.set()
    first.join(10)


def at_once(commits: SharedCommits, works: list[Callable[[Connection], Any]]) -> list[Any]:
    """Run all of them at once, while somebody else holds the turn; return what each got, or its error."""
    found: list[Any] = [None] * len(works)
    ready = Barrier(len(works) + 1)

    def run(place: int) -> None:
        ready.wait(10)
        try:
            found[place] = commits.run(works[place])
        except Exception as error:  # noqa: BLE001 - the test looks at it
            found[place] = error

    with held_back(commits):
        threads = [Thread(target=run, args=(place,)) for place in range(len(works))]
        for thread in threads:
            thread.start()
        ready.wait(10)
        while len(commits._waiting) < len(works):  # until all of them have come
            Event().wait(0.001)
    for thread in threads:
        thread.join(10)
    return found


def test_who_comes_at_once_shares_a_commit(engine: Engine) -> None:
    commits = SharedCommits(engine, turn=RLock())
    counted: list[Connection] = []
    event.listen(engine, "commit", counted.append)

    assert at_once(commits, [writes(number) for number in range(1, 9)]) == list(range(1, 9))

    assert len(counted) == 2  # of the one who held the others back, and of all the others
    assert written(engine) == list(range(1, 9))


def test_what_fails_takes_back_its_own_and_nothing_else(engine: Engine) -> None:
    commits = SharedCommits(engine, turn=RLock())

    def fails(connection: Connection) -> None:
        writes(7)(connection)
        raise ValueError("not so")

    found = at_once(commits, [writes(1), fails, writes(2), lambda connection: writes(3)(connection) and None])

    assert [type(one) for one in found] == [int, ValueError, int, type(None)]
    assert written(engine) == [1, 2, 3]


def test_a_constraint_stops_one_of_two_who_want_the_same(engine: Engine) -> None:
    found = at_once(SharedCommits(engine, turn=RLock()), [writes(5), writes(5)])

    assert sorted(type(one).__name__ for one in found) == ["IntegrityError", "int"]
    assert written(engine) == [5]


def test_nobody_is_told_that_it_went_well_when_the_commit_fails(engine: Engine) -> None:
    commits = SharedCommits(engine, turn=RLock())

    def breaks_the_commit(connection: Connection) -> int:
        connection.execute(text("PRAGMA defer_foreign_keys=ON"))
        connection.execute(text("INSERT INTO child (of) VALUES (99)"))
        return 1

    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE child (of INTEGER REFERENCES note (id) DEFERRABLE INITIALLY DEFERRED)"))

    found = at_once(commits, [writes(1), breaks_the_commit, writes(2)])

    assert [type(one) for one in found] == [IntegrityError] * 3
    assert written(engine) == []
    assert commits.run(writes(4)) == 4
    assert written(engine) == [4]


def test_what_makes_sqlite_take_back_everything_is_told_to_all(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON note WHEN NEW.id = 9 BEGIN SELECT RAISE(ROLLBACK, 'full'); END")
        )

    found = at_once(SharedCommits(engine, turn=RLock()), [writes(1), writes(9), writes(2)])

    assert [str(getattr(one, "orig", one)) for one in found] == ["full"] * 3
    assert written(engine) == []


def test_when_the_server_is_stopped_nobody_waits_for_ever(engine: Engine) -> None:
    commits = SharedCommits(engine, turn=RLock())

    def stopped(_connection: Connection) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        commits.run(stopped)

    assert commits.run(writes(1)) == 1
