"""Says of a database's error whether the database is away or cannot write: nobody's fault, and over when it is back."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from crowd_hitl.domain.errors import Busy

# PostgreSQL's classes of codes for: connection, resources (disk, connections), operator intervention.
AWAY_CLASSES = ("08", "53", "57P")
SQLITE_AWAY = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
FIRST_BYTE = 0xFF
AWAY = (
    "The database cannot be reached or cannot write at the moment. Whether this was done is not known: "
    "send the same request again, with the same key if it has one."
)


@contextmanager
def outages_told() -> Iterator[None]:
    """Raise Busy for an error that says that the database is away, so that clients know to ask again."""
    try:
        yield
    except DBAPIError as error:
        if not is_outage(error):
            raise
        raise Busy(AWAY) from error


def is_outage(error: DBAPIError) -> bool:
    """Say whether the database is away, is starting or stopping, or has no room to write."""
    if error.connection_invalidated:
        return True
    if isinstance(error.orig, sqlite3.Error):
        code: int = getattr(error.orig, "sqlite_errorcode", 0)
        return code & FIRST_BYTE in SQLITE_AWAY
    if not isinstance(error.orig, psycopg.Error):
        return False
    if error.orig.sqlstate is None:  # refused before there was a connection to say why
        return isinstance(error, OperationalError | InterfaceError)
    return error.orig.sqlstate.startswith(AWAY_CLASSES)
