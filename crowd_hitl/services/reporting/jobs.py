"""What may be seen of background jobs, and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.services.reporting.pages import Page, first_rows, id_after
from crowd_hitl.store.job_rows import JobRow


@dataclass(frozen=True)
class Viewer:
    """Who looks: jobs of an organisation are its managers' business, passes over all of the house the admins'."""

    organisation_id: int
    is_admin: bool


def list_jobs(
    session: Session, *, viewer: Viewer, state: str | None = None, after: str | None = None, limit: int = 50
) -> Page[JobRow]:
    """List jobs, the newest first; narrow them by state."""
    query = select(JobRow).where(_visible(viewer))
    if state is not None:
        query = query.where(JobRow.state == state)
    before = id_after(after)
    if before is not None:
        query = query.where(JobRow.id < before)
    found: Sequence[JobRow] = session.scalars(query.order_by(JobRow.id.desc()).limit(limit + 1)).all()
    rows, more = first_rows(found, limit=limit)
    return Page(rows=rows, after=str(rows[-1].id) if more else None)


def one_job(session: Session, *, viewer: Viewer, job_id: int) -> JobRow:
    """Return a job; NotFound if it is none of the viewer's business."""
    row = session.scalar(select(JobRow).where(JobRow.id == job_id, _visible(viewer)))
    if row is None:
        raise NotFound(f"There is no job {job_id}.")
    return row


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    own = JobRow.organisation_id == viewer.organisation_id
    return or_(own, JobRow.organisation_id.is_(None)) if viewer.is_admin else own
