"""Opening a database: SQLite with durable WAL settings, or PostgreSQL."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.store import (
    account_rows,
    gate_rows,
    job_rows,
    label_rows,
    loop_rows,
    money_rows,
    payout_rows,
    project_rows,
    removal_rows,
    review_rows,
    work_rows,
)
from crowd_hitl.store.hot_path.postgresql import CONNECTION_OPTIONS

# Importing them is what puts their tables into Row.metadata.
ROW_MODULES = (
    *(account_rows, gate_rows, project_rows, work_rows, review_rows),
    *(label_rows, money_rows, payout_rows, loop_rows, removal_rows, job_rows),
)

SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # an acknowledged answer survives a power cut
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA busy_timeout=15000",
    "PRAGMA cache_size=-65536",
    "PRAGMA temp_store=MEMORY",
)


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """Open the database at this URL; Unusable if the URL names neither SQLite nor PostgreSQL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise Unusable("The database URL cannot be read. It looks like postgresql://user@host/name.") from error
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(str(parsed))
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True
        )
    raise Unusable(f"{parsed.get_backend_name()} is not supported. Use SQLite or PostgreSQL.")


def short_engine(engine: Engine) -> Engine:
    """Return where single statements run, each a transaction by itself; it is disposed of with the first engine."""
    if engine.dialect.name == "sqlite":
        return engine
    options = f"{engine.url.query.get('options', '')} {CONNECTION_OPTIONS}"
    short = create_engine(
        engine.url,
        isolation_level="AUTOCOMMIT",
        pool_size=engine.pool.size() if isinstance(engine.pool, QueuePool) else 5,
        # a lost connection is noticed by the statement, which then runs again elsewhere: no ping before each
        pool_pre_ping=False,
        connect_args={"options": options, "prepare_threshold": 0},
    )

    @event.listens_for(engine, "engine_disposed")
    def dispose(_engine: Engine) -> None:
        short.dispose()

    return short


def sqlite_url(folder: Path) -> str:
    """Return the URL of the embedded database of a data folder."""
    return f"sqlite:///{folder / 'crowd_hitl.sqlite'}"


def _open_sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 15, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        for pragma in SQLITE_PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A write lock taken at once never has to be upgraded, so it cannot deadlock with another.
        reads_only = connection.get_execution_options().get("reads_only", False)
        statement = "BEGIN" if reads_only else "BEGIN IMMEDIATE"
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        try:
            driver.execute(statement)  # at every request: around it, SQLAlchemy would cost more than the statement
        except sqlite3.Error as error:
            raise DBAPIError.instance(statement, None, error, sqlite3.Error) from error

    return engine
