"""Sees to it that of all processes on one database only one looks for due work at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

# Any number, as long as nothing else in the database uses it for an advisory lock.
LOCK_NUMBER = 4_815_162_342


@contextmanager
def alone(engine: Engine) -> Iterator[bool]:
    """Say whether this process may look now; the right ends with the block, or with the process."""
    if engine.dialect.name == "postgresql":
        with _advisory_lock(engine) as mine:
            yield mine
    else:
        with _file_lock(Path(f"{engine.url.database}.sweep")) as mine:
            yield mine


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[bool]:
    # Autocommit: a transaction left open for the length of a pass would hold back PostgreSQL's vacuum.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        mine = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:number)"), {"number": LOCK_NUMBER}))
        try:
            yield mine
        finally:
            if mine:
                connection.execute(text("SELECT pg_advisory_unlock(:number)"), {"number": LOCK_NUMBER})


@contextmanager
def _file_lock(path: Path) -> Iterator[bool]:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
