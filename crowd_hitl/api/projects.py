"""Projects and their questions."""

from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.projects import ProjectIn, ProjectLineOut, ProjectOut, ProjectsOut
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.projects import NewProject, create_project, newest_question, project_by_slug
from crowd_hitl.services.reporting import projects as reporting

projects = APIBlueprint("projects", __name__, url_prefix="/api/v1", tag="Projects")

DEFAULT_KIND = "choice"


@projects.get("/projects")
@allow(*MANAGERS)
@projects.input(PageQuery, location="query", arg_name="page")
@projects.output(ProjectsOut)
def list_projects(*, page: PageQuery) -> ProjectsOut:
    """List the organisation's projects, the newest first."""
    found = current_house().uow.read(
        reporting.list_projects,
        organisation_id=current_actor().organisation_id,
        after=page.after,
        limit=page.limit,
    )
    lines = [
        ProjectLineOut(
            id=line.id,
            slug=line.slug,
            name=line.name,
            simulated=line.simulated,
            items=line.items,
            labels=line.labels,
            batches_open=line.batches_open,
            spent=units(line.spent_micros),
            currency=line.currency,
        )
        for line in found.rows
    ]
    return ProjectsOut(projects=lines, after=found.after)


@projects.post("/projects")
@allow(*MANAGERS)
@projects.input(ProjectIn, arg_name="body")
@projects.output(ProjectOut, status_code=201)
def make_project(*, body: ProjectIn) -> ProjectOut:
    """Make a project with the question it asks."""
    house = current_house()
    organisation_id = current_actor().organisation_id
    kind, spec = _checked_question(body.question)
    is_class = house.plugins.questions[kind].is_class
    new = NewProject(slug=body.slug, name=body.name, kind=kind, spec=spec, is_class=is_class)
    house.uow.run(create_project, organisation_id=organisation_id, new=new)
    return house.uow.read(_shown, organisation_id=organisation_id, slug=body.slug)


@projects.get("/projects/<slug>")
@allow(*MANAGERS)
@projects.output(ProjectOut)
def show_project(slug: str) -> ProjectOut:
    """Show a project with the question it asks now."""
    return current_house().uow.read(_shown, organisation_id=current_actor().organisation_id, slug=slug)


def _checked_question(question: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Split a question into its kind and its settings, which the plug-in of that kind checks."""
    settings = dict(question)
    kind = settings.pop("kind", DEFAULT_KIND)
    questions = current_house().plugins.questions
    if not isinstance(kind, str) or kind not in questions:
        raise bad_field("question.kind", expected="one of " + ", ".join(sorted(questions)), found=kind)
    return kind, questions[kind].check_spec(settings)


def _shown(session: Session, *, organisation_id: int, slug: str) -> ProjectOut:
    row = project_by_slug(session, organisation_id=organisation_id, slug=slug)
    version = newest_question(session, project_id=row.id)
    head = reporting.project_head(session, organisation_id=organisation_id, slug=slug)
    return ProjectOut(
        id=row.id,
        slug=row.slug,
        name=row.name,
        simulated=row.simulated,
        created_at=row.created_at,
        question={"kind": version.kind, **version.spec},
        question_version=version.number,
        items=head.items,
        batches=head.batches,
    )
