"""The requester's behaviour rules: what they look at, what they found, and what was undone."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console.pages import cursor, head_of, project_page, reading
from crowd_hitl.domain.errors import AlreadyDone, Conflict
from crowd_hitl.domain.rules import COLLECTORS, PRESETS, action_text, limit_text, preset
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import ruling
from crowd_hitl.services.collecting import Field
from crowd_hitl.services.reporting.rules import count_hits, list_hits

MEASURES = {
    "fast_answers": "share of answers that were too fast",
    "median_seconds": "median time of an answer",
    "same_answer_share": "one answer more often than the labels",
    "answers_in_row_same": "the same answer in a row",
    "income_per_day": "income on one day",
    "answers_per_day": "answers on one day",
    "gold_accuracy": "share right on gold",
    "skipped_in_row": "tasks let go in a row",
    "against_majority": "share against the agreed label",
}
assert MEASURES.keys() == COLLECTORS.keys()


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects/<slug>/rules", view_func=rules_page)
    console.add_url_rule("/projects/<slug>/rules", view_func=add_rule, methods=["POST"])
    console.add_url_rule("/projects/<slug>/rules/<int:rule_id>/<switch>", view_func=switch_rule, methods=["POST"])
    console.add_url_rule("/projects/<slug>/rule-hits/<int:hit_id>/<step>", view_func=decide_hit, methods=["POST"])


@allow(*MANAGERS)
def rules_page(slug: str) -> ResponseReturnValue:
    """List the rules and what they found."""
    with reading() as view:
        project = head_of(view.session, slug)
        organisation_id = current_actor().organisation_id
        rows = ruling.list_rules(view.session, field=Field(organisation_id, project.id))
        return project_page(
            "rules.html",
            view.session,
            project=project,
            here="workers",
            rules=[(row, limit_text(ruling.rule_of(row)), action_text(row.action)) for row in rows],
            counts=count_hits(view.session, rule_ids=[row.id for row in rows]),
            measures=MEASURES,
            presets={name: f"{rule.name}: {action_text(rule.action)}" for name, rule in PRESETS.items()},
            page=list_hits(
                view.session,
                organisation_id=organisation_id,
                project_id=project.id,
                now=view.now,
                after=cursor(),
            ),
        )


@allow(*MANAGERS)
def add_rule(slug: str) -> ResponseReturnValue:
    """Add one of the presets."""
    with reading() as view:
        project = head_of(view.session, slug)
    actor = current_actor()
    rule = preset(request.form.get("preset", ""))
    try:
        current_house().uow.run(
            ruling.add_rule,
            field=Field(actor.organisation_id, project.id),
            rule=rule,
            created_by=actor.account_id,
        )
        flash(f"{rule.name} looks at everybody who answers from now on.")
    except Conflict as error:
        flash(str(error), "warn")
    return redirect(url_for("console.rules_page", slug=slug), code=303)


@allow(*MANAGERS)
def switch_rule(slug: str, rule_id: int, switch: str) -> ResponseReturnValue:
    """Switch a rule on or off."""
    if switch not in ("on", "off"):
        abort(404)
    uow, organisation_id = current_house().uow, current_actor().organisation_id
    with reading() as view:
        head_of(view.session, slug)
        row = ruling.one_rule(view.session, organisation_id=organisation_id, rule_id=rule_id)
    uow.run(ruling.switch, rule_id=rule_id, on=switch == "on")
    flash(f"{row.name} is {'on' if switch == 'on' else 'off'}. What it has done stands.")
    return redirect(url_for("console.rules_page", slug=slug), code=303)


@allow(*MANAGERS)
def decide_hit(slug: str, hit_id: int, step: str) -> ResponseReturnValue:
    """Mark a hit as looked at, or lift what it put on its worker."""
    if step not in ("look", "lift"):
        abort(404)
    actor = current_actor()
    with reading() as view:
        head_of(view.session, slug)
        ruling.one_hit(view.session, organisation_id=actor.organisation_id, hit_id=hit_id)
    try:
        if step == "look":
            current_house().uow.run(ruling.mark_seen, hit_id=hit_id, seen_by=actor.account_id)
            flash("Marked as looked at.")
        else:
            current_house().uow.run(ruling.lift_hit, hit_id=hit_id, lifted_by=actor.account_id)
            flash("Lifted: the worker may work again.")
    except AlreadyDone as error:
        flash(str(error), "warn")
    return redirect(url_for("console.rules_page", slug=slug) + "#hits", code=303)
