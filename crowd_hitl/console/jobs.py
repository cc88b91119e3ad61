"""Background jobs: their states, progress and errors; retry and cancel."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console.pages import cursor, reading
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import Conflict
from crowd_hitl.domain.jobs import STUCK, JobState
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.jobbing import cancel_job, retry_job
from crowd_hitl.services.reporting.jobs import Viewer, list_jobs, one_job
from crowd_hitl.store.job_rows import JobRow

MOVES = {"retry": (retry_job, "is queued again"), "cancel": (cancel_job, "is cancelled")}
PASSES = {
    "expire": "Reopen lapsed places, close overdue batches",
    "agree": "Agree on batch {}",
    "loop": "Take the steps of loop {}",
    "alert": "Watch the budgets",
    "deliver": "Send what the outbox holds",
}


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/jobs", view_func=jobs_page)
    console.add_url_rule("/jobs/<int:job_id>/<move>", view_func=move_job, methods=["POST"])


@allow(*MANAGERS)
def jobs_page() -> ResponseReturnValue:
    """List the jobs, the newest first."""
    state = request.args.get("state") or None
    if state is not None and state not in set(JobState):
        state = None
    with reading() as view:
        page = list_jobs(view.session, viewer=_viewer(), state=state, after=cursor())
        return render_template(
            "jobs.html", page=page, state=state, states=list(JobState), title_of=title_of, can_retry=can_retry
        )


@allow(*MANAGERS)
def move_job(job_id: int, move: str) -> ResponseReturnValue:
    """Retry or cancel a job."""
    if move not in MOVES:
        abort(404)
    service, follows = MOVES[move]
    with reading() as view:
        row = one_job(view.session, viewer=_viewer(), job_id=job_id)
    try:
        current_house().uow.run(service, job_id=job_id)
        flash(f"{title_of(row)} {follows}.")
    except Conflict as clash:
        # The page was old: the job has moved on meanwhile.
        flash(str(clash), "warn")
    return redirect(url_for("console.jobs_page"), code=303)


def title_of(row: JobRow) -> str:
    """Say in words what a job does."""
    if row.kind == "import":
        return f"Import items into {row.payload['slug']}"
    if row.kind == "export":
        return f"Export {row.payload['what']} of {row.payload['slug']} as {row.payload['format']}"
    if row.kind == "plan":
        return f"Plan the overlap of {row.payload['slug']}"
    words = PASSES.get(row.kind)
    return words.format(row.payload.get("target", "")) if words else row.key


def can_retry(row: JobRow) -> bool:
    """Say whether a person may start it again: it stands still, or waits after a failure."""
    return row.state in STUCK or (row.state == JobState.QUEUED and row.attempts > 0)


def _viewer() -> Viewer:
    actor = current_actor()
    return Viewer(organisation_id=actor.organisation_id, is_admin=actor.role == Role.ADMIN)
