"""`python -m benchmarks.serving`: make a batch, serve it, and drive it here or say how to drive it from outside."""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from benchmarks.serving.driving import drive
from tests.chaos.crowded import Crowded, Load, answers_in, environment_of, make_crowded, opened, problems, settings_on
from tests.running.postgres import running_postgres
from tests.running.server import RunningServer, running_server

CONFIG = Path(__file__).with_name("rest.json")


@dataclass(frozen=True)
class Asked:
    """What to measure."""

    load: Load
    clients: int
    database: str
    hold: bool
    data: Path


def main() -> None:
    """Run one measurement and print it as one JSON object; with --hold, wait for a driver from outside."""
    asked = read_arguments()
    with database_url(asked.database) as url:
        settings = settings_on(asked.data, database_url=url)
        with opened(settings) as house:
            crowded = make_crowded(house, asked.load)
            environment = {**environment_of(settings), "CROWD_HITL_TICK_SECONDS": "2"}
            with running_server(asked.data, environment=environment) as server:
                if asked.hold:
                    hold(asked, server, crowded, dsn=dsn_of(asked.data, url))
                else:
                    measured = drive(server, crowded, clients=asked.clients)
                    measured.update(database=asked.database, tasks=asked.load.tasks, overlap=asked.load.overlap)
                    print(json.dumps(measured))
            print(
                json.dumps({"answers_in_database": len(answers_in(house)), "check": problems(house)}), file=sys.stderr
            )


def read_arguments() -> Asked:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--hold", action="store_true", help="serve until a line comes in, for load.py's `rest` adapter")
    given = parser.parse_args()
    return Asked(
        load=Load(tasks=given.tasks, overlap=given.overlap, workers=given.clients),
        clients=given.clients,
        database=given.database,
        hold=given.hold,
        data=Path(tempfile.mkdtemp(prefix="crowd-hitl-benchmark-")),
    )


@contextmanager
def database_url(kind: str) -> Iterator[str | None]:
    """Start a PostgreSQL of our own if that is wanted; None means the embedded database."""
    with running_postgres() if kind == "postgresql" else nullcontext() as url:
        yield url


def dsn_of(data: Path, url: str | None) -> str:
    """Name the database as load.py's `verify` takes it: a file, or a libpq string."""
    if url is None:
        return str(data / "crowd_hitl.sqlite")
    parsed = make_url(url)
    host = parsed.host or parsed.query.get("host", "")
    return f"host={host} dbname={parsed.database} user={parsed.username}"


def hold(asked: Asked, server: RunningServer, crowded: Crowded, *, dsn: str) -> None:
    """Print what a driver from outside needs, then serve until a line or the end of standard input."""
    workers = [{"key": worker_id, "token": token} for worker_id, token in crowded.tokens.items()]
    told = {
        "base": server.address,
        "config": str(CONFIG),
        "extra": {"project": crowded.batch_id, "workers": workers},
        "dsn": dsn,
        "server_pid": server.pid,
        "overlap": asked.load.overlap,
    }
    print(json.dumps(told), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
