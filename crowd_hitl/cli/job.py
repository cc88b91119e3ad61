"""`crowd-hitl job`: list background jobs, show one, retry or cancel it."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.jobs import JobState
from crowd_hitl.services import jobbing
from crowd_hitl.services.reporting.jobs import Viewer, list_jobs, one_job
from crowd_hitl.store.job_rows import JobRow

app = group("Background jobs: what waits, runs, failed; retry or cancel one.")
JobId = Annotated[int, typer.Argument(metavar="ID", min=1)]
ERROR_SHOWN = 60


@app.command("list")
def list_some(
    state: Annotated[str | None, typer.Option(help=f"Only those: {', '.join(JobState)}.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    after: Annotated[str | None, typer.Option(help="From behind this cursor.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    if state is not None and state not in set(JobState):
        raise bad_field("--state", expected=f"one of {', '.join(JobState)}", found=state)
    with open_desk(data) as desk:
        viewer = Viewer(organisation_id=desk.organisation_id, is_admin=True)
        page = desk.uow.read(list_jobs, viewer=viewer, state=state, after=after, limit=limit)
    if as_json:
        put({"jobs": [as_shown(row) for row in page.rows], "after": page.after})
        return
    rows = [
        {
            "id": row.id,
            "job": row.key,
            "state": row.state,
            "done": f"{row.done_count:,}" + (f" of {row.total_count:,}" if row.total_count is not None else ""),
            "runs": row.runs,
            "failures": row.attempts,
            "last error": (row.last_error or "")[:ERROR_SHOWN],
        }
        for row in page.rows
    ]
    show_table(rows, empty="No jobs." if state else "No jobs yet. `crowd-hitl serve` or `crowd-hitl work` runs them.")


@app.command()
def show(job_id: JobId, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show one job with its last error in full."""
    with open_desk(data) as desk:
        viewer = Viewer(organisation_id=desk.organisation_id, is_admin=True)
        _show(desk.uow.read(one_job, viewer=viewer, job_id=job_id), as_json=as_json)


@app.command()
def retry(job_id: JobId, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Start a parked, failed or cancelled job again, or one that waits after a failure at once."""
    with open_desk(data) as desk:
        desk.uow.read(_own, organisation_id=desk.organisation_id, job_id=job_id)
        _show(desk.uow.run(jobbing.retry_job, job_id=job_id), as_json=as_json)


@app.command()
def cancel(job_id: JobId, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Call a job off; one that runs stops at its next step. A cancelled pass stays off until it is retried."""
    with open_desk(data) as desk:
        desk.uow.read(_own, organisation_id=desk.organisation_id, job_id=job_id)
        _show(desk.uow.run(jobbing.cancel_job, job_id=job_id), as_json=as_json)


def as_shown(row: JobRow) -> dict[str, Any]:
    """Show all of a job that bears on people."""
    return {
        "id": row.id,
        "kind": row.kind,
        "key": row.key,
        "state": row.state,
        "done": row.done_count,
        "total": row.total_count,
        "runs": row.runs,
        "failures": row.attempts,
        "last_error": row.last_error,
        "created_at": row.created_at,
        "due_at": row.due_at,
        "started_at": row.started_at,
        "heartbeat_at": row.heartbeat_at,
        "finished_at": row.finished_at,
        "payload": row.payload,
        "result": row.result,
    }


def _own(session: Session, *, organisation_id: int, job_id: int) -> None:
    one_job(session, viewer=Viewer(organisation_id=organisation_id, is_admin=True), job_id=job_id)


def _show(row: JobRow, *, as_json: bool) -> None:
    if as_json:
        put(as_shown(row))
    else:
        show_pairs(as_shown(row))
