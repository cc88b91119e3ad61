"""Whether a batch hands out places to a worker now, and what the worker holds of it; read at every claim."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, exists, literal_column, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.sittings import PAGE_TASKS_MAX
from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.hot_path.shapes import HELD_MAX
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.rows import Utc
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow

# Built once: putting these together costs more than running them.
NOW = bindparam("now", type_=Utc())
BATCH_FOR_WORKER = (
    select(
        BatchRow.state,
        WorkerRow.state,
        BatchRow.page_size,
        BatchRow.is_special,
        exists()
        .where(WorkerBlockRow.worker_id == WorkerRow.id, WorkerBlockRow.lifted_at.is_(None))
        .where(WorkerBlockRow.starts_at <= NOW, or_(WorkerBlockRow.ends_at.is_(None), WorkerBlockRow.ends_at > NOW))
        .where(or_(WorkerBlockRow.project_id.is_(None), WorkerBlockRow.project_id == ProjectRow.id))
        .where(or_(WorkerBlockRow.batch_id.is_(None), WorkerBlockRow.batch_id == BatchRow.id))
        .correlate(WorkerRow, ProjectRow, BatchRow),
    )
    .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
    .join(WorkerRow, WorkerRow.organisation_id == ProjectRow.organisation_id)
    .where(BatchRow.id == bindparam("batch_id"), WorkerRow.id == bindparam("worker_id"))
)
OF_ASSIGNMENT = AssignmentRow.id == bindparam("assignment_id")
BATCH_OF = select(BatchRow).join(AssignmentRow, AssignmentRow.batch_id == BatchRow.id).where(OF_ASSIGNMENT)
HELD = (
    select(AssignmentRow.id)
    .where(AssignmentRow.worker_id == bindparam("worker_id"), AssignmentRow.batch_id == bindparam("batch_id"))
    # written out, so that the index of what is held serves a prepared statement
    .where(AssignmentRow.state == literal_column("'leased'"))
    .order_by(AssignmentRow.id)
    .limit(max(HELD_MAX, PAGE_TASKS_MAX))
)
LAPSED = (
    select(AssignmentRow.id)
    .where(AssignmentRow.batch_id == bindparam("batch_id"), AssignmentRow.state == literal_column("'leased'"))
    .where(AssignmentRow.lease_ends_at < NOW)
    .limit(1)
)


class Standing(NamedTuple):
    """How a batch stands to a worker who asks for places of it."""

    is_open: bool
    page_size: int
    is_special: bool


def standing_of(session: Session | Connection, *, batch_id: int, worker_id: int, now: datetime) -> Standing:
    """Say how the batch stands to this worker; NotFound across organisations."""
    values = {"batch_id": batch_id, "worker_id": worker_id, "now": now}
    found = session.execute(BATCH_FOR_WORKER, values).first()
    if found is None:
        raise NotFound(f"There is no batch {batch_id}.")
    batch_state, worker_state, page_size, is_special, is_blocked = found
    is_open = batch_state == BatchState.OPEN and worker_state == "active" and not is_blocked
    return Standing(is_open=is_open, page_size=page_size, is_special=is_special)
