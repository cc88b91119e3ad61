"""The requester's projects: the list, and one project at a glance."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from crowd_hitl.console import charts
from crowd_hitl.console.pages import cursor, head_of, project_page, reading
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.services.reporting.overview import overview
from crowd_hitl.services.reporting.projects import list_projects
from crowd_hitl.services.reporting.rounds import list_certificates, list_rounds


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects", view_func=projects_page)
    console.add_url_rule("/projects/<slug>", view_func=overview_page)


@allow(*MANAGERS)
def projects_page() -> ResponseReturnValue:
    """List the organisation's projects."""
    with reading() as view:
        page = list_projects(view.session, organisation_id=current_actor().organisation_id, after=cursor())
    return render_template("projects.html", page=page)


@allow(*MANAGERS)
def overview_page(slug: str) -> ResponseReturnValue:
    """Show a project: the thread, the money, what waits for a decision, the rounds."""
    with reading() as view:
        project = head_of(view.session, slug)
        seen = overview(view.session, project=project, now=view.now)
        rounds = list_rounds(view.session, project_id=project.id)
        certificates = list_certificates(view.session, project_id=project.id)
        return project_page(
            "overview.html",
            view.session,
            project=project,
            here="overview",
            seen=seen,
            rounds=rounds,
            certificate=certificates[0] if certificates else None,
            spend=charts.spend(seen, rounds, currency=project.currency),
        )
