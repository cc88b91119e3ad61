"""Jobs in this process: all that is due, failures that stop no other, imports that go on, the queue that loses."""

import logging
from threading import Event
from typing import Any

import pytest
from sqlalchemy import func, select

from crowd_hitl.bootstrap import open_queue
from crowd_hitl.edge.house import House
from crowd_hitl.jobs import consuming
from crowd_hitl.jobs.consuming import Workshop, run_due, sweep
from crowd_hitl.jobs.passes import ALL, PASSES, Pass
from crowd_hitl.jobs.requested import IMPORT_ROWS
from crowd_hitl.jobs.running import Run, Runner
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.jobbing import Wanted, cancel_job, queue_job
from crowd_hitl.services.reporting.jobs import Viewer, list_jobs
from crowd_hitl.store.job_rows import JobRow
from crowd_hitl.store.project_rows import ItemRow
from tests.jobs.conftest import an_import, job_row

WAIT_SECONDS = 10


def count_items(house: House) -> int:
    return house.uow.read(lambda session: session.scalar(select(func.count(ItemRow.id))) or 0)


def jobs_of(house: House) -> dict[str, JobRow]:
    viewer = Viewer(organisation_id=1, is_admin=True)
    return {row.key: row for row in house.uow.read(list_jobs, viewer=viewer).rows}


def test_nothing_is_written_when_nothing_is_due(house: House) -> None:
    assert run_due(house) == 0
    queue = open_queue(house.settings)
    sweep(house, queue)
    assert (queue.size(), jobs_of(house)) == (0, {})
    queue.close()


def test_a_pass_that_fails_is_told_and_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[str] = []

    def fail(_house: House, _run: Run) -> None:
        raise ZeroDivisionError("no luck")

    everything = {
        "poison": Pass(lambda _: [ALL], fail),
        "work": Pass(lambda _: [3, 4], lambda _, run: done.append(run.job.key)),
    }
    set_passes(monkeypatch, everything)
    with caplog.at_level(logging.ERROR):
        assert run_due(house) == 3
        # the failed one waits; those that are done come again
        assert run_due(house) == 2
    assert done == ["work:3", "work:4"] * 2
    assert "job 1 (poison) failed" in caplog.text
    poison = jobs_of(house)["poison"]
    assert (poison.state, poison.attempts, poison.last_error) == ("queued", 1, "ZeroDivisionError: no luck")


def test_an_import_goes_on_behind_its_last_chunk(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = an_import(house, rows=2 * IMPORT_ROWS + 5, bad=2)
    # the process is told to end when the first chunk is in
    runner = Runner(house, consuming.WORKS)
    noted = Runner._note

    def note_and_stop(self: Runner, *arguments: Any) -> bool:
        runner.stop()
        return noted(self, *arguments)

    monkeypatch.setattr(Runner, "_note", note_and_stop)
    assert runner.run(job_id)
    stopped = job_row(house, job_id)
    assert (stopped.state, stopped.done_count, stopped.attempts) == ("queued", IMPORT_ROWS, 0)
    assert count_items(house) == IMPORT_ROWS
    monkeypatch.undo()

    read: list[int] = []
    monkeypatch.setattr("crowd_hitl.jobs.requested.import_items", counting(read))
    assert run_due(house) >= 1
    row = job_row(house, job_id)
    assert row.state == "done"
    assert sum(read) == IMPORT_ROWS + 5 + 2
    assert row.result is not None
    assert {name: row.result[name] for name in ("rows", "added", "bad_rows")} == {
        "rows": 2 * IMPORT_ROWS + 7,
        "added": 2 * IMPORT_ROWS + 5,
        "bad_rows": 2,
    }
    assert count_items(house) == 2 * IMPORT_ROWS + 5


def test_what_no_retry_can_mend_fails_at_once(house: House) -> None:
    ours = job_row(house, an_import(house, rows=0)).organisation_id
    asked = {"what": "labels", "project_id": 1, "format": "stone"}
    wanted = Wanted(kind="export", key="export:1", payload=asked, organisation_id=ours)
    job_id = house.uow.run(queue_job, wanted=wanted).id
    run_due(house)
    failed = job_row(house, job_id)
    assert (failed.state, failed.attempts) == ("failed", 1)
    assert failed.last_error == "There is no format 'stone'. Ask for csv, jsonl, parquet."


def test_a_cancelled_job_stops_at_its_next_step_and_stays_cancelled(house: House) -> None:
    started, seen = Event(), Event()

    def work(_house: House, run: Run) -> None:
        started.set()
        assert seen.wait(WAIT_SECONDS)
        run.step(1)
        raise AssertionError("it went on")

    job_id = house.uow.run(queue_job, wanted=Wanted(kind="slow", key="slow")).id
    queue = open_queue(house.settings)
    workshop = Workshop(house, queue, threads=1, works={"slow": work})
    workshop.start()
    assert started.wait(WAIT_SECONDS)
    house.uow.run(cancel_job, job_id=job_id)
    seen.set()
    workshop.stop(seconds=WAIT_SECONDS)
    assert job_row(house, job_id).state == "cancelled"


def test_what_cannot_stop_in_time_is_given_back(house: House) -> None:
    started, may_end = Event(), Event()

    def work(_house: House, _run: Run) -> None:
        started.set()
        may_end.wait(WAIT_SECONDS)

    job_id = house.uow.run(queue_job, wanted=Wanted(kind="slow", key="slow")).id
    workshop = Workshop(house, open_queue(house.settings), threads=1, works={"slow": work})
    workshop.start()
    assert started.wait(WAIT_SECONDS)
    workshop.stop(seconds=0.05)
    row = job_row(house, job_id)
    assert (row.state, row.attempts, row.holder) == ("queued", 0, None)
    may_end.set()
    workshop.stop(seconds=WAIT_SECONDS)


def test_what_the_queue_lost_is_given_to_it_again(house: House) -> None:
    an_import(house, rows=1)
    queue = open_queue(house.settings)
    sweep(house, queue)
    sweep(house, queue)
    assert queue.size() == 1
    queue.purge()
    sweep(house, queue)
    assert queue.size() == 1
    queue.close()


def test_threads_run_what_the_sweep_finds(house: House) -> None:
    job_id = an_import(house, rows=3)
    workshop = Workshop(house, open_queue(house.settings), threads=2)
    workshop.start()
    until_done(house, job_id)
    workshop.stop(seconds=WAIT_SECONDS)
    assert count_items(house) == 3


def test_long_jobs_leave_a_thread_to_the_passes(house: House) -> None:
    began, may_end, passed = Event(), Event(), Event()
    running: list[int] = []

    def work(_house: House, run: Run) -> None:
        running.append(run.job.id)
        began.set()
        assert may_end.wait(WAIT_SECONDS)

    ours = job_row(house, an_import(house, rows=0)).organisation_id
    long_ones = [Wanted(kind="long", key=f"long:{number}", organisation_id=ours) for number in range(3)]
    for one in long_ones:
        house.uow.run(queue_job, wanted=one)
    works = {"long": work, "import": work, "pass": lambda _house, _run: passed.set()}
    workshop = Workshop(house, open_queue(house.settings), threads=2, works=works)
    workshop.start()
    assert began.wait(WAIT_SECONDS)
    pass_id = house.uow.run(queue_job, wanted=Wanted(kind="pass", key="pass")).id
    assert passed.wait(WAIT_SECONDS)
    until_done(house, pass_id)
    assert len(running) == 1
    may_end.set()
    # those that found no room are handed out again
    for key in ("long:0", "long:1", "long:2"):
        until_done(house, jobs_of(house)[key].id)
    workshop.stop(seconds=WAIT_SECONDS)


def test_the_lease_of_a_long_pass_is_renewed(house: House) -> None:
    renewed = Event()

    def work(a_house: House, run: Run) -> None:
        first = job_row(a_house, run.job.id).heartbeat_at
        while job_row(a_house, run.job.id).heartbeat_at == first:
            assert not renewed.wait(0.05)
        renewed.set()

    job_id = house.uow.run(queue_job, wanted=Wanted(kind="long", key="long")).id
    assert Runner(house, {"long": work}).run(job_id)
    assert renewed.is_set() and job_row(house, job_id).state == "done"


def test_every_pass_is_one_of_these() -> None:
    assert list(PASSES) == [
        "expire",
        "review",
        "appeals",
        "agree",
        "loop",
        "rules",
        "alert",
        "deliver",
    ]


def until_done(house: House, job_id: int) -> None:
    waited = Event()
    for _ in range(WAIT_SECONDS * 20):
        if job_row(house, job_id).state == "done":
            return
        waited.wait(0.05)
    raise AssertionError(f"job {job_id} is {job_row(house, job_id).state}")


def counting(read: list[int]) -> Any:
    def count(*arguments: Any, records: list[Any], **others: Any) -> Any:
        read.append(len(records))
        return import_items(*arguments, records=records, **others)

    return count


def set_passes(monkeypatch: pytest.MonkeyPatch, passes: dict[str, Pass]) -> None:
    monkeypatch.setattr(consuming, "PASSES", passes)
    monkeypatch.setattr(consuming, "wanted", lambda kind, house: named(passes, kind, house))
    monkeypatch.setattr(consuming, "WORKS", {kind: one.work for kind, one in passes.items()})


def named(passes: dict[str, Pass], kind: str, house: House) -> list[Wanted]:
    return [Wanted(kind=kind, key=f"{kind}:{target}" if target else kind) for target in passes[kind].due(house)]
