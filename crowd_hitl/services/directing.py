"""Leasing one named task to one named worker: for replays, where it is known who answered what."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound, NothingToDo
from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.services.assigning import lease_next
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow

# Above every level that a priority can give.
AT_THE_HEAD = 2**62


def lease_task(session: Session, *, task_id: int, worker_id: int, now: datetime) -> int:
    """Lease this task to this worker, and return the assignment's id.

    The task is put at the head of its batch's queue for as long as the worker is served, so that it is live work's
    own rules that lease it. NothingToDo when they would not; NotFound when there is no such task.
    """
    task = session.scalar(
        select(TaskRow)
        .where(TaskRow.id == task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if task is None:
        raise NotFound(f"There is no task {task_id}.")
    batch = session.get_one(BatchRow, task.batch_id)
    usual = task.level
    task.level = AT_THE_HEAD
    session.flush()
    leased = lease_next(session, batch=batch, worker_id=worker_id, count=1, wait=True, now=now)
    assignment = session.get_one(AssignmentRow, leased[0]) if leased else None
    if batch.state != BatchState.OPEN or assignment is None or assignment.task_id != task_id:
        raise NothingToDo(f"Task {task_id} has no place for worker {worker_id}.")
    task.level = assignment.level = usual
    session.flush()
    return assignment.id
