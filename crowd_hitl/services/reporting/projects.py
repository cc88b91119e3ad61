"""The list of projects, and what stands at the head of each of a project's pages."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.services.reporting.money import spend_by_project
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow, QuestionVersionRow
from crowd_hitl.store.work_rows import BatchRow

DEFAULT_FIELD = "label"
OTHERS_SHOWN = 5
DEFAULT_CURRENCY = "USD"

# Characters of a value that is no class: the outlines of an image take pages.
SHOWN = 120


@dataclass(frozen=True)
class Class:
    """One value a field can take: as stored, as shown, and its place among the others (which is its colour)."""

    value: str
    label: str
    place: int


@dataclass(frozen=True)
class ProjectHead:
    """A project as every page of it needs it."""

    id: int
    slug: str
    name: str
    simulated: bool
    prompt: str
    field: str
    classes: tuple[Class, ...]
    currency: str
    items: int
    batches: int

    def shown(self, value: str) -> str:
        """Return the words workers saw for a value; of a long value its beginning."""
        return next((one.label for one in self.classes if one.value == value), _shortened(value))

    def place(self, value: str) -> int:
        """Return a value's place among the classes, −1 if it is none of them."""
        return next((one.place for one in self.classes if one.value == value), -1)


@dataclass(frozen=True)
class ProjectLine:
    """One project of the list."""

    id: int
    slug: str
    name: str
    simulated: bool
    items: int
    labels: int
    batches_open: int
    spent_micros: int
    currency: str


def project_head(session: Session, *, organisation_id: int, slug: str) -> ProjectHead:
    """Return the head of a project's pages; NotFound if the organisation has no such project."""
    project = session.scalars(
        select(ProjectRow).where(ProjectRow.organisation_id == organisation_id, ProjectRow.slug == slug)
    ).one_or_none()
    if project is None:
        raise NotFound(f"There is no project '{slug}' here.")
    question = session.scalars(
        select(QuestionVersionRow)
        .where(QuestionVersionRow.project_id == project.id)
        .order_by(QuestionVersionRow.number.desc())
        .limit(1)
    ).one_or_none()
    spec = question.spec if question is not None else {}
    return ProjectHead(
        id=project.id,
        slug=project.slug,
        name=project.name,
        simulated=project.simulated,
        prompt=str(spec.get("prompt", "")),
        field=str(spec.get("field", DEFAULT_FIELD)),
        classes=_classes(spec.get("options", ())),
        currency=_currency(session, project_id=project.id),
        items=_count(session, ItemRow, project_id=project.id),
        batches=_count(session, BatchRow, project_id=project.id),
    )


def list_projects(
    session: Session, *, organisation_id: int, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[ProjectLine]:
    """List the organisation's projects, the newest first."""
    query = select(ProjectRow).where(ProjectRow.organisation_id == organisation_id)
    below = id_after(after)
    if below is not None:
        query = query.where(ProjectRow.id < below)
    found = session.scalars(query.order_by(ProjectRow.id.desc()).limit(limit + 1)).all()
    projects, more = first_rows(found, limit=limit)
    ids = [project.id for project in projects]
    items = _counts(session, ItemRow, ids)
    labels = _counts(session, LabelRow, ids, LabelRow.state == "current")
    batches = _counts(session, BatchRow, ids, BatchRow.state == "open")
    spend = spend_by_project(session, project_ids=ids)
    lines = []
    for project in projects:
        currency = _currency(session, project_id=project.id)
        lines.append(
            ProjectLine(
                id=project.id,
                slug=project.slug,
                name=project.name,
                simulated=project.simulated,
                items=items.get(project.id, 0),
                labels=labels.get(project.id, 0),
                batches_open=batches.get(project.id, 0),
                spent_micros=spend.get((project.id, currency), 0),
                currency=currency,
            )
        )
    return Page(rows=lines, after=str(projects[-1].id) if more else None)


def _shortened(value: str) -> str:
    return value if len(value) <= SHOWN else f"{value[: SHOWN - 1]}…"


def _classes(options: object) -> tuple[Class, ...]:
    """Read the options of a question's settings: plain values, or value and label."""
    if not isinstance(options, list | tuple):
        return ()
    found = []
    for place, option in enumerate(options):
        value = option.get("value", "") if isinstance(option, dict) else option
        label = option.get("label", value) if isinstance(option, dict) else option
        found.append(Class(value=str(value), label=str(label), place=place))
    return tuple(found)


def _currency(session: Session, *, project_id: int) -> str:
    """Return the currency of the project's newest batch."""
    found = session.scalar(
        select(BudgetRow.currency)
        .join(BatchRow, BatchRow.budget_id == BudgetRow.id)
        .where(BatchRow.project_id == project_id)
        .order_by(BatchRow.id.desc())
        .limit(1)
    )
    return found or DEFAULT_CURRENCY


def _count(session: Session, row: type[ItemRow] | type[BatchRow], *, project_id: int) -> int:
    return session.scalar(select(func.count()).select_from(row).where(row.project_id == project_id)) or 0


def _counts(
    session: Session, row: type[ItemRow | BatchRow | LabelRow], ids: list[int], *where: ColumnElement[bool]
) -> dict[int, int]:
    query = select(row.project_id, func.count()).where(row.project_id.in_(ids), *where).group_by(row.project_id)
    return dict(session.execute(query).all())


def other_projects(session: Session, *, organisation_id: int, but: int) -> list[tuple[str, str]]:
    """List slug and name of the newest other projects, for the rail."""
    query = select(ProjectRow.slug, ProjectRow.name).where(
        ProjectRow.organisation_id == organisation_id, ProjectRow.id != but
    )
    return list(session.execute(query.order_by(ProjectRow.id.desc()).limit(OTHERS_SHOWN)).all())
