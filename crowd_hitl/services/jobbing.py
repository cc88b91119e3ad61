"""Background jobs as rows: queued, claimed by one process at a time, finished, tried again, parked.

The queue carries ids and may lose them; what a row says is what is so. Every write of a process that runs a job names
its hold (`holder`): one that was thought dead and comes back changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, NotFound
from crowd_hitl.domain.jobs import ACTIVE, ATTEMPTS_MAX, STUCK, JobState, pause_seconds, rest_seconds
from crowd_hitl.store.job_rows import JobRow

LONGEST_ERROR = 2_000
HANDED_AT_ONCE = 200
DIED = "The process that ran it ended in the middle."


@dataclass(frozen=True)
class Wanted:
    """A job to be queued; two of the same key are the same thing."""

    kind: str
    key: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    organisation_id: int | None = None
    account_id: int | None = None


@dataclass(frozen=True)
class Hold:
    """The right to run a job: whose it is, and how long it lasts without a sign of life."""

    holder: str
    lease_seconds: float


@dataclass(frozen=True)
class Claimed:
    """A job that this process holds, with what an earlier run had done of it."""

    id: int
    kind: str
    key: str
    payload: Mapping[str, Any]
    done_count: int
    result: Mapping[str, Any]
    is_pass: bool


def queue_job(session: Session, *, wanted: Wanted, now: datetime) -> JobRow:
    """Queue a job; while one of the same key waits or runs, that one is returned instead."""
    active = session.scalar(select(JobRow).where(JobRow.key == wanted.key, JobRow.state.in_(ACTIVE)))
    if active is not None:
        return active
    row = _new(wanted, now=now)
    session.add(row)
    session.flush()
    return row


def queue_passes(session: Session, *, wanted: Sequence[Wanted], now: datetime, resting: bool = True) -> int:
    """Queue the passes that do not wait, run, or stand parked, each in its one row; return how many.

    With `resting`, one that has just worked is left alone until it has rested.
    """
    keys = [one.key for one in wanted]
    again = update(JobRow).where(JobRow.key.in_(keys), JobRow.state == JobState.DONE.value)
    if resting:
        again = again.where(~_rests(now))
    queued = session.execute(
        again.values(
            state=JobState.QUEUED.value, due_at=now, handed_at=None, done_count=0, total_count=None
        ).execution_options(synchronize_session=False)
    )
    known = set(session.scalars(select(JobRow.key).where(JobRow.key.in_(keys))))
    fresh = [_new(one, now=now) for one in wanted if one.key not in known]
    session.add_all(fresh)
    session.flush()
    return _changed(queued) + len(fresh)


def can_be_queued(session: Session, *, keys: Sequence[str], now: datetime) -> set[str]:
    """Say which of these passes are to be queued now: asking costs no write when there is nothing to do."""
    busy = select(JobRow.key).where(JobRow.key.in_(keys), or_(JobRow.state != JobState.DONE.value, _rests(now)))
    return set(keys) - set(session.scalars(busy))


def waiting(session: Session, *, now: datetime, again: bool, limit: int = HANDED_AT_ONCE) -> list[int]:
    """List the jobs that are due and not given to the queue yet; with `again`, also those that it was given."""
    due = select(JobRow.id).where(JobRow.state == JobState.QUEUED.value, JobRow.due_at <= now)
    if not again:
        due = due.where(JobRow.handed_at.is_(None))
    return list(session.scalars(due.order_by(JobRow.due_at, JobRow.id).limit(limit)))


def note_handed(session: Session, *, job_ids: Sequence[int], now: datetime) -> None:
    """Note that the queue has these."""
    handed = update(JobRow).where(JobRow.id.in_(job_ids), JobRow.state == JobState.QUEUED.value)
    session.execute(handed.values(handed_at=now).execution_options(synchronize_session=False))


def leave_job(session: Session, *, job_id: int) -> None:
    """Note that the queue has no longer the id of a job that still waits."""
    left = update(JobRow).where(JobRow.id == job_id, JobRow.state == JobState.QUEUED.value)
    session.execute(left.values(handed_at=None).execution_options(synchronize_session=False))


def claim_job(session: Session, *, job_id: int, hold: Hold, now: datetime, passes_only: bool = False) -> Claimed | None:
    """Take a due job to run it; None when it is not to be run now, or another process was first."""
    taken = (
        update(JobRow)
        .where(JobRow.id == job_id, JobRow.state == JobState.QUEUED.value, JobRow.due_at <= now)
        .values(
            state=JobState.RUNNING.value,
            holder=hold.holder,
            runs=JobRow.runs + 1,
            started_at=now,
            heartbeat_at=now,
            lease_ends_at=now + timedelta(seconds=hold.lease_seconds),
            handed_at=None,
        )
        .returning(JobRow)
    )
    if passes_only:
        taken = taken.where(JobRow.organisation_id.is_(None))
    row = session.scalars(taken).one_or_none()
    if row is None:
        return None
    return Claimed(
        id=row.id,
        kind=row.kind,
        key=row.key,
        payload=row.payload,
        done_count=row.done_count,
        result=row.result or {},
        is_pass=row.organisation_id is None,
    )


def renew_lease(session: Session, *, hold: Hold, now: datetime) -> bool:
    """Say that the process lives; False when the job is not its own any more."""
    beat = update(JobRow).where(JobRow.holder == hold.holder)
    beat = beat.values(heartbeat_at=now, lease_ends_at=now + timedelta(seconds=hold.lease_seconds))
    return bool(_changed(session.execute(beat.execution_options(synchronize_session=False))))


@dataclass(frozen=True)
class Progress:
    """How far a job has come: what is done, of how many if that is known, and what came of it so far."""

    done_count: int
    total_count: int | None = None
    result: Mapping[str, Any] | None = None


def note_progress(session: Session, *, holder: str, progress: Progress) -> bool:
    """Write down how far it has come; False when the job is not this process's any more."""
    values: dict[str, Any] = {"done_count": progress.done_count, "total_count": progress.total_count}
    if progress.result is not None:
        values["result"] = dict(progress.result)
    noted = update(JobRow).where(JobRow.holder == holder).values(**values)
    return bool(_changed(session.execute(noted.execution_options(synchronize_session=False))))


def finish_job(session: Session, *, holder: str, now: datetime) -> bool:
    """Mark it done, and let it rest in proportion; False when it is not this process's any more."""
    row = _held(session, holder)
    if row is None:
        return False
    worked = (now - (row.started_at or now)).total_seconds()
    _let_go(row, JobState.DONE)
    row.attempts, row.last_error, row.finished_at = 0, None, now
    row.rests_until = now + timedelta(seconds=rest_seconds(worked))
    session.flush()
    return True


def fail_job(session: Session, *, holder: str, error: str, now: datetime, final: bool = False) -> str | None:
    """Write down why it failed and return its new state: queued after a pause, parked, or failed for good (`final`)."""
    row = _held(session, holder)
    if row is None:
        return None
    _note_failure(row, error, now=now, pause=True, final=final)
    session.flush()
    return row.state


def give_back(session: Session, *, holder: str, now: datetime) -> bool:
    """Put a job that was stopped in the middle back into the queue; what it had done stays noted."""
    row = _held(session, holder)
    if row is None:
        return False
    _let_go(row, JobState.QUEUED)
    row.due_at = now
    session.flush()
    return True


def take_from_the_dead(session: Session, *, now: datetime) -> list[int]:
    """Queue the jobs whose process ended without a word, or park those that have ended several; return which."""
    lapsed = select(JobRow).where(JobRow.state == JobState.RUNNING.value, JobRow.lease_ends_at < now)
    rows = session.scalars(lapsed.with_for_update(key_share=True, skip_locked=True)).all()
    for row in rows:
        # no pause: its lease was one
        _note_failure(row, DIED, now=now, pause=False)
    session.flush()
    return [row.id for row in rows]


def has_lapsed(session: Session, *, now: datetime) -> bool:
    """Say whether a running job's lease has ended."""
    lapsed = exists().where(JobRow.state == JobState.RUNNING.value, JobRow.lease_ends_at < now)
    return bool(session.scalar(select(lapsed)))


def retry_job(session: Session, *, job_id: int, now: datetime) -> JobRow:
    """Start a job that is parked, failed or cancelled again, or one that waits after a failure at once.

    Conflict when it runs or is done, or another of the same key waits or runs.
    """
    row = _locked(session, job_id)
    if row.state not in (*STUCK, JobState.QUEUED.value):
        raise Conflict(f"Job {job_id} is {row.state}: there is nothing to retry.")
    other = select(JobRow.id).where(JobRow.key == row.key, JobRow.state.in_(ACTIVE), JobRow.id != row.id)
    active = session.scalar(other)
    if active is not None:
        raise Conflict(f"Job {active} does the same and is waiting or running already.")
    row.state, row.attempts, row.due_at, row.handed_at, row.finished_at = JobState.QUEUED, 0, now, None, None
    session.flush()
    return row


def cancel_job(session: Session, *, job_id: int, now: datetime) -> JobRow:
    """Call a job off; one that runs stops at its next step. Conflict when it is done."""
    row = _locked(session, job_id)
    if row.state == JobState.CANCELLED:
        raise AlreadyDone(f"Job {job_id} is cancelled already.")
    if row.state == JobState.DONE:
        raise Conflict(f"Job {job_id} is done: there is nothing to cancel.")
    _let_go(row, JobState.CANCELLED)
    row.finished_at = now
    session.flush()
    return row


def _new(wanted: Wanted, *, now: datetime) -> JobRow:
    return JobRow(
        kind=wanted.kind,
        key=wanted.key,
        payload=dict(wanted.payload),
        organisation_id=wanted.organisation_id,
        account_id=wanted.account_id,
        state=JobState.QUEUED.value,
        done_count=0,
        runs=0,
        attempts=0,
        created_at=now,
        due_at=now,
    )


def _rests(now: datetime) -> ColumnElement[bool]:
    return and_(JobRow.rests_until.is_not(None), JobRow.rests_until > now)


def _held(session: Session, holder: str) -> JobRow | None:
    return session.scalar(select(JobRow).where(JobRow.holder == holder).with_for_update(key_share=True))


def _locked(session: Session, job_id: int) -> JobRow:
    row = session.scalar(select(JobRow).where(JobRow.id == job_id).with_for_update(key_share=True))
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


def _let_go(row: JobRow, state: JobState) -> None:
    row.state, row.holder, row.lease_ends_at, row.handed_at = state.value, None, None, None


def _note_failure(row: JobRow, error: str, *, now: datetime, pause: bool, final: bool = False) -> None:
    row.attempts += 1
    row.last_error = error[:LONGEST_ERROR]
    if final or row.attempts >= ATTEMPTS_MAX:
        _let_go(row, JobState.FAILED if final else JobState.PARKED)
        row.finished_at = now
    else:
        _let_go(row, JobState.QUEUED)
        row.due_at = now + timedelta(seconds=pause_seconds(row.attempts) if pause else 0)


def _changed(result: Any) -> int:
    return int(result.rowcount)
