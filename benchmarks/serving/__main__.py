"""`python -m benchmarks.serving`: serve a batch and drive it here, time the next task at several sizes (--flat), or
wait for a driver from outside (--hold).
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.driving import drive
from benchmarks.serving.flat import measure_flat, print_flat
from benchmarks.serving.yardstick import claims_and_answers_per_second
from benchmarks.size.databases import Database
from benchmarks.size.databases import opened as opened_database
from tests.chaos.crowded import Crowded, Load, answers_in, environment_of, make_crowded, opened, problems, settings_on
from tests.running.server import RunningServer, running_server

CONFIG = Path(__file__).with_name("rest.json")
KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Measure:
    """One run: how much there is to do, and by how many."""

    load: Load
    clients: int
    hold: bool = False


def main() -> None:
    """Measure what is asked for on each database, and print one JSON object a line."""
    given = read_arguments()
    for kind in KINDS if given.database == "both" else (given.database,):
        if given.flat:
            with opened_database(kind, new_folder()) as database:
                print_flat(kind, [measure_flat(database, tasks=tasks) for tasks in given.flat])
            continue
        for clients in given.clients:
            pages = (1,) if given.hold else (1, given.page_size)
            for page_size in pages:
                load = Load(tasks=given.tasks, overlap=given.overlap, workers=clients, page_size=page_size)
                serve(kind, Measure(load, clients, hold=given.hold))


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--overlap", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[8, 32])
    parser.add_argument("--page-size", type=int, default=5, help="answers in one request, measured beside one by one")
    parser.add_argument(
        "--flat", type=int, nargs="*", metavar="TASKS", help="time the next task at these sizes (10000 1000000)"
    )
    parser.add_argument("--hold", action="store_true", help="serve until a line comes in, for load.py's `rest` adapter")
    given = parser.parse_args()
    if given.flat == []:
        given.flat = [10_000, 1_000_000]
    return given


def serve(kind: str, measure: Measure) -> None:
    """Make a batch in a new database, serve it, drive it and print what it took; with `hold`, let others drive."""
    data = new_folder()
    with opened_database(kind, data) as database:
        url = None if kind == "sqlite" else database.engine.url.render_as_string(hide_password=False)
        settings = settings_on(data, database_url=url)
        with opened(settings) as house:
            crowded = make_crowded(house, measure.load)
            with running_server(data, environment=environment_of(settings)) as server:
                if measure.hold:
                    hold(measure, server, crowded, dsn=dsn_of(data, database))
                else:
                    print(json.dumps(driven(database, server, crowded, measure)), flush=True)
            told = {"answers_in_database": len(answers_in(house)), "check": problems(house)}
            print(json.dumps(told), file=sys.stderr)


def driven(database: Database, server: RunningServer, crowded: Crowded, measure: Measure) -> dict[str, Any]:
    """Drive the server, and on PostgreSQL measure right after what its database can do at most."""
    name, load = database.engine.dialect.name, measure.load
    measured: dict[str, Any] = {"database": name, "tasks": load.tasks, "overlap": load.overlap, "page": load.page_size}
    measured |= drive(server, crowded, clients=measure.clients, database_cpu=database.cpu_seconds)
    if name == "postgresql" and load.page_size == 1:
        alone = claims_and_answers_per_second(database.engine.url, clients=measure.clients)
        measured["pgbench_claim_and_answer_per_second"] = alone
        measured["share_of_pgbench"] = round(measured["answers_per_second"] / alone, 2)
    return measured


def new_folder() -> Path:
    """Make a folder for one run's data."""
    return Path(tempfile.mkdtemp(prefix="crowd-hitl-benchmark-"))


def dsn_of(data: Path, database: Database) -> str:
    """Name the database as load.py's `verify` takes it: a file, or a libpq string."""
    url = database.engine.url
    if url.get_backend_name() == "sqlite":
        return str(data / "crowd_hitl.sqlite")
    return f"host={url.host or url.query.get('host', '')} dbname={url.database} user={url.username}"


def hold(measure: Measure, server: RunningServer, crowded: Crowded, *, dsn: str) -> None:
    """Print what a driver from outside needs, then serve until a line or the end of standard input."""
    workers = [{"key": worker_id, "token": token} for worker_id, token in crowded.tokens.items()]
    told = {
        "base": server.address,
        "config": str(CONFIG),
        "extra": {"project": crowded.batch_id, "workers": workers},
        "dsn": dsn,
        "server_pid": server.pid,
        "overlap": measure.load.overlap,
    }
    print(json.dumps(told), flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
