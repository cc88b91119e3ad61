"""Background jobs: those that a requester starts (imports, exports), their progress, retry and cancel."""

from collections.abc import Iterator
from contextlib import closing
from secrets import token_hex
from typing import Any, BinaryIO, cast

from apiflask import APIBlueprint
from flask import Response, request, url_for
from werkzeug.exceptions import UnsupportedMediaType

from crowd_hitl.api.describing import gives, takes_upload
from crowd_hitl.api.items import BYTES, FORMATS, LINES, PARQUET
from crowd_hitl.api.labels import MEDIA_TYPES
from crowd_hitl.api.schemas.jobs import ExportIn, JobOut, JobsOut, JobsQuery
from crowd_hitl.api.scoping import project_here
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import NotFound, bad_field
from crowd_hitl.domain.jobs import JobState
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.jobbing import Wanted, cancel_job, queue_job, retry_job
from crowd_hitl.services.reporting.jobs import Viewer, one_job
from crowd_hitl.services.reporting.jobs import list_jobs as jobs_seen_by
from crowd_hitl.store.job_rows import JobRow

jobs = APIBlueprint("jobs", __name__, url_prefix="/api/v1", tag="Jobs")
PIECE_BYTES = 256 * 1024


@jobs.get("/jobs")
@allow(*MANAGERS)
@jobs.input(JobsQuery, location="query", arg_name="wanted")
@jobs.output(JobsOut)
def list_jobs(*, wanted: JobsQuery) -> JobsOut:
    """List background jobs, the newest first; admins also see the passes over all of the house."""
    found = current_house().uow.read(
        jobs_seen_by, viewer=_viewer(), state=wanted.state, after=wanted.after, limit=wanted.limit
    )
    return JobsOut(jobs=[as_shown(row) for row in found.rows], after=found.after)


@jobs.get("/jobs/<int:job_id>")
@allow(*MANAGERS)
@jobs.output(JobOut)
def show_job(job_id: int) -> JobOut:
    """Show a job: its state, progress, last error and what came of it."""
    return as_shown(_job_here(job_id))


@jobs.post("/jobs/<int:job_id>/retry")
@allow(*MANAGERS)
@jobs.output(JobOut)
def start_again(job_id: int) -> JobOut:
    """Start a parked, failed or cancelled job again, or one that waits after a failure at once."""
    return as_shown(current_house().uow.run(retry_job, job_id=_job_here(job_id).id))


@jobs.post("/jobs/<int:job_id>/cancel")
@allow(*MANAGERS)
@jobs.output(JobOut)
def call_off(job_id: int) -> JobOut:
    """Call a job off; one that runs stops at its next step, and what it has committed stays."""
    return as_shown(current_house().uow.run(cancel_job, job_id=_job_here(job_id).id))


@jobs.get("/jobs/<int:job_id>/file")
@allow(*MANAGERS)
@gives(*MEDIA_TYPES.values())
def take_file(job_id: int) -> Response:
    """Take out the file that an export wrote."""
    row = _job_here(job_id)
    written = row.result or {}
    if "file" not in written:
        raise NotFound(f"Job {job_id} has written no file" + (" yet." if row.kind == "export" else "."))
    stream = current_house().storage.open(written["file"])
    response = Response(_pieces(stream), mimetype=MEDIA_TYPES.get(row.payload["format"], "text/plain"))
    response.headers["Content-Disposition"] = f'attachment; filename="{written["name"]}"'
    return response


@jobs.post("/projects/<slug>/imports")
@allow(*MANAGERS)
@takes_upload({"application/jsonl": LINES, "text/csv": LINES, PARQUET: BYTES})
@jobs.output(JobOut, status_code=202)
def import_items_later(slug: str) -> JobOut:
    """Import a large file of items as a background job: it is stored first, then read chunk by chunk.

    A key that is there already adds nothing, so a broken transfer can be sent again as it was.
    """
    project, house = project_here(slug), current_house()
    kind = FORMATS.get(request.mimetype)
    if kind not in house.plugins.formats:
        raise UnsupportedMediaType(f"Send items as {', '.join(FORMATS)}; '{request.mimetype[:80]}' is not taken.")
    upload = house.storage.put(f"uploads/{token_hex(16)}.{kind}", cast(BinaryIO, request.stream))
    payload = {"project_id": project.id, "slug": project.slug, "upload": upload, "format": kind}
    return _queue("import", f"import:{upload}", payload)


@jobs.post("/projects/<slug>/exports")
@allow(*MANAGERS)
@jobs.input(ExportIn, arg_name="body")
@jobs.output(JobOut, status_code=202)
def export_later(slug: str, *, body: ExportIn) -> JobOut:
    """Write all labels or answers to a file as a background job; the same one while it waits or runs is that one."""
    project = project_here(slug)
    known = sorted(current_house().plugins.label_formats)
    if body.format not in known:
        raise bad_field("format", expected=f"one of {', '.join(known)}", found=body.format)
    payload = {"project_id": project.id, "slug": project.slug, "what": body.what, "format": body.format}
    return _queue("export", f"export:{project.id}:{body.what}:{body.format}", payload)


def _queue(kind: str, key: str, payload: dict[str, Any]) -> JobOut:
    actor = current_actor()
    wanted = Wanted(
        kind=kind, key=key, payload=payload, organisation_id=actor.organisation_id, account_id=actor.account_id
    )
    return as_shown(current_house().uow.run(queue_job, wanted=wanted))


def _viewer() -> Viewer:
    actor = current_actor()
    return Viewer(organisation_id=actor.organisation_id, is_admin=actor.role == Role.ADMIN)


def _job_here(job_id: int) -> JobRow:
    return current_house().uow.read(one_job, viewer=_viewer(), job_id=job_id)


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with closing(stream):
        while piece := stream.read(PIECE_BYTES):
            yield piece


def as_shown(row: JobRow) -> JobOut:
    """Show a job."""
    result = row.result or {}
    return JobOut(
        id=row.id,
        kind=row.kind,
        key=row.key,
        state=JobState(row.state),
        done=row.done_count,
        total=row.total_count,
        runs=row.runs,
        failures=row.attempts,
        last_error=row.last_error,
        created_at=row.created_at,
        due_at=row.due_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        # the key in the storage is nobody's business outside, and a plan is read where it belongs
        result={name: value for name, value in result.items() if name not in ("file", "plan")} or None,
        file_url=url_for("jobs.take_file", job_id=row.id) if "file" in result else None,
    )
