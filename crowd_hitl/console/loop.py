"""The requester's rounds: what the loop bought, what its model learned, what was promised."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from crowd_hitl.console import charts
from crowd_hitl.console.pages import head_of, project_page, reading
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.services.reporting.rounds import list_certificates, list_rounds, loop_state


def register(console: Blueprint) -> None:
    """Add the view."""
    console.add_url_rule("/projects/<slug>/rounds", view_func=rounds_page)


@allow(*MANAGERS)
def rounds_page(slug: str) -> ResponseReturnValue:
    """Show the rounds with their charts, and the certificates in words."""
    with reading() as view:
        project = head_of(view.session, slug)
        rounds = list_rounds(view.session, project_id=project.id)
        return project_page(
            "rounds.html",
            view.session,
            project=project,
            here="rounds",
            loop=loop_state(view.session, project_id=project.id),
            rounds=rounds,
            certificates=list_certificates(view.session, project_id=project.id),
            spend=charts.spend_by_round(rounds, currency=project.currency),
            accuracy=charts.accuracy_by_round(rounds),
        )
