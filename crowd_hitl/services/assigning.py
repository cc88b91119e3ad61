"""Handing out places: claim, release, expire. Exact because the counters are counted in SQL under their CHECKs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from sqlalchemy import Integer, Select, bindparam, exists, or_, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.assignments import STANDING, AssignmentState, SittingState, lease_end
from crowd_hitl.domain.errors import NotFound, TooLate, bad_field
from crowd_hitl.domain.tasks import BatchState, TaskState, position
from crowd_hitl.services.paying import give_back
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow, QuestionVersionRow
from crowd_hitl.store.rows import Utc
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, OfferRow, SittingRow, TaskRow

CLAIM_MAX = 10
# Nobody may sit on more places of one batch than this: others wait for them.
HELD_MAX = 20
EXPIRE_AT_CLAIM = 20
STANDING_VALUES = [state.value for state in STANDING]
# With an earlier assignment in one of these, a worker gets a task never again.
BARRING = (*STANDING_VALUES, AssignmentState.REJECTED.value)


class Look(Enum):
    """How a claim looks for open tasks: past what others hold locked, again with what was let go, or waiting."""

    FIRST = 1
    AGAIN = 2
    AGAIN_WAITING = 3


@dataclass(frozen=True)
class Offered:
    """One assignment as its worker sees it."""

    assignment_id: int
    task_id: int
    batch_id: int
    item_id: int
    item_key: str
    text: str | None
    image_key: str | None
    kind: str
    spec: dict[str, Any]
    leased_at: datetime
    lease_ends_at: datetime
    price_micros: int
    currency: str


def claim(session: Session, *, batch_id: int, worker_id: int, count: int, now: datetime) -> list[Offered]:
    """Lease up to `count` places of a batch to a worker: first those already held, then the next open ones.

    An empty list means that there is nothing for this worker now.
    """
    if not 1 <= count <= CLAIM_MAX:
        raise bad_field("count", expected=f"1 to {CLAIM_MAX}", found=count)
    batch = open_batch(session, batch_id, worker_id)
    if batch is None:
        return []
    expire(session, now=now, limit=EXPIRE_AT_CLAIM, batch_id=batch_id)
    held = _held(session, batch_id=batch_id, worker_id=worker_id)[:count]
    fresh = lease_next(session, batch=batch, worker_id=worker_id, count=count - len(held), wait=True, now=now)
    return offered(session, assignment_ids=[*held, *fresh])


def claim_more(session: Session, *, batch_id: int, worker_id: int, count: int, now: datetime) -> list[int]:
    """Lease further places after a submit, beside those held; never waits for another transaction."""
    if count == 0:
        return []
    batch = open_batch(session, batch_id, worker_id)
    if batch is None:
        return []
    return lease_next(session, batch=batch, worker_id=worker_id, count=min(count, CLAIM_MAX), wait=False, now=now)


def lease_next(
    session: Session, *, batch: BatchRow, worker_id: int, count: int, wait: bool, now: datetime
) -> list[int]:
    """Take the next open tasks by priority, then position, and return the new assignments' ids.

    The first look passes over rows that others hold locked; with `wait`, a second look waits for them, so
    nobody is told "nothing" while a place is open. What this worker let go comes back only then.
    """
    held = len(_held(session, batch_id=batch.id, worker_id=worker_id)) if count > 0 else 0
    count = min(count, HELD_MAX - held)
    if count <= 0:
        return []
    tasks = _open_tasks(session, batch, worker_id, count=count, look=Look.FIRST, now=now)
    if not tasks:
        again = Look.AGAIN_WAITING if wait else Look.AGAIN
        tasks = _open_tasks(session, batch, worker_id, count=count, look=again, now=now)
    return [lease(session, batch, task, worker_id=worker_id, now=now) for task in tasks]


def release(session: Session, *, assignment_id: int, worker_id: int, now: datetime) -> None:
    """Let a leased place go, unpaid and unharmed; TooLate when it is not leased any more."""
    assignment = lock_assignment(session, assignment_id, worker_id=worker_id)
    if assignment.state != AssignmentState.LEASED:
        raise TooLate(f"Assignment {assignment_id} is {assignment.state}; only a leased one can be released.")
    _let_go(session, assignment, state=AssignmentState.RELEASED, now=now)


def expire(session: Session, *, now: datetime, limit: int = 1000, batch_id: int | None = None) -> int:
    """Reopen the places of lapsed leases, the oldest first; return how many."""
    lapsed = (
        select(AssignmentRow)
        .where(AssignmentRow.state == AssignmentState.LEASED.value, AssignmentRow.lease_ends_at < now)
        .order_by(AssignmentRow.lease_ends_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if batch_id is not None:
        lapsed = lapsed.where(AssignmentRow.batch_id == batch_id)
    rows = session.scalars(lapsed).all()
    for assignment in rows:
        _let_go(session, assignment, state=AssignmentState.EXPIRED, now=now)
    return len(rows)


def lock_assignment(session: Session, assignment_id: int, *, worker_id: int) -> AssignmentRow:
    """Read one of the worker's own assignments and keep others from changing it."""
    found = session.scalar(
        select(AssignmentRow)
        .where(AssignmentRow.id == assignment_id, AssignmentRow.worker_id == worker_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(f"You hold no assignment {assignment_id}.")
    return found


def offered(session: Session, *, assignment_ids: Sequence[int]) -> list[Offered]:
    """Show assignments as their worker sees them, in the order of the ids."""
    if not assignment_ids:
        return []
    rows = session.execute(OFFERED, {"ids": list(assignment_ids)})
    views = {
        assignment.id: Offered(
            assignment_id=assignment.id,
            task_id=assignment.task_id,
            batch_id=assignment.batch_id,
            item_id=item.id,
            item_key=item.key,
            text=item.text,
            image_key=item.image_key,
            kind=question.kind,
            spec=question.spec,
            leased_at=assignment.leased_at,
            lease_ends_at=assignment.lease_ends_at,
            price_micros=batch.price_micros,
            currency=batch.currency,
        )
        for assignment, item, question, batch in rows
    }
    return [views[assignment_id] for assignment_id in assignment_ids if assignment_id in views]


def open_batch(session: Session, batch_id: int, worker_id: int) -> BatchRow | None:
    """Return the batch when it hands out places to this worker; NotFound across organisations."""
    found = session.execute(BATCH_FOR_WORKER, {"batch_id": batch_id, "worker_id": worker_id}).first()
    if found is None:
        raise NotFound(f"There is no batch {batch_id}.")
    batch, worker_state = found
    return batch if batch.state == BatchState.OPEN and worker_state == "active" else None


def _held(session: Session, *, batch_id: int, worker_id: int) -> Sequence[int]:
    return session.scalars(HELD, {"batch_id": batch_id, "worker_id": worker_id}).all()


def _open_tasks(
    session: Session, batch: BatchRow, worker_id: int, *, count: int, look: Look, now: datetime
) -> Sequence[TaskRow]:
    values = {"batch_id": batch.id, "worker_id": worker_id, "now": now, "count": count}
    return session.scalars(OPEN_TASKS[look], values, execution_options={"populate_existing": True}).all()


def _open_tasks_statement(look: Look) -> Select[TaskRow]:
    """Find open tasks that no earlier assignment keeps this worker from: a standing voice, a rejection.

    What this worker let go is passed over only at first.
    """
    earlier = aliased(AssignmentRow)
    barring = list(BARRING)
    if look is Look.FIRST:
        barring += [AssignmentState.RELEASED.value, AssignmentState.EXPIRED.value]
    barred = exists().where(
        earlier.voice_key == TaskRow.voice_key,
        earlier.worker_id == bindparam("worker_id"),
        earlier.state.in_(barring),
    )
    return (
        select(TaskRow)
        .where(TaskRow.batch_id == bindparam("batch_id"), TaskRow.state == TaskState.OPEN.value, ~barred)
        .where(or_(TaskRow.deadline.is_(None), TaskRow.deadline > bindparam("now", type_=Utc())))
        .order_by(TaskRow.priority.desc(), TaskRow.pos)
        .limit(bindparam("count", type_=Integer()))
        .with_for_update(key_share=True, skip_locked=look is not Look.AGAIN_WAITING, of=TaskRow)
    )


# Built once: putting these together costs more than running them.
OPEN_TASKS = {look: _open_tasks_statement(look) for look in Look}
BATCH_FOR_WORKER = (
    select(BatchRow, WorkerRow.state)
    .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
    .join(WorkerRow, WorkerRow.organisation_id == ProjectRow.organisation_id)
    .where(BatchRow.id == bindparam("batch_id"), WorkerRow.id == bindparam("worker_id"))
)
HELD = (
    select(AssignmentRow.id)
    .where(AssignmentRow.worker_id == bindparam("worker_id"), AssignmentRow.batch_id == bindparam("batch_id"))
    .where(AssignmentRow.state == AssignmentState.LEASED.value)
    .order_by(AssignmentRow.id)
    .limit(HELD_MAX)
)
INHOUSE_OFFER = select(OfferRow.id).where(OfferRow.batch_id == bindparam("batch_id"), OfferRow.channel == "inhouse")
OFFERED = (
    select(AssignmentRow, ItemRow, QuestionVersionRow, BatchRow)
    .join(TaskRow, TaskRow.id == AssignmentRow.task_id)
    .join(ItemRow, ItemRow.id == TaskRow.item_id)
    .join(QuestionVersionRow, QuestionVersionRow.id == TaskRow.question_version_id)
    .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
    .where(AssignmentRow.id.in_(bindparam("ids", expanding=True)))
)


def lease(session: Session, batch: BatchRow, task: TaskRow, *, worker_id: int, now: datetime) -> int:
    """Hold one place of a task for a worker and return the assignment's id."""
    offer_id = session.scalars(INHOUSE_OFFER, {"batch_id": batch.id}).one()
    last_place = task.places_left == 1
    # Counted down in SQL: where rows cannot be locked (SQLite), the CHECK refuses
    # the loser of a race, and UnitOfWork runs this function again.
    task.places_left = TaskRow.places_left - 1
    task.state = TaskState.FULL if last_place else TaskState.OPEN
    sitting = SittingRow(
        offer_id=offer_id, batch_id=batch.id, worker_id=worker_id, state=SittingState.OPEN, opened_at=now
    )
    session.add(sitting)
    session.flush()
    assignment = AssignmentRow(
        sitting_id=sitting.id,
        task_id=task.id,
        batch_id=batch.id,
        worker_id=worker_id,
        voice_key=task.voice_key,
        priority=task.priority,
        pos=task.pos,
        state=AssignmentState.LEASED,
        leased_at=now,
        lease_ends_at=lease_end(now, lease_seconds=batch.lease_seconds, deadline=task.deadline),
    )
    session.add(assignment)
    session.flush()
    return assignment.id


def _let_go(session: Session, assignment: AssignmentRow, *, state: AssignmentState, now: datetime) -> None:
    assignment.state, assignment.ended_at = state, now
    session.get_one(SittingRow, assignment.sitting_id).state = SittingState.LAPSED
    task = session.scalars(
        select(TaskRow)
        .where(TaskRow.id == assignment.task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if task.state == TaskState.RETIRED:
        # The batch was closed meanwhile: nobody will fill this place, so its money goes home.
        task.overlap = TaskRow.overlap - 1
        batch = session.get_one(BatchRow, assignment.batch_id)
        give_back(session, batch=batch, amount_micros=batch.price_micros + batch.fee_micros, now=now)
    else:
        task.places_left = TaskRow.places_left + 1
        task.state = TaskState.OPEN
        task.pos = position(now)
    session.flush()
