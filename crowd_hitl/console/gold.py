"""The requester's gold: known answers with views left, suspects on top, and a person's word on them."""

from collections.abc import Callable
from functools import partial

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console.charts import reliability
from crowd_hitl.console.pages import cursor, head_of, project_page, reading
from crowd_hitl.domain.errors import AlreadyDone, BadInput, Conflict, NotFound
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import vouching
from crowd_hitl.services.reporting.gold import belief_of, count_gold, list_gold
from crowd_hitl.services.vouching import Vouched
from crowd_hitl.store.project_rows import GoldRow

SAID = {
    "confirm": "Confirmed: it counts again, and is never suspected any more.",
    "correct": "Corrected: workers are measured by it from now on, for what they answered before, too.",
    "retire": "Retired: it counts for nobody, and may be asked as any other item.",
}


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/projects/<slug>/gold", view_func=gold_page)
    console.add_url_rule("/projects/<slug>/gold/<int:gold_id>/<ruling>", view_func=decide_gold, methods=["POST"])


@allow(*MANAGERS)
def gold_page(slug: str) -> ResponseReturnValue:
    """List the project's known answers."""
    plugins = current_house().plugins
    with reading() as view:
        project = head_of(view.session, slug)
        belief = belief_of(view.session, project_id=project.id, field=project.field)
        is_right = vouching.yardstick(view.session, project_id=project.id, plugins=plugins)
        return project_page(
            "gold.html",
            view.session,
            project=project,
            here="workers",
            counted=count_gold(view.session, project_id=project.id),
            belief=belief,
            chart=None if belief is None else reliability(belief),
            page=list_gold(view.session, project_id=project.id, is_right=is_right, after=cursor()),
        )


@allow(*MANAGERS)
def decide_gold(slug: str, gold_id: int, ruling: str) -> ResponseReturnValue:
    """Confirm, correct or retire a known answer."""
    house = current_house()
    with reading() as view:
        row = view.session.get(GoldRow, gold_id)
        if row is None or row.project_id != head_of(view.session, slug).id:
            raise NotFound("There is no such known answer in this project.")
    verbs: dict[str, Callable[..., Vouched]] = {
        "confirm": vouching.confirm_gold,
        "correct": partial(vouching.correct_gold, value=request.form.get("value", "").strip()),
        "retire": vouching.retire_gold,
    }
    if ruling not in verbs:
        abort(404)
    decided_by = current_actor().account_id
    try:
        done = house.uow.run(verbs[ruling], gold_id=gold_id, decided_by=decided_by, plugins=house.plugins)
        changed = f" {done.recounted} workers’ shares right on gold changed." if done.recounted else ""
        flash(SAID[ruling] + changed)
    except (AlreadyDone, Conflict, BadInput) as error:
        flash(f"Nothing was changed. {error}", "warn")
    return redirect(url_for("console.gold_page", slug=slug), code=303)
