"""A database for one benchmark: SQLite in a folder, or a PostgreSQL server of its own with fsync on."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Engine

from crowd_hitl.store.engine import open_engine, sqlite_url
from crowd_hitl.store.migrating import upgrade
from tests.running import postgres

# As an operator would have it: what is acknowledged survives a power cut.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "50"}


@dataclass(frozen=True)
class Database:
    """An empty database with all tables; `server` is the process whose children work for us."""

    engine: Engine
    server: int | None

    def cpu_seconds(self) -> float:
        """Add up what the server's living processes have used."""
        if self.server is None:
            return 0.0
        ticks = sum(_ticks(pid) for pid in (self.server, *_children(self.server)))
        return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Database]:
    """Open the database and bring it up to date; stop and remove it afterwards."""
    if name == "sqlite":
        engine = open_engine(sqlite_url(folder))
        upgrade(engine)
        yield Database(engine, None)
        engine.dispose()
        return
    with patch.object(postgres, "THROWAWAY_SETTINGS", DURABLE), postgres.running_postgres() as url:
        engine = open_engine(url)
        upgrade(engine)
        yield Database(engine, _server_of(engine))
        engine.dispose()


def _server_of(engine: Engine) -> int | None:
    """Return the postmaster's process id where it runs on this machine."""
    with engine.connect() as connection:
        backend = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    try:
        return int(_stat(backend)[1])
    except OSError:
        return None


def _stat(pid: int) -> list[str]:
    """Return the fields behind the command's name, which may hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(") ")[2].split()


def _ticks(pid: int) -> int:
    try:
        fields = _stat(pid)
    except OSError:
        return 0
    # user and system time, of the process and of the children that it has waited for
    return sum(int(field) for field in fields[11:15])


def _children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if int(_stat(int(folder.name))[1]) == pid:
                    found.append(int(folder.name))
            except OSError:
                continue  # it ended meanwhile
    return found
