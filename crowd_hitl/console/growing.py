"""What is left of a batch and putting more into it: the forecast on its page, and the quote before an extension."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import SystemRandom

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.console.pages import View, head_of, project_page, reading
from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Conflict, bad_field
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.extending import Extension, extend_batch, quote_extension
from crowd_hitl.services.forecasting import Forecast, Wish, forecast
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.services.reporting.batches import BatchLine, one_batch
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.work_rows import TaskRow

MOST_ITEMS = 1_000_000


@dataclass(frozen=True)
class Outlook:
    """A forecast, and when the money ends at the pace of now: None without a pace, or when it lasts."""

    left: Forecast
    money_ends_at: datetime | None


def register(console: Blueprint) -> None:
    """Add the views."""
    rule = "/projects/<slug>/batches/<int:batch_id>/extend"
    console.add_url_rule(rule, view_func=extend_page)
    console.add_url_rule(rule, view_func=extend, methods=["POST"])


def outlook(view: View, batch: BatchLine) -> Outlook | None:
    """Forecast a batch that runs; None for one that is closed or has nothing left."""
    if batch.state == "closed":
        return None
    questions = current_house().plugins.questions
    left = forecast(view.session, batch_id=batch.id, wish=Wish(), questions=questions, now=view.now)
    if not left.items_left:
        return None
    each = batch.price_micros + batch.fee_micros
    money = batch.money.held_micros + view.session.get_one(BudgetRow, batch.budget_id).available_micros
    if not left.answers_per_hour or not left.short_micros:
        return Outlook(left, None)
    return Outlook(left, view.now + timedelta(hours=money / each / left.answers_per_hour))


@allow(*MANAGERS)
def extend_page(slug: str, batch_id: int) -> ResponseReturnValue:
    """Ask what the batch is to get, and say what it costs before anything is reserved."""
    with reading() as view:
        project = head_of(view.session, slug)
        batch = one_batch(view.session, project_id=project.id, batch_id=batch_id)
        quoted, refused = None, None
        if request.args:
            try:
                quoted = quote_extension(view.session, batch_id=batch.id, extension=_asked(), now=view.now)
            except (BadInput, Conflict) as error:
                refused = str(error)
        return project_page(
            "extend.html",
            view.session,
            project=project,
            here="batches",
            batch=batch,
            budget=view.session.get_one(BudgetRow, batch.budget_id),
            quoted=quoted,
            refused=refused,
            tasks=_tasks(view.session, batch.id),
        )


@allow(*MANAGERS)
def extend(slug: str, batch_id: int) -> ResponseReturnValue:
    """Extend the batch as it was quoted; a second click finds it changed and adds nothing."""
    with reading() as view:
        batch = one_batch(view.session, project_id=head_of(view.session, slug).id, batch_id=batch_id)
    try:
        seen = _number("tasks", "0")
        current_house().uow.run(_extend_as_quoted, batch_id=batch.id, extension=_asked(), tasks=seen)
        flash(f"{batch.name} is extended.")
    except (BadInput, Conflict, BudgetTooSmall) as error:
        flash(f"Nothing was added. {error}", "bad")
    return redirect(url_for("console.batch_page", slug=slug, batch_id=batch_id), code=303)


def _extend_as_quoted(
    session: Session, *, batch_id: int, extension: Extension, tasks: int | None, now: datetime
) -> None:
    lock_batch(session, batch_id)
    if tasks != _tasks(session, batch_id):
        raise Conflict("The batch has changed since this was quoted. Look at the new quote.")
    extend_batch(session, batch_id=batch_id, extension=extension, random=SystemRandom(), now=now)


def _tasks(session: Session, batch_id: int) -> int:
    return session.scalar(select(func.count()).where(TaskRow.batch_id == batch_id)) or 0


def _asked() -> Extension:
    return Extension(limit=_number("limit", ""), overlap_max=_number("overlap_max", ""))


def _number(name: str, otherwise: str) -> int | None:
    given = request.values.get(name, otherwise).strip()
    if not given:
        return None
    if not given.isdecimal() or len(given) > 9 or int(given) > MOST_ITEMS:
        raise bad_field(name, expected=f"a whole number up to {MOST_ITEMS}", found=given)
    return int(given)
