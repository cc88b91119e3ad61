"""A real `crowd-hitl work`, killed in the middle of an import: another takes over, and nothing is there twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from crowd_hitl.bootstrap import open_queue
from crowd_hitl.edge.house import House
from crowd_hitl.jobs.consuming import Workshop
from crowd_hitl.store.job_rows import JobRow
from crowd_hitl.store.project_rows import ItemRow
from tests.jobs.conftest import an_import, job_row

ROWS = 20_000
WAIT_SECONDS = 60


@contextmanager
def working(house: House) -> Iterator["subprocess.Popen[bytes]"]:
    settings = house.settings
    environment = {**os.environ, "CROWD_HITL_TICK_SECONDS": "0.1", "CROWD_HITL_JOB_LEASE_SECONDS": "1"}
    if settings.database_url:
        environment["CROWD_HITL_DATABASE_URL"] = settings.database_url
    command = [sys.executable, "-m", "crowd_hitl", "work", "--data", str(settings.data)]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(house: House, job_id: int, *, reached: Callable[[JobRow], bool]) -> JobRow:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        row = job_row(house, job_id)
        if reached(row):
            return row
        time.sleep(0.02)
    raise AssertionError(f"{row.state}: {row.done_count} of {ROWS}, {row.last_error}")


def test_another_process_finishes_what_a_killed_one_began(house: House) -> None:
    job_id = an_import(house, rows=ROWS)

    with working(house) as first:
        wait_for(house, job_id, reached=lambda row: row.done_count > 0)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    killed = job_row(house, job_id)
    assert killed.state == "running" and 0 < killed.done_count < ROWS

    workshop = Workshop(house, open_queue(house.settings), threads=1)
    workshop.start()
    done = wait_for(house, job_id, reached=lambda row: row.state == "done")
    workshop.stop(seconds=WAIT_SECONDS)

    assert (done.runs, done.done_count, done.last_error) == (2, ROWS, None)
    assert done.result is not None
    # a chunk may have been in when its progress was not yet noted: it is found again, and not added twice
    assert done.result["rows"] == done.result["added"] + done.result["already_there"] == ROWS
    keys = house.uow.read(
        lambda session: session.execute(select(func.count(ItemRow.id), func.count(ItemRow.key.distinct()))).one()
    )
    assert tuple(keys) == (ROWS, ROWS)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_stopped_process_ends_well_and_gives_its_job_back(house: House) -> None:
    job_id = an_import(house, rows=ROWS)
    with working(house) as process:
        wait_for(house, job_id, reached=lambda row: row.done_count > 0)
        process.terminate()
        assert process.wait(WAIT_SECONDS) == 0
    row = job_row(house, job_id)
    assert (row.state, row.attempts, row.holder) == ("queued", 0, None)
    assert 0 < row.done_count < ROWS
