"""Approving answers that nobody decided: the background pass over delays, gold and samples; and many at once by hand.

The pass never reads a whole batch: it takes what is due by time, by worker and by arrival, from an index of what is
undecided, in chunks that are one transaction each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.reviews import PASSED, Approval, ReviewRule, is_sampled, review_rule
from crowd_hitl.services.paying import settle
from crowd_hitl.store.account_rows import WorkerRow, WorkerSkillRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow

CHUNK = 200
# An answer may be written a little after the moment that stands on it: so far back is looked again.
LOOK_BACK = timedelta(minutes=10)
# Written out, so that the partial indexes serve.
UNDECIDED = AssignmentRow.state.in_([AssignmentState.SUBMITTED.value])


@dataclass(frozen=True)
class Chunk:
    """What one step of the pass did: approved answers, and where the next one starts (None when it is through)."""

    approved: int
    after: tuple[datetime, int] | None = None


def review_due(uow: UnitOfWork, *, batch_id: int) -> int:
    """Approve what this batch's policy approves by now; return how many. Nothing for auto and manual ones."""
    rule = uow.read(_rule_of, batch_id=batch_id)
    if rule.approval not in PASSED:
        return 0
    approved = 0
    while done := uow.run(approve_overdue, batch_id=batch_id):
        approved += done
    if rule.approval == Approval.BY_GOLD:
        for worker_id in uow.read(trusted_waiting, batch_id=batch_id):
            while done := uow.run(approve_of_worker, batch_id=batch_id, worker_id=worker_id):
                approved += done
    if rule.approval == Approval.BY_SAMPLE:
        step = uow.run(approve_unsampled, batch_id=batch_id, after=None)
        approved += step.approved
        while step.after is not None:
            step = uow.run(approve_unsampled, batch_id=batch_id, after=step.after)
            approved += step.approved
    return approved


def due_reviews(session: Session, *, now: datetime) -> list[int]:
    """List the batches whose policy would approve something now."""
    waiting = select(AssignmentRow.id).where(AssignmentRow.batch_id == BatchRow.id, UNDECIDED).exists()
    passed = [kind.value for kind in PASSED]
    batches = session.scalars(select(BatchRow).where(BatchRow.approval.in_(passed), waiting).order_by(BatchRow.id))
    return [batch.id for batch in batches if _would_approve(session, batch, now=now)]


def _would_approve(session: Session, batch: BatchRow, *, now: datetime) -> bool:
    rule = review_rule(batch.approval, batch.review)
    ended = select(AssignmentRow.id).where(AssignmentRow.batch_id == batch.id, UNDECIDED).limit(1)
    if session.scalar(ended.where(AssignmentRow.ended_at <= rule.due_before(now))) is not None:
        return True
    if rule.approval == Approval.BY_GOLD:
        return bool(trusted_waiting(session, batch_id=batch.id))
    unseen = ended if batch.reviewed_until is None else ended.where(AssignmentRow.ended_at > batch.reviewed_until)
    return rule.approval == Approval.BY_SAMPLE and session.scalar(unseen) is not None


def approve_overdue(session: Session, *, batch_id: int, now: datetime) -> int:
    """Approve the oldest answers that nobody decided within the hours; return how many."""
    before = _rule_of(session, batch_id=batch_id).due_before(now)
    due = _undecided(batch_id).where(AssignmentRow.ended_at <= before)
    return _approve(session, due.order_by(AssignmentRow.ended_at, AssignmentRow.id), now=now)


def trusted_waiting(session: Session, *, batch_id: int) -> list[int]:
    """List the workers with undecided answers here whose answers to gold are right often enough."""
    batch = session.get_one(BatchRow, batch_id)
    rule = review_rule(batch.approval, batch.review)
    seen, right = func.sum(WorkerSkillRow.gold_seen), func.sum(WorkerSkillRow.gold_right)
    waiting = select(AssignmentRow.id).where(
        AssignmentRow.batch_id == batch_id, AssignmentRow.worker_id == WorkerSkillRow.worker_id, UNDECIDED
    )
    rows = session.execute(
        select(WorkerSkillRow.worker_id, seen, right)
        .where(WorkerSkillRow.project_id == batch.project_id, WorkerSkillRow.gold_seen > 0, waiting.exists())
        .group_by(WorkerSkillRow.worker_id)
        .order_by(WorkerSkillRow.worker_id)
    )
    return [worker_id for worker_id, views, good in rows if rule.trusts(seen=int(views), right=int(good))]


def approve_of_worker(session: Session, *, batch_id: int, worker_id: int, now: datetime) -> int:
    """Approve some of a worker's undecided answers in a batch; return how many."""
    own = _undecided(batch_id).where(AssignmentRow.worker_id == worker_id)
    return _approve(session, own.order_by(AssignmentRow.id), now=now)


def approve_unsampled(session: Session, *, batch_id: int, after: tuple[datetime, int] | None, now: datetime) -> Chunk:
    """Approve of the next answers, in order of arrival, those that no person is to look at."""
    batch = session.get_one(BatchRow, batch_id)
    rule = review_rule(batch.approval, batch.review)
    query = select(AssignmentRow.ended_at, AssignmentRow.id).where(AssignmentRow.batch_id == batch_id, UNDECIDED)
    if after is not None:
        query = query.where(tuple_(AssignmentRow.ended_at, AssignmentRow.id) > after)
    elif batch.reviewed_until is not None:
        query = query.where(AssignmentRow.ended_at >= batch.reviewed_until - LOOK_BACK)
    rows = session.execute(query.order_by(AssignmentRow.ended_at, AssignmentRow.id).limit(CHUNK)).all()
    if not rows:
        return Chunk(0)
    salt = sample_salt(batch)
    free = [key for _, key in rows if not is_sampled(assignment_id=key, salt=salt, rate=rule.rate)]
    approved = _approve(session, _undecided(batch_id).where(AssignmentRow.id.in_(free)), now=now) if free else 0
    last: tuple[datetime, int] = (rows[-1][0] or now, rows[-1][1])
    if batch.reviewed_until is None or last[0] > batch.reviewed_until:
        batch.reviewed_until = last[0]
    return Chunk(approved, after=last if len(rows) == CHUNK else None)


def sample_salt(batch: BatchRow) -> str:
    """Return what makes a batch's sample its own: a moment that its workers are never told."""
    return f"{batch.id}:{batch.published_at.isoformat()}"


@dataclass(frozen=True)
class Wanted:
    """Which undecided answers of a batch: these, or all; and of those, one worker's (by pseudonym)."""

    answer_ids: Sequence[int] | None = None
    worker: str | None = None


def approve_some(
    session: Session, *, batch_id: int, wanted: Wanted, decided_by: int | None, after: int = 0, now: datetime
) -> tuple[int, int]:
    """Approve undecided answers of a batch by hand, in chunks: return how many, and the last id (0 when through).

    What somebody else decided meanwhile is left as it is.
    """
    query = (
        select(AssignmentRow.id)
        .join(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
        .where(AssignmentRow.batch_id == batch_id, UNDECIDED, AssignmentRow.id > after)
    )
    if wanted.worker is not None:
        called = select(WorkerRow.id).where(WorkerRow.public_id == wanted.worker)
        query = query.where(AssignmentRow.worker_id.in_(called))
    if wanted.answer_ids is not None:
        query = query.where(AnswerRow.id.in_(wanted.answer_ids))
    ids = session.scalars(query.order_by(AssignmentRow.id).limit(CHUNK)).all()
    if not ids:
        return 0, 0
    chosen = _undecided(batch_id).where(AssignmentRow.id.in_(ids))
    done = _approve(session, chosen, now=now, decided_by=decided_by)
    return done, ids[-1] if len(ids) == CHUNK else 0


def approve_many(uow: UnitOfWork, *, batch_id: int, wanted: Wanted, decided_by: int | None) -> int:
    """Approve all that is wanted, a chunk in each transaction; return how many were approved."""
    approved, after = 0, 0
    while True:
        done, after = uow.run(approve_some, batch_id=batch_id, wanted=wanted, decided_by=decided_by, after=after)
        approved += done
        if not after:
            return approved


def _rule_of(session: Session, *, batch_id: int) -> ReviewRule:
    batch = session.get_one(BatchRow, batch_id)
    return review_rule(batch.approval, batch.review)


def _undecided(batch_id: int) -> Select[AssignmentRow]:
    return select(AssignmentRow).where(AssignmentRow.batch_id == batch_id, UNDECIDED)


def _approve(session: Session, chosen: Select[AssignmentRow], *, now: datetime, decided_by: int | None = None) -> int:
    """Approve a chunk; what another reviewer has in hand at this moment is that reviewer's."""
    rows = session.scalars(
        chosen.limit(CHUNK).with_for_update(key_share=True, skip_locked=True).execution_options(populate_existing=True)
    ).all()
    for assignment in rows:
        settle(session, assignment=assignment, decided_by=decided_by, now=now)
    session.flush()
    return len(rows)
