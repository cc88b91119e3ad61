"""The siege in short: servers, disk and database fail under 64 clients, and what was acknowledged is there once."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from crowd_hitl.bootstrap import House
from tests.chaos.cluster import Cluster, running_cluster
from tests.chaos.crowded import opened, settings_on
from tests.chaos.siege import Plan, Report, besiege

SEED = 3
# It ends when its deeds are done. A machine that runs other tests as well is given time for them, and to serve again.
AT_MOST_SECONDS = 90.0
BACK_SECONDS = 30.0
# A client that hangs up while it connects is cancelled inside httpx, which then leaves the socket to be collected:
# that is done in the test that caused it, not in whichever comes next.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Start a PostgreSQL that keeps what it acknowledged: the one that other tests share does not."""
    with running_cluster() as cluster:
        yield cluster


def test_killed_servers_and_a_full_disk_lose_and_double_nothing_on_sqlite(tmp_path: Path) -> None:
    with opened(settings_on(tmp_path)) as house:
        report = besieged(house, a_plan("fill_disk", "kill_job", "kill_web", "cut"))

    assert report.violations == [], str(report)
    assert report.disturbances["disk full"] and killed(report, "web") and killed(report, "job")
    assert report.answers > 0


def test_killed_servers_and_a_stopped_database_lose_and_double_nothing_on_postgresql(
    tmp_path: Path, cluster: Cluster
) -> None:
    with opened(settings_on(tmp_path, database_url=cluster.url)) as house:
        report = besieged(house, a_plan("stop_database", "kill_job", "kill_web", "terminate", webs=2), cluster=cluster)

    assert report.violations == [], str(report)
    assert report.disturbances["database stopped at once"] and killed(report, "web") and killed(report, "job")
    assert report.answers > 0


def a_plan(*deeds: str, webs: int = 1) -> Plan:
    """Make a plan that ends soon after these disturbances."""
    return Plan(AT_MOST_SECONDS, SEED, webs=webs, first=deeds, ends_after_first=True, back_seconds_max=BACK_SECONDS)


def besieged(house: House, plan: Plan, *, cluster: Cluster | None = None) -> Report:
    """Run the siege and show its counts to whoever asks for them with -s."""
    report = besiege(house, plan, cluster=cluster)
    gc.collect()
    print(report)  # noqa: T201 - the counts are the point of it
    return report


def killed(report: Report, what: str) -> int:
    """Count the kills of one kind of process."""
    return sum(count for deed, count in report.disturbances.items() if deed.startswith(f"{what} process killed"))
