"""Projects and their questions: made once, found by slug; a new wording is a new question version."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import Conflict, NotFound, bad_field
from crowd_hitl.store.project_rows import ProjectRow, QuestionVersionRow

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,78}[a-z0-9])?")


@dataclass(frozen=True)
class NewProject:
    """What a project starts with; `spec` was checked by the question's plug-in."""

    slug: str
    name: str
    kind: str
    spec: Mapping[str, Any]
    simulated: bool = False
    is_class: bool = True


def create_project(session: Session, *, organisation_id: int, new: NewProject, now: datetime) -> ProjectRow:
    """Make a project with its first question version; Conflict when the slug is taken."""
    slug, name = new.slug, new.name
    if not SLUG.fullmatch(slug):
        raise bad_field("slug", expected="1 to 80 of a-z, 0-9 and inner hyphens", found=slug)
    if not name.strip():
        raise bad_field("name", expected="a name", found=name)
    taken = select(ProjectRow.id).where(ProjectRow.organisation_id == organisation_id, ProjectRow.slug == slug)
    if session.scalar(taken) is not None:
        raise Conflict(f"There is a project {slug} already. Choose another slug.")
    project = ProjectRow(organisation_id=organisation_id, slug=slug, name=name, simulated=new.simulated, created_at=now)
    session.add(project)
    session.flush()
    version = QuestionVersionRow(
        project_id=project.id,
        number=1,
        pool=1,
        kind=new.kind,
        spec=dict(new.spec),
        is_class=new.is_class,
        created_at=now,
    )
    session.add(version)
    session.flush()
    return project


def project_by_slug(session: Session, *, organisation_id: int, slug: str) -> ProjectRow:
    """Find a project of this organisation; NotFound when there is none."""
    found = session.scalar(
        select(ProjectRow).where(ProjectRow.organisation_id == organisation_id, ProjectRow.slug == slug)
    )
    if found is None:
        raise NotFound(f"There is no project {slug}.")
    return found


def newest_question(session: Session, *, project_id: int) -> QuestionVersionRow:
    """Return the question as it is asked now."""
    return session.scalars(
        select(QuestionVersionRow)
        .where(QuestionVersionRow.project_id == project_id)
        .order_by(QuestionVersionRow.number.desc())
        .limit(1)
    ).one()
