"""The requester's pages about people: qualifications, one worker, and what keeps a worker from work."""

from dataclasses import replace
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.console.pages import cursor, reading
from crowd_hitl.domain.errors import AlreadyDone, CrowdError, NotFound, bad_field
from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import blocking, qualifying
from crowd_hitl.services.blocking import Kind, Placed
from crowd_hitl.services.reporting.blocks import list_blocks, one_block
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import QualificationRow, WorkerBlockRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import BatchRow

# hours → as the form says it; none means until somebody lifts it
LENGTHS = {"1": "1 hour", "8": "8 hours", "24": "1 day", "72": "3 days", "168": "1 week", "": "until it is lifted"}
CHOICES_MAX = 200


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/qualifications", view_func=qualifications_page)
    console.add_url_rule("/qualifications", view_func=create_qualification, methods=["POST"])
    console.add_url_rule("/qualifications/<int:qualification_id>", view_func=qualification_page)
    console.add_url_rule("/qualifications/<int:qualification_id>/grant", view_func=grant, methods=["POST"])
    console.add_url_rule("/qualifications/<int:qualification_id>/revoke", view_func=revoke, methods=["POST"])
    console.add_url_rule("/workers/<int:worker_id>", view_func=worker_page)
    console.add_url_rule("/workers/<int:worker_id>/block", view_func=block_worker, methods=["POST"])
    console.add_url_rule("/blocks/<int:block_id>/lift", view_func=lift_block, methods=["POST"])


@allow(*MANAGERS)
def qualifications_page() -> ResponseReturnValue:
    """List the organisation's qualifications; make one."""
    with reading() as view:
        found = qualifying.list_qualifications(
            view.session,
            organisation_id=current_actor().organisation_id,
            after=id_after(cursor()) or 0,
            limit=PAGE_ROWS + 1,
        )
    rows, more = first_rows(found, limit=PAGE_ROWS)
    return render_template("qualifications.html", page=Page(rows, after=str(rows[-1].id) if more else None))


@allow(*MANAGERS)
def create_qualification() -> ResponseReturnValue:
    """Make a qualification from the form."""
    try:
        row = current_house().uow.run(
            qualifying.create_qualification,
            organisation_id=current_actor().organisation_id,
            name=request.form.get("name", ""),
            description=request.form.get("description"),
        )
    except CrowdError as error:
        flash(f"Nothing was made. {error}", "bad")
        return redirect(url_for("console.qualifications_page"), code=303)
    flash(f"{row.name} is made. Grant it to workers; batches can ask for it.")
    return redirect(url_for("console.qualification_page", qualification_id=row.id), code=303)


@allow(*MANAGERS)
def qualification_page(qualification_id: int) -> ResponseReturnValue:
    """Show who has a qualification; grant and revoke."""
    with reading() as view:
        row = _qualification(view.session, qualification_id)
        found = qualifying.list_grants(
            view.session, qualification_id=row.id, after=id_after(cursor()) or 0, limit=PAGE_ROWS + 1
        )
        rows, more = first_rows(found, limit=PAGE_ROWS)
        page = Page(rows, after=str(rows[-1].id) if more else None)
        return render_template("qualification.html", qualification=row, page=page)


@allow(*MANAGERS)
def grant(qualification_id: int) -> ResponseReturnValue:
    """Grant the qualification to the worker of the form."""
    name, written = request.form.get("worker", "").strip(), request.form.get("value", "").strip()
    organisation_id = current_actor().organisation_id
    with reading() as view:
        row = _qualification(view.session, qualification_id)
        known = qualifying.workers_named(view.session, organisation_id=organisation_id, names=[name])
    try:
        if name not in known:
            raise bad_field("worker", expected="the login or pseudonym of a worker", found=name)
        current_house().uow.run(
            qualifying.grant,
            qualification_id=row.id,
            worker_id=known[name],
            value=_number(written),
            granted_by=current_actor().account_id,
        )
        flash(f"{name} has {row.name} now.")
    except CrowdError as error:
        flash(f"Nothing was granted. {error}", "bad")
    return _back(worker_id=known.get(name), otherwise=url_for("console.qualification_page", qualification_id=row.id))


@allow(*MANAGERS)
def revoke(qualification_id: int) -> ResponseReturnValue:
    """Take the qualification back from the worker of the form."""
    with reading() as view:
        row = _qualification(view.session, qualification_id)
        worker = _worker(view.session, _id(request.form.get("worker_id", "")))
    try:
        current_house().uow.run(qualifying.revoke, qualification_id=row.id, worker_id=worker.id)
        flash(f"{worker.public_id} does not have {row.name} any more. What they hold they may finish.")
    except AlreadyDone as error:
        flash(str(error), "warn")
    return _back(worker_id=worker.id, otherwise=url_for("console.qualification_page", qualification_id=row.id))


@allow(*MANAGERS)
def worker_page(worker_id: int) -> ResponseReturnValue:
    """Show one worker: qualifications, what keeps them from work, and the forms to change it."""
    organisation_id = current_actor().organisation_id
    with reading() as view:
        worker = _worker(view.session, worker_id)
        return render_template(
            "worker_page.html",
            worker=worker,
            grants=qualifying.list_grants(view.session, worker_id=worker.id),
            qualifications=qualifying.list_qualifications(view.session, organisation_id=organisation_id),
            page=list_blocks(
                view.session,
                organisation_id=organisation_id,
                worker_id=worker.id,
                now=view.now,
                after=cursor(),
            ),
            projects=_projects(view.session, organisation_id=organisation_id),
            batches=_open_batches(view.session, organisation_id=organisation_id),
            lengths=LENGTHS,
        )


@allow(*MANAGERS)
def block_worker(worker_id: int) -> ResponseReturnValue:
    """Keep the worker from work as the form says."""
    with reading() as view:
        worker = _worker(view.session, worker_id)
    kind: Kind = "block" if request.form.get("kind") == "block" else "pause"
    scope, _, number = request.form.get("scope", "all").partition(":")
    hours = request.form.get("hours", "")
    placed = Placed(
        worker_id=worker.id,
        kind=kind,
        reason=request.form.get("reason", ""),
        project_id=_id(number) if scope == "project" else None,
        batch_id=_id(number) if scope == "batch" else None,
        placed_by=current_actor().account_id,
    )
    try:
        if hours not in LENGTHS:
            raise bad_field("length", expected="one of " + ", ".join(LENGTHS.values()), found=hours)
        line = current_house().uow.run(_block, placed=placed, hours=float(hours) if hours else None)
        flash(f"{worker.public_id} gets nothing of {line} now. What they hold they may finish, and are paid for.")
    except CrowdError as error:
        flash(f"Nothing was changed. {error}", "bad")
    return redirect(url_for("console.worker_page", worker_id=worker.id), code=303)


@allow(*MANAGERS)
def lift_block(block_id: int) -> ResponseReturnValue:
    """Let the worker in again."""
    with reading() as view:
        row = view.session.get(WorkerBlockRow, block_id)
        if row is None:
            raise NotFound("There is no such block.")
        worker = _worker(view.session, row.worker_id)
    try:
        current_house().uow.run(blocking.lift, block_id=block_id, lifted_by=current_actor().account_id)
        flash(f"The {row.kind} is lifted. {worker.public_id} is let in again where nothing else stands.")
    except AlreadyDone as error:
        flash(str(error), "warn")
    return redirect(url_for("console.worker_page", worker_id=worker.id), code=303)


def _block(session: Session, *, placed: Placed, hours: float | None, now: datetime) -> str:
    ends_at = None if hours is None else now + timedelta(hours=hours)
    row = blocking.block(session, placed=replace(placed, ends_at=ends_at), now=now)
    return one_block(session, block_id=row.id, now=now).where


def _qualification(session: Session, qualification_id: int) -> QualificationRow:
    organisation_id = current_actor().organisation_id
    return qualifying.find_qualification(session, organisation_id=organisation_id, qualification_id=qualification_id)


def _worker(session: Session, worker_id: int) -> WorkerRow:
    row = session.get(WorkerRow, worker_id)
    if row is None or row.organisation_id != current_actor().organisation_id:
        raise NotFound("There is no such worker.")
    return row


def _projects(session: Session, *, organisation_id: int) -> list[tuple[int, str]]:
    mine = select(ProjectRow.id, ProjectRow.name).where(ProjectRow.organisation_id == organisation_id)
    return [(key, name) for key, name in session.execute(mine.order_by(ProjectRow.name).limit(CHOICES_MAX))]


def _open_batches(session: Session, *, organisation_id: int) -> list[tuple[int, str, str]]:
    mine = (
        select(BatchRow.id, BatchRow.name, ProjectRow.name)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(ProjectRow.organisation_id == organisation_id, BatchRow.state != BatchState.CLOSED.value)
    )
    newest = session.execute(mine.order_by(BatchRow.id.desc()).limit(CHOICES_MAX))
    return [(key, batch, project) for key, batch, project in newest]


def _back(*, worker_id: int | None, otherwise: str) -> ResponseReturnValue:
    """Go back to the worker's page if the form was there."""
    to_worker = request.form.get("back") == "worker" and worker_id is not None
    return redirect(url_for("console.worker_page", worker_id=worker_id) if to_worker else otherwise, code=303)


def _number(written: str) -> float | None:
    if not written:
        return None
    try:
        return float(written)
    except ValueError as error:
        raise bad_field("value", expected="a number, or nothing", found=written) from error


def _id(written: str) -> int:
    return int(written) if written.isdecimal() and len(written) < 19 else 0
