"""The blocks and pauses of an organisation, or of one worker: what stands, and what has ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.services.blocking import holds
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.account_rows import AccountRow, WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import BatchRow

# The last three: the batch's name, and the logins of who placed and who lifted it.
Columns = tuple[WorkerBlockRow, WorkerRow, ProjectRow | None, str | None, str | None, str | None]


@dataclass(frozen=True)
class BlockLine:
    """One block or pause, with the names of where it reaches and of who placed and lifted it."""

    id: int
    worker_id: int
    worker: str
    worker_name: str
    kind: str
    reason: str
    project_slug: str | None
    project_name: str | None
    batch_id: int | None
    batch_name: str | None
    placed_by: str | None
    rule_id: int | None
    starts_at: datetime
    ends_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    stands: bool

    @property
    def scope(self) -> str:
        """Name how far it reaches."""
        if self.batch_id is not None:
            return "batch"
        return "organisation" if self.project_slug is None else "project"

    @property
    def where(self) -> str:
        """Say in words where its worker is handed nothing."""
        if self.batch_id is not None:
            return f"batch {self.batch_name} of {self.project_name}"
        return "all work" if self.project_name is None else f"project {self.project_name}"

    @property
    def ended_at(self) -> datetime | None:
        """Return when it ended, by itself or by hand; None while it stands."""
        return None if self.stands else self.lifted_at or self.ends_at


def list_blocks(
    session: Session,
    *,
    organisation_id: int,
    now: datetime,
    worker_id: int | None = None,
    standing: bool = False,
    after: str | None = None,
) -> Page[BlockLine]:
    """List blocks and pauses, the newest first; with `standing` only those that keep somebody away now."""
    query = _blocks().where(WorkerRow.organisation_id == organisation_id)
    if worker_id is not None:
        query = query.where(WorkerBlockRow.worker_id == worker_id)
    if standing:
        query = query.where(holds(now))
    below = id_after(after)
    if below is not None:
        query = query.where(WorkerBlockRow.id < below)
    found = session.execute(query.order_by(WorkerBlockRow.id.desc()).limit(PAGE_ROWS + 1)).all()
    rows, more = first_rows(found, limit=PAGE_ROWS)
    lines = [_line(row, now=now) for row in rows]
    return Page(rows=lines, after=str(lines[-1].id) if more else None)


def one_block(session: Session, *, block_id: int, now: datetime) -> BlockLine:
    """Return one block that is known to be there."""
    return _line(session.execute(_blocks().where(WorkerBlockRow.id == block_id)).one(), now=now)


def _blocks() -> Select[*Columns]:
    placer, lifter = aliased(AccountRow), aliased(AccountRow)
    return (
        select(WorkerBlockRow, WorkerRow, ProjectRow, BatchRow.name, placer.login, lifter.login)
        .join(WorkerRow, WorkerRow.id == WorkerBlockRow.worker_id)
        .outerjoin(ProjectRow, ProjectRow.id == WorkerBlockRow.project_id)
        .outerjoin(BatchRow, BatchRow.id == WorkerBlockRow.batch_id)
        .outerjoin(placer, placer.id == WorkerBlockRow.placed_by)
        .outerjoin(lifter, lifter.id == WorkerBlockRow.lifted_by)
    )


def _line(found: Row[*Columns], *, now: datetime) -> BlockLine:
    row, worker, project, batch, placed_by, lifted_by = found
    return BlockLine(
        id=row.id,
        worker_id=worker.id,
        worker=worker.public_id,
        worker_name=worker.name,
        kind=row.kind,
        reason=row.reason,
        project_slug=None if project is None else project.slug,
        project_name=None if project is None else project.name,
        batch_id=row.batch_id,
        batch_name=batch,
        placed_by=placed_by,
        rule_id=row.rule_id,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        lifted_at=row.lifted_at,
        lifted_by=lifted_by,
        stands=row.lifted_at is None and (row.ends_at is None or row.ends_at > now),
    )
