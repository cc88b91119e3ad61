"""The requester's review page: what waits for a decision, open appeals, broken items; and deciding on them."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console.pages import cursor, head_of, local_path, project_page, reading
from crowd_hitl.domain.errors import AlreadyDone, BadInput, BudgetTooSmall, NotFound, bad_field
from crowd_hitl.domain.reviews import REASONS
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import appealing, breaking, deciding, paying, reviewing
from crowd_hitl.services.reporting.appeals import AppealFilter, list_appeals
from crowd_hitl.services.reporting.batches import batch_of_answer
from crowd_hitl.services.reporting.broken import list_broken
from crowd_hitl.services.reporting.reviews import (
    QueueFilter,
    count_waiting,
    review_queue,
    waiting_batches,
    waiting_workers,
)
from crowd_hitl.store.project_rows import ItemRow

SHOWN = 20
OWN_WORDS = "other"


def register(console: Blueprint) -> None:
    """Add the views."""
    here = "/projects/<slug>/review"
    console.add_url_rule(here, view_func=review_page)
    console.add_url_rule(f"{here}/approve", view_func=approve_some, methods=["POST"])
    console.add_url_rule(f"{here}/approve-worker", view_func=approve_worker, methods=["POST"])
    console.add_url_rule(f"{here}/answers/<int:answer_id>", view_func=turn_down, methods=["POST"])
    console.add_url_rule(f"{here}/appeals/<int:appeal_id>", view_func=decide_appeal, methods=["POST"])
    console.add_url_rule(f"{here}/items/<int:item_id>/mend", view_func=mend_item, methods=["POST"])


@allow(*MANAGERS)
def review_page(slug: str) -> ResponseReturnValue:
    """Show what waits for a decision."""
    wanted = QueueFilter(batch_id=_number(request.args.get("batch")), worker=request.args.get("worker") or None)
    with reading() as view:
        session, project = view.session, head_of(view.session, slug)
        appeals = AppealFilter(organisation_id=current_actor().organisation_id, project_id=project.id)
        return project_page(
            "review.html",
            session,
            project=project,
            here="review",
            wanted=wanted,
            page=review_queue(session, project=project, wanted=wanted, after=cursor(), limit=SHOWN),
            waiting=count_waiting(session, project=project, wanted=wanted),
            workers=waiting_workers(session, project=project, wanted=wanted),
            appeals=list_appeals(session, wanted=appeals, limit=SHOWN),
            broken=list_broken(session, project_id=project.id, limit=SHOWN),
            reasons=REASONS,
        )


@allow(*MANAGERS)
def approve_some(slug: str) -> ResponseReturnValue:
    """Approve one answer, those selected or all that are shown."""
    form = request.form
    chosen = form.getlist("one") or form.getlist("shown" if form.get("all") else "answer")
    ids = [_number(text) for text in chosen]
    with reading() as view:
        project_id = head_of(view.session, slug).id
        found = [(i, batch_of_answer(view.session, project_id=project_id, answer_id=i)) for i in ids if i is not None]
    by_batch: dict[int, list[int]] = {}
    for answer_id, batch_id in found:
        if batch_id is not None:
            by_batch.setdefault(batch_id, []).append(answer_id)
    approved = 0
    for batch_id, answer_ids in by_batch.items():
        wanted = reviewing.Wanted(answer_ids=answer_ids)
        decided_by = current_actor().account_id
        approved += reviewing.approve_many(current_house().uow, batch_id=batch_id, wanted=wanted, decided_by=decided_by)
    if not ids:
        flash("No answer was selected. Nothing was changed.", "warn")
    elif approved < len(ids):
        flash(f"{approved} of {len(ids)} approved and paid; the others were decided before.", "warn")
    else:
        flash("Answer approved and paid." if approved == 1 else f"{approved} answers approved and paid.")
    return _back(slug)


@allow(*MANAGERS)
def approve_worker(slug: str) -> ResponseReturnValue:
    """Approve all that waits of one worker, in one batch or in all."""
    form = request.form
    with reading() as view:
        project = head_of(view.session, slug)
        wanted = QueueFilter(batch_id=_number(form.get("batch")), worker=form.get("worker") or None)
        if wanted.worker is None:
            raise bad_field("worker", expected="a worker's pseudonym", found="")
        batch_ids = waiting_batches(view.session, project=project, wanted=wanted)
    house, decided_by = current_house(), current_actor().account_id
    of_worker = reviewing.Wanted(worker=wanted.worker)
    done = sum(
        reviewing.approve_many(house.uow, batch_id=batch_id, wanted=of_worker, decided_by=decided_by)
        for batch_id in batch_ids
    )
    flash(f"{done} of {wanted.worker} approved and paid.")
    return redirect(url_for("console.review_page", slug=slug), code=303)


@allow(*MANAGERS)
def turn_down(slug: str, answer_id: int) -> ResponseReturnValue:
    """Reject an answer, or set it aside: paid, and not used."""
    with reading() as view:
        project = head_of(view.session, slug)
        if batch_of_answer(view.session, project_id=project.id, answer_id=answer_id) is None:
            raise NotFound(f"This project has no answer {answer_id}.")
    form = request.form
    reason = form.get("words", "") if form.get("reason", OWN_WORDS) == OWN_WORDS else form["reason"]
    service, done = paying.reject, "Answer rejected. Its worker sees the reason and may appeal; nothing was paid."
    if form.get("how") == "soft":
        service, done = deciding.soft_reject, "Answer set aside: paid, not used. Its place is open again."
    _try(done, service, answer_id=answer_id, reason=reason, decided_by=current_actor().account_id)
    return _back(slug)


@allow(*MANAGERS)
def decide_appeal(slug: str, appeal_id: int) -> ResponseReturnValue:
    """Uphold or dismiss an appeal."""
    with reading() as view:
        project = head_of(view.session, slug)
        wanted = AppealFilter(current_actor().organisation_id, project_id=project.id, state=None)
        before = str(appeal_id - 1) if appeal_id > 1 else None
        page = list_appeals(view.session, wanted=wanted, after=before, limit=1)
        if not page.rows or page.rows[0].id != appeal_id:
            raise NotFound(f"This project has no appeal {appeal_id}.")
    form, decided_by = request.form, current_actor().account_id
    if form.get("how") == "uphold":
        done = "Appeal upheld. The answer is paid."
        _try(done, appealing.uphold, appeal_id=appeal_id, reply=form.get("reply") or None, decided_by=decided_by)
    else:
        done = "Appeal dismissed. Its worker sees the reply."
        _try(done, appealing.dismiss, appeal_id=appeal_id, reply=form.get("reply", ""), decided_by=decided_by)
    return _back(slug, part="appeals")


@allow(*MANAGERS)
def mend_item(slug: str, item_id: int) -> ResponseReturnValue:
    """Put a broken item back."""
    with reading() as view:
        project = head_of(view.session, slug)
        item = view.session.get(ItemRow, item_id)
        if item is None or item.project_id != project.id:
            raise NotFound(f"This project has no item {item_id}.")
    _try("Item put back. It can be published again.", breaking.mend, item_id=item_id)
    return _back(slug, part="broken")


def _try(done: str, service: Callable[..., object], **values: object) -> None:
    """Run a service and tell how it went: what somebody else decided, or what lacks, is said on the page."""
    try:
        current_house().uow.run(service, **values)
        flash(done)
    except AlreadyDone as error:
        flash(f"Nothing was changed. {error}", "warn")
    except (BadInput, BudgetTooSmall) as error:
        flash(f"Nothing was changed. {error}", "bad")


def _back(slug: str, *, part: str = "") -> ResponseReturnValue:
    there = url_for("console.review_page", slug=slug)
    back = local_path(request.form.get("back"), otherwise=there)
    return redirect(back + (f"#{part}" if part and "#" not in back else ""), code=303)


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise bad_field("number", expected="a number", found=text)
    return int(text)
