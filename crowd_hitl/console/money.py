"""The requester's workers and ledger: who was paid, and every transfer."""

from secrets import token_urlsafe

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from crowd_hitl.console.pages import cursor, head_of, project_page, reading
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.services.alerting import alerts_of
from crowd_hitl.services.reporting.ledger import list_transfers
from crowd_hitl.services.reporting.money import budgets_of
from crowd_hitl.services.reporting.workers import crowd, list_workers


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects/<slug>/workers", view_func=workers_page)
    console.add_url_rule("/projects/<slug>/ledger", view_func=ledger_page)


@allow(*MANAGERS)
def workers_page(slug: str) -> ResponseReturnValue:
    """List those who answered for this project."""
    with reading() as view:
        project = head_of(view.session, slug)
        return project_page(
            "workers.html",
            view.session,
            project=project,
            here="workers",
            crowd=crowd(view.session, project=project),
            page=list_workers(view.session, project=project, after=cursor()),
        )


@allow(*MANAGERS)
def ledger_page(slug: str) -> ResponseReturnValue:
    """List the project's transfers, the newest first."""
    kind = request.args.get("kind") or None
    with reading() as view:
        project = head_of(view.session, slug)
        budgets = budgets_of(view.session, project_id=project.id)
        return project_page(
            "ledger.html",
            view.session,
            project=project,
            here="ledger",
            kind=kind,
            kinds=[known.value for known in TransferKind],
            budgets=budgets,
            alerts=alerts_of(view.session, budget_ids=[one.budget_id for one in budgets]),
            # a form sent twice is one top-up
            key=token_urlsafe(12),
            page=list_transfers(view.session, project_id=project.id, kind=kind, after=cursor()),
        )
