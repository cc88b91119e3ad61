"""Broken items: what workers find cannot be answered is paid, counted as no answer, and retired after two voices."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.errors import AlreadyDone, NotFound, bad_field
from crowd_hitl.domain.tasks import RetireReason, TaskState
from crowd_hitl.services.paying import give_back, look_again
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

# So many workers must say so: one may be mistaken, or in a hurry.
VOICES = 2
SHORTEST, LONGEST = 3, 500


def broken_value(why: str) -> dict[str, Any]:
    """Return what is kept in place of an answer; refuses a reason that says nothing."""
    said = why.strip()
    if not SHORTEST <= len(said) <= LONGEST:
        raise bad_field("broken", expected=f"why, in {SHORTEST} to {LONGEST} characters", found=why)
    return {"broken": said}


def lock_for_broken(session: Session, *, task_id: int) -> None:
    """Lock the item, then the batches that ask it: two voices at once see each other, and batches come before tasks."""
    item = select(ItemRow.id).join(TaskRow, TaskRow.item_id == ItemRow.id).where(TaskRow.id == task_id)
    item_id = session.scalars(item.with_for_update(key_share=True, of=ItemRow)).one()
    asking = (
        select(BatchRow)
        .where(BatchRow.id.in_(select(TaskRow.batch_id).where(TaskRow.item_id == item_id, _AT_WORK)))
        .order_by(BatchRow.id)
    )
    session.scalars(asking.with_for_update(key_share=True).execution_options(populate_existing=True)).all()


def note_broken(session: Session, *, answer_id: int, now: datetime) -> None:
    """Mark an answer as one that says that its item cannot be answered; the second voice retires the item's tasks."""
    answer = session.get_one(AnswerRow, answer_id)
    answer.is_broken = True
    session.flush()
    item = session.get_one(ItemRow, answer.item_id, populate_existing=True)
    if item.broken_at is None and _voices(session, item) >= VOICES:
        item.broken_at = now
        _retire(session, item, now=now)


def mend(session: Session, *, item_id: int, now: datetime) -> ItemRow:
    """Let an item be asked again; what was said against it before counts no more. AlreadyDone if it is not broken."""
    item = session.scalar(
        select(ItemRow)
        .where(ItemRow.id == item_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if item is None:
        raise NotFound(f"There is no item {item_id}.")
    if item.broken_at is None:
        raise AlreadyDone(f"Item {item.key} is not broken: it can be asked as it is.")
    item.broken_at, item.mended_at = None, now
    asked = select(BatchRow).where(BatchRow.id.in_(select(TaskRow.batch_id).where(TaskRow.item_id == item_id)))
    for batch in session.scalars(asked.order_by(BatchRow.id).with_for_update(key_share=True)):
        look_again(batch)  # answers of others count for a label again
    session.flush()
    return item


_AT_WORK = TaskRow.state != TaskState.RETIRED.value


def _voices(session: Session, item: ItemRow) -> int:
    """Count those who say so, since the item was last mended."""
    query = (
        select(func.count(AnswerRow.worker_id.distinct()))
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AnswerRow.item_id == item.id, AnswerRow.is_broken)
        .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
    )
    if item.mended_at is not None:
        query = query.where(AnswerRow.submitted_at > item.mended_at)
    return session.scalar(query) or 0


def _retire(session: Session, item: ItemRow, *, now: datetime) -> None:
    """Retire the item's tasks wherever it is asked; the money of their open places goes back to the budgets."""
    tasks = session.scalars(
        select(TaskRow)
        .where(TaskRow.item_id == item.id, _AT_WORK)
        .order_by(TaskRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    places: Counter[int] = Counter()
    for task in tasks:
        places[task.batch_id] += task.places_left
        task.overlap = TaskRow.overlap - task.places_left
        task.places_left, task.state, task.retire_reason = 0, TaskState.RETIRED, RetireReason.BROKEN
    session.flush()
    batches = select(BatchRow).where(BatchRow.id.in_(select(TaskRow.batch_id).where(TaskRow.item_id == item.id)))
    for batch in session.scalars(batches.order_by(BatchRow.id)).all():
        look_again(batch)  # a label that others gave it is taken back
        each = batch.price_micros + batch.fee_micros
        give_back(session, batch=batch, amount_micros=places[batch.id] * each, now=now)
    session.flush()
