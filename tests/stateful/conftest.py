"""Fixtures of the stateful tests: an empty database for each program, on either kind."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.rows import Row
from tests.running.postgres import empty_database, empty_tables
from tests.stateful.driving import Empty


@pytest.fixture
def empty_sqlite(sqlite_template: Path, tmp_path: Path) -> Empty:
    """Give a function that opens an empty SQLite file."""
    numbers = count()

    @contextmanager
    def empty() -> Iterator[Engine]:
        path = tmp_path / f"program-{next(numbers)}.sqlite"
        shutil.copy(sqlite_template, path)
        engine = open_engine(f"sqlite:///{path}")
        # nothing here outlives a power cut, and waiting for the disk would be most of the time
        event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
        try:
            yield engine
        finally:
            engine.dispose()
            for file in tmp_path.glob(f"{path.name}*"):
                file.unlink()

    return empty


@pytest.fixture
def empty_postgresql(postgresql_engine: Engine) -> Empty:
    """Give a function that empties the tables of the PostgreSQL database and opens it."""

    @contextmanager
    def empty() -> Iterator[Engine]:
        empty_tables(postgresql_engine, Row.metadata)
        engine = open_engine(postgresql_engine.url.render_as_string(hide_password=False))
        try:
            yield engine
        finally:
            engine.dispose()

    return empty


@pytest.fixture
def own_postgresql(postgresql_engine: Engine) -> Empty:
    """Give a function that makes a PostgreSQL database of its own, for a test that spoils the tables."""

    @contextmanager
    def empty() -> Iterator[Engine]:
        with empty_database(postgresql_engine.url.render_as_string(hide_password=False)) as url:
            engine = open_engine(url)
            Row.metadata.create_all(engine)
            try:
                yield engine
            finally:
                engine.dispose()

    return empty


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest) -> Empty:
    """Give the function for one kind and then for the other."""
    found: Empty = request.getfixturevalue(f"empty_{request.param}")
    return found
