"""Handing out places: claim, release, expire. Exact because the counters are counted in SQL under their CHECKs.

How the next places are chosen and leased is in store/hot_path.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, literal_column, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import NotFound, TooLate, bad_field
from crowd_hitl.domain.tasks import TaskState, position
from crowd_hitl.services.gating import hold_worker, places_allowed
from crowd_hitl.services.handing_out import HELD, LAPSED, standing_of
from crowd_hitl.services.mixing import lease_mixed
from crowd_hitl.services.paying import give_back
from crowd_hitl.services.seating import seat
from crowd_hitl.services.settling_sittings import lock_sitting, settle_sitting
from crowd_hitl.services.showing import Offered, beside, offered, show
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.looking_again import look_again
from crowd_hitl.store.hot_path.remembered import Short
from crowd_hitl.store.hot_path.shapes import Wanted
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow, TaskRow

CLAIM_MAX = 10
EXPIRE_AT_CLAIM = 20
# Of each level a second look walks a window; so many of them are walked before somebody is told "nothing now".
LOOKS_MAX = 2


def claim(session: Session, *, batch_id: int, worker_id: int, count: int, now: datetime) -> list[Offered]:
    """Lease up to `count` places of a batch to a worker: first those already held, then the next open ones.

    Of a batch with pages it is one page, whatever `count` is. An empty list means that there is nothing for this
    worker now.
    """
    _check_count(count)
    standing = standing_of(session, batch_id=batch_id, worker_id=worker_id, now=now)
    if not standing.is_open:
        return []
    batch = session.get_one(BatchRow, batch_id)
    if batch.is_special:
        hold_worker(session, batch=batch, worker_id=worker_id)  # before any task is locked
    expire(session, now=now, limit=EXPIRE_AT_CLAIM, batch_id=batch_id)
    held = session.scalars(HELD, {"batch_id": batch_id, "worker_id": worker_id}).all()
    if batch.page_size > 1:
        places = 0 if held else batch.page_size
    else:
        held = held[:count]
        places = count - len(held)
    wanted = Wanted(batch_id=batch_id, worker_id=worker_id, places=places, now=now, in_service=True)
    return offered(session, assignment_ids=held) + _lease(session, batch, wanted, look=not held)


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
        places += lease_mixed(short, wanted, seed=now)
    return [show(short, place) for place in places] or None


def lease_more(session: Session, *, batch: BatchRow, worker_id: int, count: int, now: datetime) -> list[Offered]:
    """Lease what comes next with a submit, where a service must decide on it; of a batch with pages the next page.

    An empty list while a page is held, and when nothing lies ahead: a claim then looks closer.
    """
    places = batch.page_size if count and batch.page_size > 1 else count
    wanted = Wanted(batch_id=batch.id, worker_id=worker_id, places=places, now=now, in_service=True)
    return _lease(session, batch, wanted, look=False)


def lease_next(
    session: Session, *, batch: BatchRow, worker_id: int, count: int, wait: bool, now: datetime
) -> list[int]:
    """Take the next open tasks by level, then position, and return the new assignments' ids.

    The first look passes over rows that others hold locked; with `wait`, a second look waits for them, so
    nobody is told "nothing" while a place is open. What this worker let go comes back only then.
    """
    wanted = Wanted(batch_id=batch.id, worker_id=worker_id, places=count, now=now, in_service=True)
    return [offer.assignment_id for offer in _lease(session, batch, wanted, look=wait)]


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
        # written out, so that the index of what is leased serves
        .where(AssignmentRow.state == literal_column("'leased'"), AssignmentRow.lease_ends_at < now)
        .order_by(AssignmentRow.lease_ends_at)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if batch_id is not None:
        lapsed = lapsed.where(AssignmentRow.batch_id == batch_id)
    rows = session.scalars(lapsed).all()
    _lock_in_order(session, rows)
    for offset, assignment in enumerate(rows):
        let_go(session, assignment, state=AssignmentState.EXPIRED, now=now, offset=offset)
    for sitting_id in sorted({assignment.sitting_id for assignment in rows}):
        settle_sitting(session, sitting_id=sitting_id, now=now)
    return len(rows)


def has_lapsed_leases(session: Session, *, now: datetime) -> bool:
    """Say whether `expire` would find one."""
    lapsed = exists().where(AssignmentRow.state == literal_column("'leased'"), AssignmentRow.lease_ends_at < now)
    return bool(session.scalar(select(lapsed)))


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


def let_go(
    session: Session, assignment: AssignmentRow, *, state: AssignmentState, now: datetime, offset: int = 0
) -> None:
    """Give a leased place (locked) back to its task; the caller settles the sitting once all of it is given back.

    It opens again at the end of the queue, ahead of everybody.
    """
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
        task.pos = position(now, offset=offset)
    session.flush()


def _lock_in_order(session: Session, rows: Sequence[AssignmentRow]) -> None:
    """Lock the sittings, then the tasks of lapsed leases by their ids: of two who expire at once neither waits."""
    for row, ids in (
        (SittingRow, sorted({assignment.sitting_id for assignment in rows})),
        (TaskRow, sorted({assignment.task_id for assignment in rows})),
    ):
        if len(ids) > 1:
            session.execute(select(row.id).where(row.id.in_(ids)).order_by(row.id).with_for_update(key_share=True))


def _check_count(count: int) -> None:
    if not 1 <= count <= CLAIM_MAX:
        raise bad_field("count", expected=f"1 to {CLAIM_MAX}", found=count)


def _lease(session: Session, batch: BatchRow, wanted: Wanted, *, look: bool) -> list[Offered]:
    """Lease what lies ahead; if that is nothing, what a second look finds, which waits for rows that are locked."""
    if batch.is_special:
        allowed = places_allowed(session, batch=batch, worker_id=wanted.worker_id, wanted=wanted.places, now=wanted.now)
        wanted = wanted._replace(places=allowed)
    if wanted.places <= 0:
        return []
    short = beside(session)
    hot = hot_path(short.connection)
    places = lease_mixed(short, wanted, seed=wanted.now)
    for _ in range(LOOKS_MAX if look and not places else 0):
        seen = look_again(short.connection, wanted)
        if seen.task_ids:
            places = hot.lease_these(short.connection, wanted, task_ids=seen.task_ids)
        if places or (seen.is_through and not seen.task_ids):
            break
    if places and batch.is_special:
        # in the sitting they are paid with, at the price this worker gets
        ids = [place.assignment_id for place in places]
        seat(session, batch=batch, assignment_ids=ids, now=wanted.now)
        return offered(session, assignment_ids=ids)
    return [show(short, place) for place in places]
