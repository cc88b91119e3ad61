"""The worker's pages: paid work, labelling, earnings."""

from datetime import timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console import charts
from crowd_hitl.console.pages import reading
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import BadInput, Conflict
from crowd_hitl.edge.auth import allow, current_actor, current_worker_id
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import appealing
from crowd_hitl.services.balances import Earnings, worker_earnings
from crowd_hitl.services.offering import WorkOffer, work_for
from crowd_hitl.services.reporting.appeals import appeals_of
from crowd_hitl.services.reporting.blocks import list_blocks
from crowd_hitl.services.reporting.working import bench_of, list_extras, list_rejections, simulated_among

DAYS_CHARTED = 14
# The kinds of questions that the labelling page has a form for (web/src/widgets/registry.ts).
FORMS = (
    *("choice", "choices", "rating", "number", "pairwise", "ranking"),
    *("text", "transcription", "spans", "boxes", "polygons"),
)


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/work", view_func=work_page)
    console.add_url_rule("/work/<int:batch_id>", view_func=bench_page)
    console.add_url_rule("/earnings", view_func=earnings_page)
    console.add_url_rule("/earnings/appeals/<int:answer_id>", view_func=make_appeal, methods=["POST"])


@allow(Role.WORKER)
def work_page() -> ResponseReturnValue:
    """List paid work, the best paid by the hour first."""
    worker_id = current_worker_id()
    with reading() as view:
        offers = work_for(view.session, worker_id=worker_id, now=view.now)
        stands = list_blocks(
            view.session,
            organisation_id=current_actor().organisation_id,
            worker_id=worker_id,
            standing=True,
            now=view.now,
        )
        earned = worker_earnings(view.session, worker_id=worker_id)
        simulated_slugs = simulated_among(view.session, batch_ids=[offer.batch_id for offer in offers])
        today = view.now.date()
        week_start = today - timedelta(days=today.weekday())
    offers = sorted(
        offers, key=lambda offer: (offer.limit is not None, -(hourly_micros(offer) or 0.0), -offer.price_micros)
    )
    return render_template(
        "work.html",
        forms=FORMS,
        offers=[(offer, hourly_micros(offer)) for offer in offers],
        simulated_slugs=simulated_slugs,
        blocks=stands.rows,
        earned=earned,
        today=_since(earned, today.isoformat()),
        week=_since(earned, week_start.isoformat()),
    )


@allow(Role.WORKER)
def bench_page(batch_id: int) -> ResponseReturnValue:
    """Show the labelling page; its script fetches the items."""
    worker_id = current_worker_id()
    with reading() as view:
        bench = bench_of(view.session, batch_id=batch_id, worker_id=worker_id)
        offers = work_for(view.session, worker_id=worker_id, now=view.now)
    offer = next((offer for offer in offers if offer.batch_id == batch_id), None)
    if offer is not None and offer.asks not in FORMS:
        return redirect(url_for("console.work_page"))
    available = 0 if offer is None else offer.available
    return render_template("bench.html", bench=bench, total=bench.done + bench.held + available)


@allow(Role.WORKER)
def earnings_page() -> ResponseReturnValue:
    """Show what was earned day by day, and what was not paid and why."""
    worker_id = current_worker_id()
    with reading() as view:
        earned = worker_earnings(view.session, worker_id=worker_id)
        rejections = list_rejections(view.session, worker_id=worker_id)
        extras = list_extras(view.session, worker_id=worker_id)
        appeals = appeals_of(view.session, worker_id=worker_id, answer_ids=[one.answer_id for one in rejections])
        latest = view.now - timedelta(days=current_house().settings.appeal_days)
    return render_template(
        "earnings.html",
        earned=earned,
        extras=extras,
        rejections=rejections,
        appeals=appeals,
        latest=latest,
        chart=charts.earned_by_day(earned, days=DAYS_CHARTED),
    )


@allow(Role.WORKER)
def make_appeal(answer_id: int) -> ResponseReturnValue:
    """Ask for a second look at a rejection."""
    house, text = current_house(), request.form.get("text", "")
    days = house.settings.appeal_days
    try:
        house.uow.run(appealing.appeal, answer_id=answer_id, worker_id=current_worker_id(), text=text, days=days)
        flash(f"Your appeal was sent. If it is not decided within {days:g} days, you are paid.")
    except (BadInput, Conflict) as error:
        flash(f"Your appeal was not sent. {error}", "bad")
    return redirect(url_for("console.earnings_page") + "#rejected", code=303)


def hourly_micros(offer: WorkOffer) -> float | None:
    """Return what an hour of this work pays, by its terms or at the pace of others; None while that is not known."""
    if offer.hourly_micros is not None:
        return offer.hourly_micros
    return offer.price_micros * 3600 / offer.median_seconds if offer.median_seconds else None


def _since(earned: Earnings, first: str) -> tuple[int, int]:
    """Add up answers and micro-units from a day on."""
    days = [(answers, amount) for day, answers, amount in earned.by_day if day.isoformat() >= first]
    return sum(answers for answers, _ in days), sum(amount for _, amount in days)
