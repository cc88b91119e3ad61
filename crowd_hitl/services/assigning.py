"""Handing out places: claim, release, expire. Exact because the counters are counted in SQL under their CHECKs.

How the next places are chosen and leased is in store/hot_path.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, literal_column, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound, TooLate, bad_field
from crowd_hitl.domain.tasks import BatchState, TaskState, position
from crowd_hitl.services.paying import give_back
from crowd_hitl.services.seating import is_plain, seat
from crowd_hitl.services.settling_sittings import lock_sitting, settle_sitting
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Short, remembered
from crowd_hitl.store.hot_path.shapes import HELD_MAX, Place, Wanted
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.rows import Utc
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow, TaskRow

CLAIM_MAX = 10
EXPIRE_AT_CLAIM = 20
# What the statements of the hot path change.
CHANGED_BESIDE = (TaskRow, AssignmentRow, SittingRow)


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
    # what it is paid together with; None when it is paid by itself
    sitting_id: int | None = None


def claim(session: Session, *, batch_id: int, worker_id: int, count: int, now: datetime) -> list[Offered]:
    """Lease up to `count` places of a batch to a worker: first those already held, then the next open ones.

    An empty list means that there is nothing for this worker now.
    """
    _check_count(count)
    handed_out, plain = _is_handed_out(session, batch_id=batch_id, worker_id=worker_id)
    if not handed_out:
        return []
    expire(session, now=now, limit=EXPIRE_AT_CLAIM, batch_id=batch_id)
    held = session.scalars(HELD, {"batch_id": batch_id, "worker_id": worker_id}).all()
    page_size = 1 if plain else session.get_one(BatchRow, batch_id).page_size
    if page_size > 1:  # a page is handed out as a whole
        count = len(held) or page_size
    places = count - len(held[:count])
    wanted = Wanted(batch_id=batch_id, worker_id=worker_id, places=places, now=now, wait=True)
    return offered(session, assignment_ids=held[:count]) + lease_seated(session, wanted)


def claim_at_once(short: Short, *, batch_id: int, worker_id: int, count: int, now: datetime) -> list[Offered] | None:
    """Do what `claim` does when that is one statement that writes; None when it takes a transaction.

    It does when leases have lapsed, and before anybody is told that there is nothing.
    """
    _check_count(count)
    connection = short.connection
    handed_out, plain = _is_handed_out(connection, batch_id=batch_id, worker_id=worker_id)
    if not handed_out:
        return []
    if not plain:
        return None  # pages, rates, hours: the sitting and the price are made in a transaction
    values = {"batch_id": batch_id, "worker_id": worker_id, "now": now}
    if connection.scalar(LAPSED, values) is not None:
        return None
    hot = hot_path(connection)
    places = hot.places(connection, list(connection.scalars(HELD, values))[:count])
    if len(places) < count:
        wanted = Wanted(batch_id=batch_id, worker_id=worker_id, places=count - len(places), now=now)
        places += hot.lease(connection, wanted)
    return [show(short, place) for place in places] or None


def lease_next(
    session: Session, *, batch: BatchRow, worker_id: int, count: int, wait: bool, now: datetime
) -> list[int]:
    """Take the next open tasks by priority, then position, and return the new assignments' ids.

    The first look passes over rows that others hold locked; with `wait`, a second look waits for them, so
    nobody is told "nothing" while a place is open. What this worker let go comes back only then.
    """
    wanted = Wanted(batch_id=batch.id, worker_id=worker_id, places=count, now=now, wait=wait)
    return [offer.assignment_id for offer in lease_seated(session, wanted)]


def lease_seated(session: Session, wanted: Wanted) -> list[Offered]:
    """Lease the next places and put them into the sitting they are paid with, at the price this worker gets."""
    found = _lease(session, wanted)
    batch = session.get_one(BatchRow, wanted.batch_id)
    if not found or is_plain(batch):
        return found
    ids = [offer.assignment_id for offer in found]
    seat(session, batch=batch, assignment_ids=ids, now=wanted.now)
    return offered(session, assignment_ids=ids)


def release(session: Session, *, assignment_id: int, worker_id: int, now: datetime) -> None:
    """Let a leased place go, unpaid and unharmed; TooLate when it is not leased any more."""
    assignment = lock_assignment(session, assignment_id, worker_id=worker_id)
    if assignment.state != AssignmentState.LEASED:
        raise TooLate(f"Assignment {assignment_id} is {assignment.state}; only a leased one can be released.")
    let_go(session, assignment, state=AssignmentState.RELEASED, now=now)
    settle_sitting(session, sitting_id=assignment.sitting_id, now=now)


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
    _lock_in_order(session, rows)
    for assignment in rows:
        let_go(session, assignment, state=AssignmentState.EXPIRED, now=now)
    for sitting_id in sorted({assignment.sitting_id for assignment in rows}):
        settle_sitting(session, sitting_id=sitting_id, now=now)
    return len(rows)


def _lock_in_order(session: Session, rows: Sequence[AssignmentRow]) -> None:
    """Lock the sittings, then the tasks of lapsed leases by their ids: of two who expire at once neither waits."""
    for row, ids in (
        (SittingRow, sorted({assignment.sitting_id for assignment in rows})),
        (TaskRow, sorted({assignment.task_id for assignment in rows})),
    ):
        if len(ids) > 1:
            session.execute(select(row.id).where(row.id.in_(ids)).order_by(row.id).with_for_update(key_share=True))


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
    short = beside(session)
    shown = [show(short, place) for place in hot_path(short.connection).places(short.connection, list(assignment_ids))]
    shared = {
        assignment_id: (sitting_id, price_micros)
        for assignment_id, sitting_id, price_micros in session.execute(SHARED, {"ids": list(assignment_ids)})
    }
    return [_seated(offer, *shared[offer.assignment_id]) if offer.assignment_id in shared else offer for offer in shown]


def _seated(offer: Offered, sitting_id: int, price_micros: int | None) -> Offered:
    return replace(offer, sitting_id=sitting_id, price_micros=price_micros or offer.price_micros)


def show(short: Short, place: Place) -> Offered:
    """Show one leased place as its worker sees it."""
    short.memory.note(place.assignment_id, question_version_id=place.question_version_id)
    asked = short.memory.question(short.connection, place.question_version_id)
    return Offered(
        assignment_id=place.assignment_id,
        task_id=place.task_id,
        batch_id=place.batch_id,
        item_id=place.item_id,
        item_key=place.item_key,
        text=place.text,
        image_key=place.image_key,
        kind=asked.kind,
        spec=asked.spec,
        leased_at=place.leased_at,
        lease_ends_at=place.lease_ends_at,
        price_micros=place.price_micros,
        currency=place.currency,
    )


def beside(session: Session) -> Short:
    """Return the session's connection for statements that change rows beside the session.

    What the session has changed is written before, and what those statements may change is read again after.
    """
    session.flush()
    for row in session:
        if isinstance(row, CHANGED_BESIDE):
            session.expire(row)
    return Short(session.connection(), remembered(session))


def _check_count(count: int) -> None:
    if not 1 <= count <= CLAIM_MAX:
        raise bad_field("count", expected=f"1 to {CLAIM_MAX}", found=count)


def _is_handed_out(session: Session | Connection, *, batch_id: int, worker_id: int) -> tuple[bool, bool]:
    """Say whether the batch hands out places to this worker, and whether it is plain; NotFound across organisations."""
    states = session.execute(BATCH_FOR_WORKER, {"batch_id": batch_id, "worker_id": worker_id}).first()
    if states is None:
        raise NotFound(f"There is no batch {batch_id}.")
    batch_state, worker_state, is_special, page_size = states
    return (batch_state, worker_state) == (BatchState.OPEN, "active"), not is_special and page_size == 1


def _lease(session: Session, wanted: Wanted) -> list[Offered]:
    if wanted.places <= 0:
        return []
    short = beside(session)
    return [show(short, place) for place in hot_path(short.connection).lease(short.connection, wanted)]


# Built once: putting these together costs more than running them.
BATCH_FOR_WORKER = (
    select(BatchRow.state, WorkerRow.state, BatchRow.is_special, BatchRow.page_size)
    .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
    .join(WorkerRow, WorkerRow.organisation_id == ProjectRow.organisation_id)
    .where(BatchRow.id == bindparam("batch_id"), WorkerRow.id == bindparam("worker_id"))
)
# Of pages, hours and rates: with what a place is paid, and at what price.
SHARED = (
    select(AssignmentRow.id, AssignmentRow.sitting_id, SittingRow.price_micros)
    .join(SittingRow, SittingRow.id == AssignmentRow.sitting_id)
    .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
    .where(AssignmentRow.id.in_(bindparam("ids", expanding=True)), or_(BatchRow.is_special, BatchRow.page_size > 1))
)
HELD = (
    select(AssignmentRow.id)
    .where(AssignmentRow.worker_id == bindparam("worker_id"), AssignmentRow.batch_id == bindparam("batch_id"))
    # written out, so that the index of what is held serves a prepared statement
    .where(AssignmentRow.state == literal_column("'leased'"))
    .order_by(AssignmentRow.id)
    .limit(HELD_MAX)
)
LAPSED = (
    select(AssignmentRow.id)
    .where(AssignmentRow.batch_id == bindparam("batch_id"), AssignmentRow.state == literal_column("'leased'"))
    .where(AssignmentRow.lease_ends_at < bindparam("now", type_=Utc()))
    .limit(1)
)


def let_go(session: Session, assignment: AssignmentRow, *, state: AssignmentState, now: datetime) -> None:
    """Give a leased place (locked) back to its task; the caller settles the sitting once all of it is given back."""
    lock_sitting(session, assignment.sitting_id)
    assignment.state, assignment.ended_at = state, now
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
