"""Loops: start, advance, stop; and the rounds they went through."""

from apiflask import APIBlueprint

from crowd_hitl.api.schemas.loops import CertificateOut, LoopIn, LoopOut, RoundOut, RoundsOut, StepOut
from crowd_hitl.api.scoping import budget_here, project_here
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.domain.rounds import LoopPolicy, check_policy
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import looping
from crowd_hitl.services.reporting.rounds import RoundLine, list_certificates, list_rounds

loops = APIBlueprint("loops", __name__, url_prefix="/api/v1", tag="Loops")

# Chosen by the kind of items, so it names no plug-in.
AUTO = "auto"


@loops.post("/projects/<slug>/loop")
@allow(*MANAGERS)
@loops.input(LoopIn, arg_name="body")
@loops.output(LoopOut, status_code=201)
def start_loop(slug: str, *, body: LoopIn) -> LoopOut:
    """Start the project's loop on a budget; one loop runs at a time."""
    project, budget = project_here(slug), budget_here(body.budget_id)
    policy = LoopPolicy(**body.policy.model_dump())
    check_policy(policy)
    _refuse_unknown_plugins(policy)
    row = current_house().uow.run(
        looping.start_loop, project_id=project.id, budget_id=budget.id, policy=policy, seed=body.seed
    )
    return LoopOut.model_validate(row)


@loops.post("/projects/<slug>/loop/advance")
@allow(*MANAGERS)
@loops.output(StepOut)
def advance_loop(slug: str) -> StepOut:
    """Take the running loop's next step, and say whether it waits for people."""
    house = current_house()
    loop = house.uow.read(looping.running_loop, project_id=project_here(slug).id)
    step = looping.advance(house.uow, loop_id=loop.id, plugins=house.plugins, storage=house.storage)
    return StepOut.model_validate(step)


@loops.post("/projects/<slug>/loop/stop")
@allow(*MANAGERS)
@loops.output(LoopOut)
def stop_loop(slug: str) -> LoopOut:
    """Stop the running loop: its open batch is closed, what is agreed stays."""
    uow = current_house().uow
    loop = uow.read(looping.running_loop, project_id=project_here(slug).id)
    return LoopOut.model_validate(uow.run(looping.stop_loop, loop_id=loop.id))


@loops.get("/projects/<slug>/rounds")
@allow(*MANAGERS)
@loops.output(RoundsOut)
def show_rounds(slug: str) -> RoundsOut:
    """Show the rounds of the newest loop: what each asked, bought, cost and found."""
    uow = current_house().uow
    project = project_here(slug)
    certificates = uow.read(list_certificates, project_id=project.id)
    return RoundsOut(
        rounds=[_shown(line) for line in uow.read(list_rounds, project_id=project.id)],
        certificates=[CertificateOut.model_validate(line) for line in certificates],
    )


def _refuse_unknown_plugins(policy: LoopPolicy) -> None:
    plugins = current_house().plugins
    named = (
        ("learner", policy.learner, {AUTO, *plugins.learners}),
        ("strategy", policy.strategy, {*plugins.strategies}),
        ("certifier", policy.certifier, {*plugins.certifiers}),
        ("aggregator", policy.aggregator, {*plugins.aggregators}),
    )
    for field, name, known in named:
        if name not in known:
            raise bad_field(f"policy.{field}", expected="one of " + ", ".join(sorted(known)), found=name)


def _shown(line: RoundLine) -> RoundOut:
    return RoundOut(
        number=line.number,
        purpose=line.purpose,
        state=line.state,
        items=line.items,
        answers=line.answers,
        human_labels=line.human_labels,
        model_labels=line.model_labels,
        model=line.model_number,
        model_accuracy=None if line.gold is None else line.gold.value,
        model_temper=None if line.heard is None else line.heard.temper,
        model_gain=None if line.heard is None else line.heard.gain,
        spent=units(line.spent_micros),
        started_at=line.started_at,
    )
