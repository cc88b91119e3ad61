"""Overlap plans of a project: ask for one, read the newest."""

from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint

from crowd_hitl.api.jobs import as_shown
from crowd_hitl.api.schemas.jobs import JobOut
from crowd_hitl.api.schemas.plans import PlanIn, PlanOut, PlanStateOut
from crowd_hitl.api.scoping import project_here
from crowd_hitl.domain.money import micros, units
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.planning import PlanWish, ask_for_plan, choice_of, plan_jobs

plans = APIBlueprint("plans", __name__, url_prefix="/api/v1", tag="Batches")


@plans.post("/projects/<slug>/plan")
@allow(*MANAGERS)
@plans.input(PlanIn, arg_name="body")
@plans.output(JobOut, status_code=202)
def work_plan_out(slug: str, *, body: PlanIn) -> JobOut:
    """Work out, as a background job, what accuracy costs by the answers so far; the same wish is the same job."""
    project, house = project_here(slug), current_house()
    told = body.model_dump(exclude={"price"})
    wish = PlanWish(
        **{**told, "models": tuple(dict.fromkeys(body.models)), "policies": tuple(dict.fromkeys(body.policies))},
        price_micros=None if body.price is None else micros(body.price, field="price"),
    )
    account_id = current_actor().account_id
    return as_shown(
        house.uow.run(ask_for_plan, project_id=project.id, account_id=account_id, wish=wish, plugins=house.plugins)
    )


@plans.get("/projects/<slug>/plan")
@allow(*MANAGERS)
@plans.output(PlanStateOut)
def show_plan(slug: str) -> PlanStateOut:
    """Show the newest plan, each way with how it is published, and the job that works out a newer one."""
    found = current_house().uow.read(plan_jobs, project_id=project_here(slug).id)
    return PlanStateOut(
        job=None if found.newest is None else as_shown(found.newest),
        plan=None if found.plan is None else PlanOut.model_validate(with_publish(dict(found.plan))),
    )


def with_publish(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the plan with how each of its ways is published."""
    points = []
    for place, point in enumerate(plan["points"]):
        choice = asdict(choice_of(plan, place))
        points.append({**point, "publish": {**choice, "price": units(choice["price_micros"])}})
    return {**plan, "points": points}
