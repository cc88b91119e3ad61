"""Handing out places: claim, release, expire. Exact because the counters are counted in SQL under their CHECKs.

How the next places are chosen and leased is in store/hot_path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal_column, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound, TooLate, bad_field
from crowd_hitl.domain.tasks import TaskState, position
from crowd_hitl.services.handing_out import HELD, LAPSED, standing_of
from crowd_hitl.services.paying import give_back
from crowd_hitl.services.settling_sittings import settle_sitting
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.looking_again import look_again
from crowd_hitl.store.hot_path.remembered import Short, remembered
from crowd_hitl.store.hot_path.shapes import Place, Wanted
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow, TaskRow

CLAIM_MAX = 10


EXPIRE_AT_CLAIM = 20
# Of each level a second look walks a window; so many of them are walked before somebody is told "nothing now".
LOOKS_MAX = 2
# What the statements of the hot path change.
CHANGED_BESIDE = (TaskRow, AssignmentRow, SittingRow)


@dataclass(frozen=True)
class Offered:
    """One assignment as its worker sees it."""

    assignment_id: int
    sitting_id: int
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

    Of a batch with pages it is one page, whatever `count` is. An empty list means that there is nothing for this
    worker now.
    """
    _check_count(count)
    standing = standing_of(session, batch_id=batch_id, worker_id=worker_id, now=now)
    if not standing.is_open:
        return []
    expired = expire(session, now=now, limit=EXPIRE_AT_CLAIM, batch_id=batch_id)
    held = session.scalars(HELD, {"batch_id": batch_id, "worker_id": worker_id}).all()
    places = 0 if held and standing.page_size > 1 else count - len(held)
    if standing.page_size == 1:
        held = held[:count]
    if standing.is_special and places > 0:
        places = _allowed(session, batch_id=batch_id, worker_id=worker_id, wanted=places, now=now)
    wanted = Wanted(batch_id=batch_id, worker_id=worker_id, places=places, now=now, in_service=True)
    # who waits for locks while holding those of expired leases could be waited for
    return offered(session, assignment_ids=held) + _lease(session, wanted, look=not held and not expired)


def claim_at_once(short: Short, *, batch_id: int, worker_id: int, count: int, now: datetime) -> list[Offered] | None:
    """Do what `claim` does when that is one statement that writes; None when it takes a transaction.

    It does when leases have lapsed, for a special batch, and before anybody is told that there is nothing.
    """
    _check_count(count)
    connection = short.connection
    standing = standing_of(connection, batch_id=batch_id, worker_id=worker_id, now=now)
    if not standing.is_open:
        return []
    values = {"batch_id": batch_id, "worker_id": worker_id, "now": now}
    if standing.is_special or connection.scalar(LAPSED, values) is not None:
        return None
    hot = hot_path(connection)
    held = list(connection.scalars(HELD, values))
    places = hot.places(connection, held if standing.page_size > 1 else held[:count])
    if len(places) < count and not (places and standing.page_size > 1):
        wanted = Wanted(batch_id=batch_id, worker_id=worker_id, places=count - len(places), now=now)
        places += hot.lease(connection, wanted)
    return [show(short, place) for place in places] or None


def lease_more(session: Session, *, batch: BatchRow, worker_id: int, count: int, now: datetime) -> list[Offered]:
    """Lease what comes next with a submit, where a service must decide on it; of a batch with pages the next page.

    An empty list while a page is held, and when nothing lies ahead: a claim then looks closer.
    """
    places = count
    if batch.is_special:
        places = _allowed(session, batch_id=batch.id, worker_id=worker_id, wanted=count, now=now)
    wanted = Wanted(batch_id=batch.id, worker_id=worker_id, places=places, now=now, in_service=True)
    return _lease(session, wanted, look=False)


def lease_next(
    session: Session, *, batch: BatchRow, worker_id: int, count: int, wait: bool, now: datetime
) -> list[int]:
    """Take the next open tasks by level, then position, and return the new assignments' ids.

    The first look passes over rows that others hold locked; with `wait`, a second look waits for them, so
    nobody is told "nothing" while a place is open. What this worker let go comes back only then.
    """
    wanted = Wanted(batch_id=batch.id, worker_id=worker_id, places=count, now=now, in_service=True)
    return [offer.assignment_id for offer in _lease(session, wanted, look=wait)]


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
        # written out, so that the index of what is leased serves
        .where(AssignmentRow.state == literal_column("'leased'"), AssignmentRow.lease_ends_at < now)
        .order_by(AssignmentRow.lease_ends_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if batch_id is not None:
        lapsed = lapsed.where(AssignmentRow.batch_id == batch_id)
    rows = session.scalars(lapsed).all()
    for offset, assignment in enumerate(rows):
        _let_go(session, assignment, state=AssignmentState.EXPIRED, now=now, offset=offset)
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
    short = beside(session)
    return [show(short, place) for place in hot_path(short.connection).places(short.connection, list(assignment_ids))]


def show(short: Short, place: Place) -> Offered:
    """Show one leased place as its worker sees it."""
    short.memory.note(place.assignment_id, question_version_id=place.question_version_id)
    asked = short.memory.question(short.connection, place.question_version_id)
    return Offered(
        assignment_id=place.assignment_id,
        sitting_id=place.sitting_id,
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


def _allowed(session: Session, *, batch_id: int, worker_id: int, wanted: int, now: datetime) -> int:
    """Say how many places of a special batch this worker may have now, of those wanted."""
    return wanted


def _lease(session: Session, wanted: Wanted, *, look: bool) -> list[Offered]:
    """Lease what lies ahead; if that is nothing, what a second look finds, which waits for rows that are locked."""
    if wanted.places <= 0:
        return []
    short = beside(session)
    hot = hot_path(short.connection)
    places = hot.lease(short.connection, wanted)
    for _ in range(LOOKS_MAX if look and not places else 0):
        seen = look_again(short.connection, wanted)
        if seen.task_ids:
            places = hot.lease_these(short.connection, wanted, task_ids=seen.task_ids)
        if places or (seen.is_through and not seen.task_ids):
            break
    return [show(short, place) for place in places]


def _let_go(
    session: Session, assignment: AssignmentRow, *, state: AssignmentState, now: datetime, offset: int = 0
) -> None:
    """End a hold without an answer: its place opens again at the end of the queue, ahead of everybody."""
    assignment.state, assignment.ended_at = state, now
    settle_sitting(session, sitting_id=assignment.sitting_id, now=now)
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
        task.pos = position(now, offset=offset)
    session.flush()
