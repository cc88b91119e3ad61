"""Blocking a worker: what it would flip, ask again and cost; then the block, alone or with the answers replaced."""

from dataclasses import replace
from datetime import datetime, timedelta

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from crowd_hitl.console.pages import head_of, project_page, reading
from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Conflict, bad_field
from crowd_hitl.domain.removals import Removal
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import blocking
from crowd_hitl.services.blocking import Placed
from crowd_hitl.services.previewing import preview_removal, worker_of
from crowd_hitl.services.replacing import REASON_MAX, REASON_MIN, remove_answers
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.store.account_rows import WorkerRow

LENGTHS = {"24": "24 hours", "168": "7 days", "": "until it is lifted"}


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects/<slug>/workers/<int:worker_id>/block", view_func=block_page)
    console.add_url_rule("/projects/<slug>/workers/<int:worker_id>/block", view_func=block_here, methods=["POST"])


@allow(*MANAGERS)
def block_page(slug: str, worker_id: int) -> ResponseReturnValue:
    """Say what blocking a worker and taking the answers out would do."""
    project, worker = _both(slug, worker_id)
    house, removal = current_house(), _removal(project, worker)
    # read, then weighed outside any transaction; the page itself is one more short read
    found = preview_removal(house.uow, removal=removal, plugins=house.plugins)
    with reading() as view:
        return project_page(
            "block_worker.html",
            view.session,
            project=project,
            here="workers",
            worker=worker,
            found=found,
            removal=removal,
            lengths=LENGTHS,
            reason_min=REASON_MIN,
            reason_max=REASON_MAX,
        )


@allow(*MANAGERS)
def block_here(slug: str, worker_id: int) -> ResponseReturnValue:
    """Block a worker, and take the answers out if that was asked; a budget that is too small keeps all as it was."""
    project, worker = _both(slug, worker_id)
    house, by = current_house(), current_actor().account_id
    reason = request.form.get("reason", "").strip()
    removal = replace(_removal(project, worker), reason=reason)
    back = redirect(url_for("console.block_page", slug=slug, worker_id=worker_id), code=303)
    try:
        if not REASON_MIN <= len(reason) <= REASON_MAX:
            raise bad_field("reason", expected=f"{REASON_MIN} to {REASON_MAX} characters", found=reason)
        placed = Placed(worker_id=worker.id, kind="block", reason=reason, project_id=_scope(project), placed_by=by)
        hours, said = _hours(), ""  # all of the form is read before anything is done
        # blocked first: nothing is answered between what is counted and what is taken out
        block_id = house.uow.run(_block, placed=placed, hours=hours)
        if request.form.get("do") == "replace":
            said = _replaced(removal, by=by, block_id=block_id)
    except (BadInput, BudgetTooSmall, Conflict) as error:
        flash(f"{worker.public_id} was not blocked. {error}", "bad")
        return back
    flash(f"{worker.public_id} is blocked.{said}")
    return redirect(url_for("console.workers_page", slug=slug), code=303)


def _replaced(removal: Removal, *, by: int, block_id: int) -> str:
    """Take the answers out and say so; when that is refused, the worker is let in again."""
    house = current_house()
    try:
        done = remove_answers(house.uow, removal=removal, plugins=house.plugins, removed_by=by)
    except (BadInput, BudgetTooSmall, Conflict):
        house.uow.run(blocking.lift, block_id=block_id, lifted_by=by)
        raise
    left = f" {done.left} changed meanwhile and are left: do it again." if done.left else ""
    return f" {done.removed} answers are out, {done.reissued} are asked again, {done.flips} labels flipped.{left}"


def _block(session: Session, *, placed: Placed, hours: int | None, now: datetime) -> int:
    ends_at = None if hours is None else now + timedelta(hours=hours)
    return blocking.block(session, placed=replace(placed, ends_at=ends_at), now=now).id


def _hours() -> int | None:
    given = request.form.get("hours", "")
    if given not in LENGTHS:
        raise bad_field("hours", expected=" or ".join(length for length in LENGTHS if length), found=given)
    return int(given) if given else None


def _scope(project: ProjectHead) -> int | None:
    return None if request.form.get("scope") == "organisation" else project.id


def _both(slug: str, worker_id: int) -> tuple[ProjectHead, WorkerRow]:
    with reading() as view:
        project = head_of(view.session, slug)
        worker = worker_of(view.session, organisation_id=current_actor().organisation_id, worker_id=worker_id)
        return project, worker


def _removal(project: ProjectHead, worker: WorkerRow) -> Removal:
    given = request.values
    return Removal(
        worker_id=worker.id,
        project_id=project.id,
        replaced=given.get("replaced") != "no",
        reject_undecided=given.get("undecided") == "reject",
    )
