"""A database that is away or full is told as Busy, so that clients ask again; other errors stay what they are."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import Busy
from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.hot_path.remembered import Short
from crowd_hitl.store.unit_of_work import UnitOfWork

NOBODY_THERE = "postgresql://postgres@/nothing?host=%2Fnowhere"


def look(session: Session) -> None:
    session.execute(text("SELECT 1"))


def look_at_once(short: Short, *, now: object) -> None:
    short.connection.execute(text("SELECT 1"))


def fill(session: Session) -> None:
    session.execute(text("CREATE TABLE large (content BLOB)"))
    session.execute(text("INSERT INTO large VALUES (zeroblob(1000000))"))


def test_a_database_that_cannot_be_reached_is_busy_to_all_who_ask() -> None:
    uow = UnitOfWork(open_engine(NOBODY_THERE))

    with pytest.raises(Busy, match="cannot be reached"):
        uow.run(look)
    with pytest.raises(Busy, match="cannot be reached"):
        uow.read(look)
    with pytest.raises(Busy, match="cannot be reached"):
        uow.run_short(look_at_once, otherwise=look)


def test_a_full_disk_is_busy_and_over_when_there_is_room(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'full.sqlite'}")
    uow = UnitOfWork(engine)
    limit_pages(engine, 10)

    with pytest.raises(Busy, match="cannot write"):
        uow.run(fill)

    limit_pages(engine, 10_000)
    uow.run(fill)
    engine.dispose()


def test_a_connection_that_was_ended_is_busy_and_the_next_one_works(postgresql_engine: Engine) -> None:
    engine = open_engine(postgresql_engine.url.render_as_string(hide_password=False))
    uow = UnitOfWork(engine)

    def end_itself(session: Session) -> None:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Busy, match="not known"):
        uow.run(end_itself)

    uow.run(look)
    engine.dispose()


def test_a_mistake_in_a_statement_is_no_outage(store: Engine) -> None:
    with pytest.raises(DBAPIError):
        UnitOfWork(store).run(lambda session: session.execute(text("SELECT nothing FROM nowhere")))


def limit_pages(engine: Engine, most: int) -> None:
    """Let the file grow to so many pages: on every connection from now on."""
    engine.dispose()

    @event.listens_for(engine, "connect")
    def limit(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {most}")
