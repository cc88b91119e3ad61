"""`make chaos`: the siege at length. Exit code 1, the seed and the kept data when anything was violated."""

import argparse
import random
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.chaos.cluster import running_cluster
from tests.chaos.crowded import opened, settings_on
from tests.chaos.siege import Plan, Report, besiege

TEN_MINUTES = 600.0
DATABASES = ("sqlite", "postgresql")


def say(text: str) -> None:
    """Say it at once: somebody is waiting."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Besiege one database after the other; the seconds are those of all together."""
    arguments = _read_arguments()
    chosen = DATABASES if arguments.database == "both" else (arguments.database,)
    failed = 0
    for database in chosen:
        say(f"-- {database}")
        data = Path(tempfile.mkdtemp(prefix=f"crowd-hitl-chaos-{database}-"))
        report = _besiege(
            database, data, plan=Plan(arguments.seconds / len(chosen), arguments.seed, only=arguments.only)
        )
        say(str(report))
        if report.violations:
            failed += 1
            say(f"kept in {data}; again with: make chaos ARGS='--database {database} --seed {arguments.seed}'")
        else:
            shutil.rmtree(data)
    return 1 if failed else 0


def _besiege(database: str, data: Path, *, plan: Plan) -> Report:
    if database == "sqlite":
        with opened(settings_on(data)) as house:
            return besiege(house, plan, cluster=None)
    with running_cluster() as cluster, opened(settings_on(data, database_url=cluster.url)) as house:
        report = besiege(house, replace(plan, webs=2), cluster=cluster)
        if report.violations:
            cluster.keep(data / "postgresql")
        return report


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=TEN_MINUTES, help="of all databases together")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--only", nargs="+", default=(), help="disturbances, e.g. kill_web cut stop_database fill_disk")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
