"""The overlap planner's page: what accuracy costs by the project's own answers, and what the rest will cost."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from crowd_hitl.console.pages import View, head_of, project_page, reading
from crowd_hitl.console.plan_lines import chart, lines_of, model_words, policy_words
from crowd_hitl.domain.errors import BadInput, Conflict, CrowdError, bad_field
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.quotes import Quote
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.piloting import Outset, newest_answer, outset
from crowd_hitl.services.planning import (
    Choice,
    PlanWish,
    ask_for_plan,
    choice_of,
    plan_jobs,
    publish_command,
    wish_of,
)
from crowd_hitl.services.pricing_plans import NO_CHOICE, STOP
from crowd_hitl.services.publishing import BatchRequest, quote_batch
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.store.money_rows import BudgetRow


def register(console: Blueprint) -> None:
    """Add the views."""
    rule = "/projects/<slug>/plan"
    console.add_url_rule(rule, view_func=plan_page)
    console.add_url_rule(rule, view_func=work_plan_out, methods=["POST"])
    console.add_app_template_filter(model_words, "model_words")
    console.add_app_template_filter(policy_words, "policy_words")


@allow(*MANAGERS)
def plan_page(slug: str) -> ResponseReturnValue:
    """Show what may be asked, the work that goes on, and the newest plan."""
    with reading() as view:
        project = head_of(view.session, slug)
        jobs = plan_jobs(view.session, project_id=project.id)
        wish = wish_of(jobs.newest.payload) if jobs.newest is not None else PlanWish()
        if request.headers.get("HX-Request"):
            # Asked every second while the work goes on: nothing is counted for that.
            if jobs.is_active:
                return render_template("parts/plan_progress.html", project=project, jobs=jobs, wish=wish)
            return "", 200, {"HX-Redirect": url_for("console.plan_page", slug=slug)}
        plugins = current_house().plugins
        found = outset(view.session, project_id=project.id, questions=plugins.questions)
        return project_page(
            "plan.html",
            view.session,
            project=project,
            here="batches",
            found=found,
            jobs=jobs,
            wish=_fitting(wish, found),
            models=sorted(plugins.aggregators),
            policies=sorted(set(plugins.policies) - {*NO_CHOICE, STOP}),
            shown=None if jobs.plan is None else _shown(view, project, jobs.plan),
        )


@allow(*MANAGERS)
def work_plan_out(slug: str) -> ResponseReturnValue:
    """Queue the work; what cannot be planned is said on the page."""
    house = current_house()
    with reading() as view:
        project_id = head_of(view.session, slug).id
    try:
        wish, account_id = _asked(), current_actor().account_id
        house.uow.run(ask_for_plan, project_id=project_id, account_id=account_id, wish=wish, plugins=house.plugins)
    except (BadInput, Conflict) as error:
        flash(f"Nothing is worked out. {error}", "warn")
    return redirect(url_for("console.plan_page", slug=slug), code=303)


def _shown(view: View, project: ProjectHead, plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of a plan: its lines and chart, and how the chosen line is published."""
    session = view.session
    budget = session.get_one(BudgetRow, plan["budget_id"])
    lines = lines_of(plan, available_micros=budget.available_micros)
    given = request.args.get("way", "")
    place = int(given) if given.isdecimal() and len(given) < 4 else -1
    chosen = next((line for line in lines if line.place == place), lines[0])
    choice = choice_of(plan, chosen.place)
    quoted, refused = _quoted(session, project, choice, now=view.now)
    newest = newest_answer(session, project_id=project.id, batch_id=plan["batch_id"])
    done_by = plan["forecast"]["done_by"]
    return {
        "plan": plan,
        "lines": lines,
        "chart": chart(plan, lines, available_micros=budget.available_micros),
        "chosen": chosen,
        "choice": choice,
        "command": publish_command(project.slug, choice),
        "quoted": quoted,
        "refused": refused,
        "budget": budget,
        "is_old": newest > plan["seen_answer_id"],
        "made_at": datetime.fromisoformat(plan["made_at"]),
        "done_by": None if done_by is None else datetime.fromisoformat(done_by),
        "cost": {name: micros(plan["forecast"][name]) for name in ("cost", "cost_low", "cost_high")},
        "each_micros": micros(plan["price"]) + micros(plan["fee"]),
    }


def _quoted(
    session: Session, project: ProjectHead, choice: Choice, *, now: datetime
) -> tuple[Quote | None, str | None]:
    """Price the batch as it would be published now, or say why it cannot be."""
    try:
        wanted = BatchRequest(name="", **vars(choice))
        return quote_batch(session, project_id=project.id, request=wanted, now=now), None
    except CrowdError as error:
        return None, str(error)


def _fitting(wish: PlanWish, found: Outset) -> PlanWish:
    """Fill in what the form starts with: the items that wait, the newest batch's price."""
    newest = found.batches[0] if found.batches else None
    price = wish.price_micros or (None if newest is None else newest.price_micros)
    return replace(wish, items=wish.items or found.waiting or None, price_micros=price)


def _asked() -> PlanWish:
    form, usual = request.form, PlanWish()
    price = form.get("price", "").strip()
    return PlanWish(
        batch_id=_number("batch", None),
        items=_number("items", None),
        price_micros=micros(price, field="price") if price else None,
        confidence=_confidence(form.get("confidence", "").strip() or f"{usual.confidence}"),
        overlap_min=_number("overlap_min", usual.overlap_min) or 0,
        overlap_max=_number("overlap_max", usual.overlap_max) or 0,
        models=tuple(form.getlist("model")),
        policies=(STOP, *form.getlist("policy")),
    )


def _number(name: str, usual: int | None) -> int | None:
    given = request.form.get(name, "").strip()
    if not given:
        return usual
    if not given.isdecimal() or len(given) > 9:
        raise bad_field(name, expected="a whole number", found=given)
    return int(given)


def _confidence(given: str) -> float:
    try:
        return float(given)
    except ValueError as error:
        raise bad_field("confidence", expected="a confidence such as 0.95", found=given) from error
