"""Putting answers back that were taken out: where the place is still open its money returns to the budget."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import Conflict
from crowd_hitl.domain.tasks import RetireReason, TaskState
from crowd_hitl.services.paying import give_back, look_again
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.services.settling_sittings import lock_sittings_of
from crowd_hitl.store.removal_rows import RemovalRow, RemovedAnswerRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow

ANSWERS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Restored:
    """What was done: answers put back, those whose place somebody else filled or holds, money returned by currency."""

    restored: int = 0
    left: int = 0
    returned: Mapping[str, int] = field(default_factory=dict)


def restore_answers(uow: UnitOfWork, *, worker_id: int, project_id: int, batch_id: int | None = None) -> Restored:
    """Put a worker's answers back; labels are agreed anew by the next pass.

    Refuses a worker of whom nothing was taken out. An answer whose place was filled, or is held, stays out.
    """
    restored, left, returned = 0, 0, dict[str, int]()
    batches = uow.read(_removed, worker_id=worker_id, project_id=project_id, batch_id=batch_id)
    if not batches:
        raise Conflict("Nothing of this worker was taken out here. There is nothing to put back.")
    for removed_batch_id, line_ids in batches.items():
        for start in range(0, len(line_ids), ANSWERS_AT_ONCE):
            chunk = line_ids[start : start + ANSWERS_AT_ONCE]
            done, micros, currency = uow.run(write_restored, batch_id=removed_batch_id, line_ids=chunk)
            restored, left = restored + done, left + len(chunk) - done
            if micros:
                returned[currency] = returned.get(currency, 0) + micros
    return Restored(restored, left, returned)


def write_restored(session: Session, *, batch_id: int, line_ids: Sequence[int], now: datetime) -> tuple[int, int, str]:
    """Put some answers of one batch back; return how many, and how much money returned to the budget."""
    lines = session.scalars(
        select(RemovedAnswerRow)
        .where(RemovedAnswerRow.id.in_(line_ids), RemovedAnswerRow.restored_at.is_(None))
        .execution_options(populate_existing=True)
    ).all()
    by_assignment = {line.assignment_id: line for line in lines}
    lock_sittings_of(session, list(by_assignment))
    assignments = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.id.in_(list(by_assignment)), AssignmentRow.state == AssignmentState.REMOVED.value)
        .order_by(AssignmentRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    lines_of = {row.task_id: by_assignment[row.id] for row in assignments}
    batch = lock_batch(session, batch_id)
    tasks = session.scalars(
        select(TaskRow)
        .where(TaskRow.id.in_(list(lines_of)))
        .order_by(TaskRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    taken = {task.id for task in tasks if lines_of[task.id].reissued and task.places_left > 0}
    raised = {task.id for task in tasks if task.id not in taken and _may_grow(task, lines_of[task.id], batch)}
    returned = len(taken) * (batch.price_micros + batch.fee_micros)
    _fill(session, taken=taken, raised=raised)
    for row in assignments:
        if row.task_id in taken or row.task_id in raised:
            row.state = AssignmentState.APPROVED
            by_assignment[row.id].restored_at = now
    if taken or raised:
        look_again(batch)
    session.flush()
    give_back(session, batch=batch, amount_micros=returned, now=now)
    return len(taken) + len(raised), returned, batch.currency


def _may_grow(task: TaskRow, line: RemovedAnswerRow, batch: BatchRow) -> bool:
    """Say whether the place was not filled by somebody else: its overlap was lowered, then or when the batch closed."""
    closed = task.state == TaskState.RETIRED and task.retire_reason == RetireReason.CLOSED
    return (not line.reissued or closed) and task.overlap < batch.overlap_max


def _fill(session: Session, *, taken: set[int], raised: set[int]) -> None:
    more = TaskRow.answers_count + 1
    last = case((TaskRow.places_left == 1, TaskState.FULL.value), else_=TaskState.OPEN.value)
    for task_ids, values in (
        (taken, {"answers_count": more, "places_left": TaskRow.places_left - 1, "state": last}),
        (raised, {"answers_count": more, "overlap": TaskRow.overlap + 1}),
    ):
        if task_ids:
            session.execute(
                update(TaskRow)
                .where(TaskRow.id.in_(task_ids))
                .values(values)
                .execution_options(synchronize_session=False)
            )


def _removed(session: Session, *, worker_id: int, project_id: int, batch_id: int | None) -> dict[int, list[int]]:
    """List what is out, by batch."""
    rows = session.execute(
        select(RemovalRow.batch_id, RemovedAnswerRow.id)
        .join(RemovedAnswerRow, RemovedAnswerRow.removal_id == RemovalRow.id)
        .join(BatchRow, BatchRow.id == RemovalRow.batch_id)
        .where(RemovalRow.worker_id == worker_id, BatchRow.project_id == project_id)
        .where(RemovedAnswerRow.restored_at.is_(None))
        .where(*([] if batch_id is None else [BatchRow.id == batch_id]))
        .order_by(RemovalRow.batch_id, RemovedAnswerRow.assignment_id)
    )
    found: dict[int, list[int]] = {}
    for removed_batch_id, line_id in rows:
        found.setdefault(removed_batch_id, []).append(line_id)
    return found
