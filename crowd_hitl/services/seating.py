"""Which sitting a place belongs to: pages and hours share one, a rate is noted, what comes back gets its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import BARRING, AssignmentState, SittingState
from crowd_hitl.domain.errors import TooLate
from crowd_hitl.domain.sittings import SITTING_SECONDS, rate_for
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.services import handing_out
from crowd_hitl.services.gating import places_allowed, standing_of
from crowd_hitl.services.settling_sittings import UNSETTLED, lock_sitting, settle_sitting
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow, TaskRow


def is_plain(batch: BatchRow) -> bool:
    """Say whether a batch is one answer, one sitting, one price: what the hot path does by itself."""
    return not batch.is_special and batch.page_size == 1


def seat(session: Session, *, batch: BatchRow, assignment_ids: Sequence[int], now: datetime) -> None:
    """Put places that were leased just now, in this transaction, into the sitting they are paid with.

    A page has one already; what is paid by the hour joins the worker's open one. The rate is the one of this moment.
    """
    if not assignment_ids or is_plain(batch):
        return
    fresh = session.scalars(
        select(SittingRow)
        .join(AssignmentRow, AssignmentRow.sitting_id == SittingRow.id)
        .where(AssignmentRow.id.in_(assignment_ids))
        .order_by(SittingRow.id)
        .distinct()
    ).all()
    worker_id = fresh[0].worker_id
    if batch.hourly_micros is not None:
        shared = open_hour(session, batch=batch, worker_id=worker_id, now=now, besides=[row.id for row in fresh])
        if shared is None:
            shared = fresh[0]
            shared.ends_at = now + timedelta(seconds=SITTING_SECONDS)
        _share(session, shared, assignment_ids=assignment_ids, fresh=fresh)
    if batch.rates:
        price_micros = price_for(session, batch=batch, worker_id=worker_id)
        mine = select(AssignmentRow.sitting_id).where(AssignmentRow.id.in_(assignment_ids))
        session.execute(update(SittingRow).where(SittingRow.id.in_(mine)).values(price_micros=price_micros))
    session.flush()


def open_hour(
    session: Session, *, batch: BatchRow, worker_id: int, now: datetime, besides: Sequence[int] = ()
) -> SittingRow | None:
    """Find the worker's sitting that is paid by the hour and runs; one that ends meanwhile is left at the submit."""
    return session.scalar(
        select(SittingRow)
        .where(SittingRow.batch_id == batch.id, SittingRow.worker_id == worker_id)
        .where(SittingRow.state == SittingState.OPEN.value, SittingRow.ends_at > now)
        .where(SittingRow.id.not_in(besides))
        .order_by(SittingRow.id.desc())
        .limit(1)
    )


def price_for(session: Session, *, batch: BatchRow, worker_id: int) -> int:
    """Return what an answer of this worker earns in this batch now."""
    if not batch.rates:
        return batch.price_micros
    standing = standing_of(session, worker_id=worker_id, project_id=batch.project_id)
    return rate_for(standing, batch.rates, price_micros=batch.price_micros)


def own_sitting(session: Session, *, assignment: AssignmentRow, now: datetime) -> SittingRow:
    """Give an assignment a sitting that nothing else shares and that nothing was paid for yet; return it, open."""
    sitting = lock_sitting(session, assignment.sitting_id)
    others = select(func.count()).where(AssignmentRow.sitting_id == sitting.id, AssignmentRow.id != assignment.id)
    unpaid = sitting.state in (*UNSETTLED, SittingState.LAPSED)
    if not unpaid or session.scalar(others):
        sitting = SittingRow(
            offer_id=sitting.offer_id,
            batch_id=sitting.batch_id,
            worker_id=sitting.worker_id,
            price_micros=sitting.price_micros,
            opened_at=now,
        )
        session.add(sitting)
    sitting.state, sitting.submitted_at = SittingState.OPEN, now
    session.flush()
    assignment.sitting_id = sitting.id
    session.flush()
    return sitting


def reseat(session: Session, *, assignment: AssignmentRow, batch: BatchRow, now: datetime) -> SittingRow:
    """Return the open sitting of a leased assignment; where its own is over, join or open another."""
    sitting = lock_sitting(session, assignment.sitting_id)
    if sitting.state == SittingState.OPEN:
        return sitting
    if batch.hourly_micros is not None:  # one hour at a time: what is worked in it is counted once
        running = open_hour(session, batch=batch, worker_id=assignment.worker_id, now=now)
        if running is not None:
            assignment.sitting_id = running.id
            session.flush()
            return lock_sitting(session, running.id)
    sitting = own_sitting(session, assignment=assignment, now=now)
    if batch.hourly_micros is not None:
        sitting.ends_at = now + timedelta(seconds=SITTING_SECONDS)
        session.flush()
    return sitting


def pay_apart(session: Session, assignments: Sequence[AssignmentRow], *, now: datetime) -> None:
    """Pay at once those answers (approved, locked) that wait to be paid together with others of their sitting."""
    session.flush()
    waiting = select(SittingRow.id).where(SittingRow.state.in_([state.value for state in UNSETTLED]))
    waiting = waiting.where(SittingRow.id.in_([row.sitting_id for row in assignments]))
    shared = set(session.scalars(waiting))
    for assignment in (row for row in assignments if row.sitting_id in shared):
        before = assignment.sitting_id
        sitting = own_sitting(session, assignment=assignment, now=now)
        sitting.ends_at = now
        session.flush()
        for sitting_id in {sitting.id, before}:
            settle_sitting(session, sitting_id=sitting_id, now=now)


def take_place_again(session: Session, *, assignment: AssignmentRow, now: datetime) -> bool:
    """Lease the place of a lapsed assignment (locked) once more; False when somebody else has it.

    False too when this worker would not be handed the place now: a paused batch, a block, a requirement, a cap (of
    a special batch the caller holds the worker, before the assignment is locked). TooLate when the same worker has,
    or answered, this task under another assignment: it is not paid twice.
    """
    refuse_other_voice(session, assignment)
    if not _is_handed_out(session, assignment, now=now):
        return False
    lock_sitting(session, assignment.sitting_id)
    batch = session.scalars(
        select(BatchRow)
        .where(BatchRow.id == assignment.batch_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    task = session.scalars(
        select(TaskRow)
        .where(TaskRow.id == assignment.task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if task.places_left == 0:
        return False
    task.state = TaskState.FULL if task.places_left == 1 else TaskState.OPEN
    task.places_left = TaskRow.places_left - 1
    assignment.state, assignment.ended_at = AssignmentState.LEASED, None
    session.flush()
    reseat(session, assignment=assignment, batch=batch, now=now)
    return True


def _is_handed_out(session: Session, assignment: AssignmentRow, *, now: datetime) -> bool:
    batch_id, worker_id = assignment.batch_id, assignment.worker_id
    stands = handing_out.standing_of(session, batch_id=batch_id, worker_id=worker_id, now=now)
    if not stands.is_open or not stands.is_special:
        return stands.is_open
    batch = session.get_one(BatchRow, batch_id)
    return places_allowed(session, batch=batch, worker_id=worker_id, wanted=1, now=now) > 0


def _share(session: Session, shared: SittingRow, *, assignment_ids: Sequence[int], fresh: Sequence[SittingRow]) -> None:
    """Move places into one sitting; the others were opened in this transaction, so nobody has seen them."""
    session.flush()
    session.execute(
        update(AssignmentRow)
        .where(AssignmentRow.id.in_(assignment_ids))
        .values(sitting_id=shared.id)
        .execution_options(synchronize_session="fetch")
    )
    empty = [row for row in fresh if row.id != shared.id]
    for row in empty:
        session.expunge(row)
    session.execute(
        delete(SittingRow)
        .where(SittingRow.id.in_([row.id for row in empty]))
        .execution_options(synchronize_session=False)
    )


def refuse_other_voice(session: Session, assignment: AssignmentRow) -> None:
    """Refuse, as TooLate, a task that the same worker has, or answered, under another assignment."""
    standing = select(AssignmentRow.id).where(
        AssignmentRow.voice_key == assignment.voice_key,
        AssignmentRow.worker_id == assignment.worker_id,
        AssignmentRow.id != assignment.id,
        AssignmentRow.state.in_([state.value for state in BARRING]),
    )
    if session.scalar(standing.limit(1)) is not None:
        raise TooLate("You were handed this task again meanwhile. Answer it there, or claim the next task.")
