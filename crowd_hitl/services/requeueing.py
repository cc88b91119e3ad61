"""Requeueing: further answers for tasks by hand, whatever state they are in; priced, reserved, then open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import BARRING
from crowd_hitl.domain.errors import BadInput, Conflict, NotFound, bad_field
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.quotes import LARGEST_OVERLAP
from crowd_hitl.domain.tasks import BatchState, TaskState, position
from crowd_hitl.services.alerting import raise_alerts
from crowd_hitl.services.paying import look_again, reserve
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow

MOST_TASKS = 1_000


@dataclass(frozen=True)
class Requeue:
    """Which tasks of a batch get how many further answers; tasks by their number or by their item's key."""

    answers: int
    task_ids: Sequence[int] = ()
    item_keys: Sequence[str] = ()


@dataclass(frozen=True)
class RequeueQuote:
    """What requeueing costs in micro-units: reserved at once, and what the budget lacks of it."""

    tasks: int
    answers: int
    reserve_micros: int
    missing_micros: int
    currency: str


def quote_requeue(session: Session, *, batch_id: int, requeue: Requeue, now: datetime) -> RequeueQuote:
    """Price further answers without asking for them; refuses what could not be asked."""
    batch = session.get(BatchRow, batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return _quoted(session, batch, tasks=len(_chosen(session, batch, requeue, now=now)), requeue=requeue)


def price_of(session: Session, *, batch_id: int, requeue: Requeue) -> RequeueQuote:
    """Price what was asked for before, without checking whether it could be asked for again."""
    batch = session.get_one(BatchRow, batch_id)
    return _quoted(session, batch, tasks=len(session.scalars(_named(batch, requeue)).all()), requeue=requeue)


def requeue_tasks(session: Session, *, batch_id: int, requeue: Requeue, now: datetime) -> RequeueQuote:
    """Open further places on tasks and reserve what they cost; answers that stand, stand. A closed batch opens again.

    Refuses gold, broken items, more answers than there are workers left to give them, and a batch of a round that
    is over. BudgetTooSmall says what is missing.
    """
    batch = lock_batch(session, batch_id)
    tasks = _chosen(session, batch, requeue, now=now, locked=True)
    quoted = _quoted(session, batch, tasks=len(tasks), requeue=requeue)
    reserve(session, batch=batch, amount_micros=quoted.reserve_micros, kind=TransferKind.EXTEND, now=now)
    if batch.state == BatchState.CLOSED:
        batch.state, batch.closed_at = BatchState.OPEN, None
    for offset, task in enumerate(tasks):
        task.requeued_to = max(task.requeued_to or 0, task.overlap + requeue.answers)
        task.overlap = TaskRow.overlap + requeue.answers
        task.places_left = TaskRow.places_left + requeue.answers
        task.state, task.retire_reason, task.pos = TaskState.OPEN, None, position(now, offset=offset)
    look_again(batch)
    session.flush()
    raise_alerts(session, budget_id=batch.budget_id, now=now)
    return quoted


def _quoted(session: Session, batch: BatchRow, *, tasks: int, requeue: Requeue) -> RequeueQuote:
    cost = tasks * requeue.answers * (batch.price_micros + batch.fee_micros)
    available = session.get_one(BudgetRow, batch.budget_id).available_micros
    return RequeueQuote(
        tasks=tasks,
        answers=tasks * requeue.answers,
        reserve_micros=cost,
        missing_micros=max(0, cost - available),
        currency=batch.currency,
    )


def _chosen(
    session: Session, batch: BatchRow, requeue: Requeue, *, now: datetime, locked: bool = False
) -> Sequence[TaskRow]:
    if not 1 <= requeue.answers <= LARGEST_OVERLAP:
        raise bad_field("answers", expected=f"1 to {LARGEST_OVERLAP}", found=requeue.answers)
    named = len(set(requeue.task_ids)) + len(set(requeue.item_keys))
    if not 1 <= named <= MOST_TASKS:
        raise bad_field("tasks", expected=f"1 to {MOST_TASKS} tasks or items of the batch", found=named)
    if batch.state == BatchState.CLOSED and batch.round_id is not None:
        raise Conflict(f"Batch {batch.id} belongs to a round that is over. Publish a new batch instead.")
    if batch.deadline is not None and batch.deadline <= now:
        raise Conflict(f"The deadline of batch {batch.id} has passed. Publish a new batch instead.")
    query = _named(batch, requeue)
    if locked:
        query = query.with_for_update(key_share=True, of=TaskRow).execution_options(populate_existing=True)
    tasks = session.scalars(query).all()
    _refuse_missing(session, batch, requeue, tasks)
    _refuse_unfit(session, batch, requeue, tasks)
    return tasks


def _named(batch: BatchRow, requeue: Requeue) -> Select[TaskRow]:
    keys = select(ItemRow.id).where(ItemRow.project_id == batch.project_id, ItemRow.key.in_(requeue.item_keys))
    chosen = or_(TaskRow.id.in_(requeue.task_ids), TaskRow.item_id.in_(keys))
    return select(TaskRow).where(TaskRow.batch_id == batch.id, chosen).order_by(TaskRow.id)


def _refuse_missing(session: Session, batch: BatchRow, requeue: Requeue, tasks: Sequence[TaskRow]) -> None:
    there = select(ItemRow.key).where(ItemRow.id.in_([task.item_id for task in tasks]))
    missing = {str(task_id) for task_id in set(requeue.task_ids) - {task.id for task in tasks}}
    missing |= set(requeue.item_keys) - set(session.scalars(there))
    if missing:
        raise NotFound(f"Batch {batch.id} asks no task or item {', '.join(sorted(missing)[:5])}.")


def _refuse_unfit(session: Session, batch: BatchRow, requeue: Requeue, tasks: Sequence[TaskRow]) -> None:
    """Refuse gold, what is broken, and answers that nobody is left to give."""
    broken = select(ItemRow.key).where(ItemRow.id.in_([task.item_id for task in tasks]), ItemRow.broken_at.is_not(None))
    keys = list(session.scalars(broken.order_by(ItemRow.id).limit(5)))
    if keys:
        raise Conflict(f"Items {', '.join(keys)} cannot be answered. Mend them, then put them back.")
    organisation = select(ProjectRow.organisation_id).where(ProjectRow.id == batch.project_id).scalar_subquery()
    for task in tasks:
        if task.is_gold:
            raise Conflict(f"Task {task.id} is gold: it has the views that were bought, and needs no answer.")
        if task.overlap + requeue.answers > LARGEST_OVERLAP:
            most = max(0, LARGEST_OVERLAP - task.overlap)
            raise bad_field("answers", expected=f"at most {most} more for task {task.id}", found=requeue.answers)
        free = _free_workers(session, task, organisation) - task.places_left
        if requeue.answers > free:
            raise BadInput(
                f"Task {task.id} can get {max(0, free)} more answers: all other workers have answered it. "
                "Ask for fewer, or add workers."
            )


def _free_workers(session: Session, task: TaskRow, organisation: object) -> int:
    """Count the active workers who may still answer a task."""
    barred = (
        select(AssignmentRow.id)
        .where(AssignmentRow.voice_key == task.voice_key, AssignmentRow.worker_id == WorkerRow.id)
        .where(AssignmentRow.state.in_([state.value for state in BARRING]))
        .exists()
    )
    query = select(func.count()).where(WorkerRow.organisation_id == organisation, WorkerRow.state == "active", ~barred)
    return session.scalar(query) or 0
