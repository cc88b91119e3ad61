"""Jobs as rows: claimed once, finished, tried again after a pause, parked, taken from the dead, retried by hand."""

from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, NotFound
from crowd_hitl.domain.jobs import ATTEMPTS_MAX, pause_seconds
from crowd_hitl.services.jobbing import (
    DIED,
    Hold,
    Progress,
    Wanted,
    can_be_queued,
    cancel_job,
    claim_job,
    fail_job,
    finish_job,
    give_back,
    has_lapsed,
    note_handed,
    note_progress,
    queue_job,
    queue_passes,
    renew_lease,
    retry_job,
    take_from_the_dead,
    waiting,
)
from crowd_hitl.services.reporting.jobs import Viewer, list_jobs, one_job
from crowd_hitl.store.account_rows import OrganisationRow
from crowd_hitl.store.job_rows import JobRow
from crowd_hitl.store.unit_of_work import UnitOfWork

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASS = Wanted(kind="agree", key="agree:7", payload={"target": 7})


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def a_job(uow: UnitOfWork, wanted: Wanted = PASS) -> int:
    return uow.run(queue_job, wanted=wanted, now=NOON).id


def claimed(uow: UnitOfWork, job_id: int, *, at: datetime = NOON, holder: str = "mine") -> bool:
    return uow.run(claim_job, job_id=job_id, hold=Hold(holder, 30), now=at) is not None


def row_of(uow: UnitOfWork, job_id: int) -> JobRow:
    row: JobRow = uow.read(lambda session: session.get_one(JobRow, job_id))
    return row


def test_the_same_thing_waits_once_and_can_come_again_when_it_is_done(unit_of_work: UnitOfWork) -> None:
    first = a_job(unit_of_work)
    assert a_job(unit_of_work) == first
    assert claimed(unit_of_work, first)
    assert a_job(unit_of_work) == first
    unit_of_work.run(finish_job, holder="mine", now=later(1))
    assert a_job(unit_of_work) != first


def test_eight_at_once_queue_it_once(unit_of_work: UnitOfWork) -> None:
    together, faults = Barrier(8), []

    def queue() -> None:
        together.wait()
        try:
            unit_of_work.run(queue_job, wanted=PASS)
            unit_of_work.run(queue_passes, wanted=[PASS])
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            faults.append(error)

    threads = [Thread(target=queue) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(unit_of_work.read(waiting, again=True)) == 1


def test_of_eight_that_claim_it_one_gets_it(unit_of_work: UnitOfWork) -> None:
    job_id, together, got = a_job(unit_of_work), Barrier(8), []

    def claim(number: int) -> None:
        together.wait()
        got.append(claimed(unit_of_work, job_id, holder=str(number)))

    threads = [Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]


def test_a_pass_has_one_row_and_rests_nine_times_as_long_as_it_worked(unit_of_work: UnitOfWork) -> None:
    assert unit_of_work.run(queue_passes, wanted=[PASS], now=NOON) == 1
    (job_id,) = unit_of_work.read(waiting, again=False, now=NOON)
    assert claimed(unit_of_work, job_id)
    unit_of_work.run(finish_job, holder="mine", now=later(2))
    assert row_of(unit_of_work, job_id).rests_until == later(20)

    assert unit_of_work.read(can_be_queued, keys=[PASS.key], now=later(19)) == set()
    assert unit_of_work.run(queue_passes, wanted=[PASS], now=later(19)) == 0
    assert unit_of_work.read(can_be_queued, keys=[PASS.key], now=later(21)) == {PASS.key}
    assert unit_of_work.run(queue_passes, wanted=[PASS], now=later(21)) == 1
    assert unit_of_work.read(waiting, again=False, now=later(21)) == [job_id]


def test_a_failure_waits_longer_each_time_and_the_fifth_parks_it(unit_of_work: UnitOfWork) -> None:
    job_id, now = a_job(unit_of_work), NOON
    for attempt in range(1, ATTEMPTS_MAX):
        assert claimed(unit_of_work, job_id, at=now)
        assert unit_of_work.run(fail_job, holder="mine", error="no luck", now=now) == "queued"
        assert not claimed(unit_of_work, job_id, at=now)
        now += timedelta(seconds=pause_seconds(attempt))
    assert claimed(unit_of_work, job_id, at=now)
    assert unit_of_work.run(fail_job, holder="mine", error="no luck", now=now) == "parked"

    row = row_of(unit_of_work, job_id)
    assert (row.attempts, row.runs, row.last_error) == (ATTEMPTS_MAX, ATTEMPTS_MAX, "no luck")
    # a new tick leaves it alone until a person has looked
    assert unit_of_work.run(queue_passes, wanted=[PASS], now=later(10**6)) == 0
    unit_of_work.run(retry_job, job_id=job_id, now=now)
    assert claimed(unit_of_work, job_id, at=now)
    unit_of_work.run(finish_job, holder="mine", now=now)
    assert (row_of(unit_of_work, job_id).attempts, row_of(unit_of_work, job_id).last_error) == (0, None)


def test_what_no_retry_can_mend_fails_for_good(unit_of_work: UnitOfWork) -> None:
    job_id = a_job(unit_of_work)
    assert claimed(unit_of_work, job_id)
    assert unit_of_work.run(fail_job, holder="mine", error="not a CSV", now=NOON, final=True) == "failed"


def test_a_dead_process_loses_its_job_and_what_it_says_later_changes_nothing(unit_of_work: UnitOfWork) -> None:
    job_id = a_job(unit_of_work)
    assert claimed(unit_of_work, job_id)
    assert unit_of_work.run(renew_lease, hold=Hold("mine", 30), now=later(20))
    assert not unit_of_work.read(has_lapsed, now=later(49))
    assert unit_of_work.run(take_from_the_dead, now=later(49)) == []
    assert unit_of_work.read(has_lapsed, now=later(51))
    assert unit_of_work.run(take_from_the_dead, now=later(51)) == [job_id]
    assert row_of(unit_of_work, job_id).last_error == DIED
    assert claimed(unit_of_work, job_id, at=later(51), holder="another")

    assert not unit_of_work.run(renew_lease, hold=Hold("mine", 30), now=later(52))
    assert not unit_of_work.run(note_progress, holder="mine", progress=Progress(done_count=9))
    assert not unit_of_work.run(finish_job, holder="mine", now=later(52))
    assert unit_of_work.run(fail_job, holder="mine", error="late", now=later(52)) is None
    row = row_of(unit_of_work, job_id)
    assert (row.state, row.holder, row.done_count) == ("running", "another", 0)


def test_a_job_that_kills_its_process_each_time_is_parked(unit_of_work: UnitOfWork) -> None:
    job_id = a_job(unit_of_work)
    for turn in range(ATTEMPTS_MAX):
        assert claimed(unit_of_work, job_id, at=later(100 * turn))
        assert unit_of_work.run(take_from_the_dead, now=later(100 * turn + 50)) == [job_id]
    assert row_of(unit_of_work, job_id).state == "parked"


def test_what_is_given_back_keeps_its_progress_and_counts_as_no_failure(unit_of_work: UnitOfWork) -> None:
    job_id = a_job(unit_of_work)
    assert claimed(unit_of_work, job_id)
    progress = Progress(done_count=2_000, total_count=9_000, result={"added": 1_990})
    assert unit_of_work.run(note_progress, holder="mine", progress=progress)
    assert unit_of_work.run(give_back, holder="mine", now=NOON)
    again = unit_of_work.run(claim_job, job_id=job_id, hold=Hold("another", 30), now=NOON)
    assert again is not None
    assert (again.done_count, again.result) == (2_000, {"added": 1_990})
    assert row_of(unit_of_work, job_id).attempts == 0


def test_what_the_queue_was_given_is_not_given_again_unless_it_was_lost(unit_of_work: UnitOfWork) -> None:
    job_id = a_job(unit_of_work)
    unit_of_work.run(note_handed, job_ids=[job_id], now=NOON)
    assert unit_of_work.read(waiting, again=False, now=NOON) == []
    assert unit_of_work.read(waiting, again=True, now=NOON) == [job_id]


def test_retrying_and_cancelling_refuse_what_makes_no_sense(unit_of_work: UnitOfWork) -> None:
    job_id = a_job(unit_of_work)
    assert unit_of_work.run(cancel_job, job_id=job_id, now=NOON).state == "cancelled"
    with pytest.raises(AlreadyDone):
        unit_of_work.run(cancel_job, job_id=job_id, now=NOON)
    other = a_job(unit_of_work)
    with pytest.raises(Conflict, match=f"Job {other} does the same"):
        unit_of_work.run(retry_job, job_id=job_id, now=NOON)
    assert claimed(unit_of_work, other)
    with pytest.raises(Conflict, match="is running"):
        unit_of_work.run(retry_job, job_id=other, now=NOON)
    # cancelled while it runs: its process finds that it holds it no more
    unit_of_work.run(cancel_job, job_id=other, now=NOON)
    assert not unit_of_work.run(note_progress, holder="mine", progress=Progress(done_count=1))
    assert unit_of_work.run(retry_job, job_id=job_id, now=NOON).state == "queued"
    with pytest.raises(NotFound):
        unit_of_work.run(cancel_job, job_id=99, now=NOON)


def test_passes_are_shown_to_admins_and_jobs_to_their_organisation(unit_of_work: UnitOfWork) -> None:
    ours, theirs = unit_of_work.run(two_organisations)
    a_job(unit_of_work)
    own = a_job(unit_of_work, Wanted(kind="export", key="export:1", organisation_id=ours))

    def seen(organisation_id: int, *, is_admin: bool) -> list[str]:
        viewer = Viewer(organisation_id=organisation_id, is_admin=is_admin)
        return [row.key for row in unit_of_work.read(list_jobs, viewer=viewer).rows]

    assert seen(ours, is_admin=True) == ["export:1", "agree:7"]
    assert seen(ours, is_admin=False) == ["export:1"]
    assert seen(theirs, is_admin=False) == []
    with pytest.raises(NotFound):
        unit_of_work.read(one_job, viewer=Viewer(organisation_id=theirs, is_admin=True), job_id=own)


def two_organisations(session: Session, *, now: datetime) -> tuple[int, int]:
    rows = [OrganisationRow(name=name, created_at=now) for name in ("ours", "theirs")]
    session.add_all(rows)
    session.flush()
    return rows[0].id, rows[1].id
