"""Keeping a worker from work: blocks and pauses of a batch, a project or the whole organisation; lifting them.

A blocked worker is handed no more places there. What they hold they may finish and are paid for; what they answered
stands. `worker.state` is the mark of what stands organisation-wide, and is written here only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, NotFound, bad_field
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import BatchRow

Kind = Literal["pause", "block"]
KINDS: tuple[str, ...] = get_args(Kind)
REASON_CHARACTERS_MAX = 1000
MARKS = {"pause": "paused", "block": "blocked"}
ACTIVE = "active"
LAPSE_AT_ONCE = 1000


@dataclass(frozen=True)
class Placed:
    """What is put on a worker: a pause (somebody will look) or a block (somebody decided).

    Neither project nor batch means all of the organisation; no `ends_at` means until somebody lifts it.
    """

    worker_id: int
    kind: Kind
    reason: str
    project_id: int | None = None
    batch_id: int | None = None
    ends_at: datetime | None = None
    placed_by: int | None = None
    rule_id: int | None = None


def block(session: Session, *, placed: Placed, now: datetime) -> WorkerBlockRow:
    """Keep a worker from work from now on.

    Refuses an unknown kind, no reason, an end that is not ahead, and a project or batch of another organisation.
    """
    reason = _checked(placed, now=now)
    worker = lock_worker(session, placed.worker_id)
    row = WorkerBlockRow(
        worker_id=worker.id,
        project_id=_project_of(session, placed, organisation_id=worker.organisation_id),
        batch_id=placed.batch_id,
        kind=placed.kind,
        reason=reason,
        placed_by=placed.placed_by,
        rule_id=placed.rule_id,
        starts_at=now,
        ends_at=placed.ends_at,
    )
    session.add(row)
    session.flush()
    _mark(session, worker, now=now)
    return row


def lift(session: Session, *, block_id: int, lifted_by: int | None, now: datetime) -> WorkerBlockRow:
    """End a block or pause before its time; AlreadyDone when it has ended."""
    found = session.get(WorkerBlockRow, block_id)
    if found is None:
        raise NotFound(f"There is no block {block_id}.")
    worker = lock_worker(session, found.worker_id)
    session.refresh(found)  # somebody may have lifted it while we waited for the worker
    if found.lifted_at is not None or (found.ends_at is not None and found.ends_at <= now):
        raise AlreadyDone(f"This {found.kind} has ended already. Nothing was changed.")
    found.lifted_at, found.lifted_by = now, lifted_by
    session.flush()
    _mark(session, worker, now=now)
    return found


def has_lapsed_blocks(session: Session, *, now: datetime) -> bool:
    """Say whether `lapse_blocks` would find one."""
    over = select(WorkerBlockRow.id).where(WorkerBlockRow.lifted_at.is_(None), WorkerBlockRow.ends_at <= now)
    return session.scalar(over.limit(1)) is not None


def lapse_blocks(session: Session, *, now: datetime) -> int:
    """Close what has reached its end, and let its workers in again; return how many blocks that were."""
    over = select(WorkerBlockRow.id, WorkerBlockRow.worker_id).where(
        WorkerBlockRow.lifted_at.is_(None), WorkerBlockRow.ends_at <= now
    )
    # in the order of the workers, so that two who do this at once cannot wait for each other
    found = session.execute(over.order_by(WorkerBlockRow.worker_id, WorkerBlockRow.id).limit(LAPSE_AT_ONCE)).all()
    count = 0
    for worker_id in dict.fromkeys(worker_id for _, worker_id in found):
        worker = lock_worker(session, worker_id)
        for row in _held(session, worker_id=worker_id):
            if row.ends_at is not None and row.ends_at <= now:
                row.lifted_at = row.ends_at
                count += 1
        session.flush()
        _mark(session, worker, now=now)
    return count


def holds(now: datetime) -> ColumnElement[bool]:
    """Say in SQL that a block stands at this moment."""
    return and_(WorkerBlockRow.lifted_at.is_(None), or_(WorkerBlockRow.ends_at.is_(None), WorkerBlockRow.ends_at > now))


def reaches(*, project_id: int, batch_id: int | None = None) -> ColumnElement[bool]:
    """Say in SQL that a block keeps its worker from this project, or from this batch of it."""
    everywhere = WorkerBlockRow.project_id.is_(None)
    here = and_(WorkerBlockRow.project_id == project_id, WorkerBlockRow.batch_id.is_(None))
    if batch_id is None:
        return or_(everywhere, here)
    return or_(everywhere, here, WorkerBlockRow.batch_id == batch_id)


def is_blocked(session: Session, *, worker_id: int, batch: BatchRow, now: datetime) -> bool:
    """Say whether anything keeps this worker from this batch."""
    found = select(WorkerBlockRow.id).where(
        WorkerBlockRow.worker_id == worker_id, holds(now), reaches(project_id=batch.project_id, batch_id=batch.id)
    )
    return session.scalar(found.limit(1)) is not None


def lock_worker(session: Session, worker_id: int) -> WorkerRow:
    """Keep others from changing what this worker may do; always before any assignment or task is locked."""
    found = session.scalar(
        select(WorkerRow)
        .where(WorkerRow.id == worker_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(f"There is no worker {worker_id}.")
    return found


def _checked(placed: Placed, *, now: datetime) -> str:
    if placed.kind not in KINDS:
        raise bad_field("kind", expected=" or ".join(KINDS), found=placed.kind)
    reason = placed.reason.strip()
    if not 1 <= len(reason) <= REASON_CHARACTERS_MAX:
        expected = f"1 to {REASON_CHARACTERS_MAX} characters that the worker will read"
        raise bad_field("reason", expected=expected, found=placed.reason)
    if placed.ends_at is not None and placed.ends_at <= now:
        raise bad_field("ends_at", expected="a moment in the future", found=placed.ends_at.isoformat())
    return reason


def _project_of(session: Session, placed: Placed, *, organisation_id: int) -> int | None:
    project_id = placed.project_id
    if placed.batch_id is not None:
        batch = session.get(BatchRow, placed.batch_id)
        if batch is None or project_id not in (None, batch.project_id):
            raise NotFound(f"There is no batch {placed.batch_id}.")
        project_id = batch.project_id
    if project_id is not None:
        project = session.get(ProjectRow, project_id)
        if project is None or project.organisation_id != organisation_id:
            raise NotFound("There is no such project or batch for this worker.")
    return project_id


def _held(session: Session, *, worker_id: int) -> Sequence[WorkerBlockRow]:
    query = select(WorkerBlockRow).where(WorkerBlockRow.worker_id == worker_id, WorkerBlockRow.lifted_at.is_(None))
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _mark(session: Session, worker: WorkerRow, *, now: datetime) -> None:
    """Write what stands organisation-wide into the worker's row, where every claim looks; close what has ended."""
    for row in _held(session, worker_id=worker.id):
        if row.ends_at is not None and row.ends_at <= now:
            row.lifted_at = row.ends_at  # the mark that is written speaks for what is not lifted: the check compares
    session.flush()
    everywhere = select(WorkerBlockRow.kind).where(
        WorkerBlockRow.worker_id == worker.id, WorkerBlockRow.project_id.is_(None), holds(now)
    )
    kinds = set(session.scalars(everywhere.distinct()))
    worker.state = next((MARKS[kind] for kind in ("block", "pause") if kind in kinds), ACTIVE)
    session.flush()
