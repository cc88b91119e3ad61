"""The requester's batches: the list, one batch, and what may be done with it."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console import charts
from crowd_hitl.console.growing import outlook
from crowd_hitl.console.pages import View, cursor, head_of, local_path, project_page, reading
from crowd_hitl.domain.errors import AlreadyDone, BadInput, NotFound
from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import paying, publishing
from crowd_hitl.services.reporting import batches as batch_report
from crowd_hitl.services.reporting.disagreements import (
    count_disagreements,
    count_undecided,
    disagreements,
    list_undecided,
)
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.services.reporting.workers import crowd, list_workers

WORKERS_SHOWN = 10
MOVES: dict[str, tuple[Callable[..., Any], str]] = {
    "pause": (publishing.pause_batch, "is paused. Leased places may still be answered; no new ones are handed out"),
    "resume": (publishing.resume_batch, "hands out places again"),
    "close": (publishing.close_batch, "is closed. What it does not need is back in the budget"),
}


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects/<slug>/batches", view_func=batches_page)
    console.add_url_rule("/projects/<slug>/batches/<int:batch_id>", view_func=batch_page)
    console.add_url_rule("/projects/<slug>/batches/<int:batch_id>/<move>", view_func=move_batch, methods=["POST"])
    console.add_url_rule("/projects/<slug>/answers/<int:answer_id>/approve", view_func=approve_answer, methods=["POST"])
    console.add_url_rule("/projects/<slug>/answers/<int:answer_id>/reject", view_func=reject_answer, methods=["POST"])


@allow(*MANAGERS)
def batches_page(slug: str) -> ResponseReturnValue:
    """List a project's batches."""
    with reading() as view:
        project = head_of(view.session, slug)
        page = batch_report.list_batches(view.session, project_id=project.id, after=cursor())
        return project_page("batches.html", view.session, project=project, here="batches", page=page)


@allow(*MANAGERS)
def batch_page(slug: str, batch_id: int) -> ResponseReturnValue:
    """Show one batch."""
    with reading() as view:
        return _show_batch(view, project=head_of(view.session, slug), batch_id=batch_id)


@allow(*MANAGERS)
def move_batch(slug: str, batch_id: int, move: str) -> ResponseReturnValue:
    """Pause, resume or close a batch."""
    if move not in MOVES:
        abort(404)
    service, follows = MOVES[move]
    with reading() as view:
        batch = batch_report.one_batch(view.session, project_id=head_of(view.session, slug).id, batch_id=batch_id)
    current_house().uow.run(service, batch_id=batch_id)
    flash(f"{batch.name} {follows}.")
    return redirect(url_for("console.batch_page", slug=slug, batch_id=batch_id), code=303)


@allow(*MANAGERS)
def approve_answer(slug: str, answer_id: int) -> ResponseReturnValue:
    """Approve and pay one answer."""
    return _decide(slug, answer_id, service=paying.approve, done="Answer approved and paid.")


@allow(*MANAGERS)
def reject_answer(slug: str, answer_id: int) -> ResponseReturnValue:
    """Reject one answer, for a reason that its worker will read."""
    done = "Answer rejected. Its worker sees the reason; nothing was paid."
    return _decide(slug, answer_id, service=paying.reject, done=done, reason=request.form.get("reason", ""))


def _show_batch(view: View, *, project: ProjectHead, batch_id: int) -> str:
    session = view.session
    batch = batch_report.one_batch(session, project_id=project.id, batch_id=batch_id)
    target = batch.confidence_target
    place_micros = batch.price_micros + batch.fee_micros
    undecided = count_undecided(session, batch_id=batch_id)
    waiting = batch.progress.places_held + undecided
    kept = waiting * place_micros + (batch.compensation_micros if waiting else 0)
    return project_page(
        "batch.html",
        session,
        project=project,
        here="batches",
        batch=batch,
        outlook=outlook(view, batch),
        unsure=disagreements(session, project=project, batch_id=batch_id, below=target),
        unsure_count=count_disagreements(session, batch_id=batch_id, below=target),
        undecided=list_undecided(session, project=project, batch_id=batch_id) if batch.approval != "auto" else None,
        undecided_count=undecided,
        chart=charts.confidence(batch_report.confidence_buckets(session, batch_id=batch_id), target=target),
        crowd=crowd(session, project=project, batch_id=batch_id),
        workers=list_workers(session, project=project, batch_id=batch_id, limit=WORKERS_SHOWN),
        closing_releases_micros=max(0, batch.money.held_micros - kept) if batch.state != BatchState.CLOSED else 0,
    )


def _decide(
    slug: str, answer_id: int, *, service: Callable[..., None], done: str, **values: str
) -> ResponseReturnValue:
    with reading() as view:
        project = head_of(view.session, slug)
        batch_id = batch_report.batch_of_answer(view.session, project_id=project.id, answer_id=answer_id)
    if batch_id is None:
        raise NotFound(f"This project has no answer {answer_id}.")
    try:
        current_house().uow.run(service, answer_id=answer_id, decided_by=current_actor().account_id, **values)
        flash(done)
    except AlreadyDone:
        flash("This answer was decided before. Nothing was changed.", "warn")
    except BadInput as error:
        flash(f"The answer was not rejected. {error}", "bad")
    otherwise = url_for("console.batch_page", slug=slug, batch_id=batch_id) + "#undecided"
    return redirect(local_path(request.form.get("back"), otherwise=otherwise), code=303)
