"""`crowd-hitl round`: start a project's model loop, take its next step, run it until it waits, list, stop."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from crowd_hitl.cli.finding import budget_named, one_of, project_named
from crowd_hitl.cli.frame import STOPPED_AT_BUDGET, AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import progress_bar, show_pairs, show_table
from crowd_hitl.domain.errors import NotFound, bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.domain.rounds import LoopPolicy, StopReason, policy_from
from crowd_hitl.services import looping
from crowd_hitl.services.reporting.rounds import RoundLine, list_rounds, loop_state

app = group("Rounds: choose items, ask people, agree, train, predict – until the promise is met or the money ends.")
Slug = Annotated[str, typer.Argument(metavar="PROJECT")]
# Far above what a loop does without people; a loop that moves no more is stopped here, not by patience.
STEPS_MAX = 1_000
DEFAULTS = LoopPolicy().as_json()
SWITCH = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@app.command()
def start(
    project: Slug,
    budget: Annotated[str | None, typer.Option(help="Its name or number; may be left out when there is one.")] = None,
    price: Annotated[str, typer.Option(help="What one answer earns.")] = LoopPolicy.price,
    max_error: Annotated[float, typer.Option(help="The promise: at most this share is wrong …")] = LoopPolicy.max_error,
    delta: Annotated[float, typer.Option(help="… which may fail with this chance.")] = LoopPolicy.delta,
    round_items: Annotated[int, typer.Option(help="How many items a round asks.")] = LoopPolicy.round_items,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help=f"Any of the policy's settings: {', '.join(DEFAULTS)}."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides every chance of the loop.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Start the project's loop on a budget; one loop runs at a time."""
    named = {"price": price, "max_error": max_error, "delta": delta, "round_items": round_items}
    policy = policy_from({**named, **read_settings(settings or [])})
    with open_desk(data) as desk:
        _refuse_unknown_plugins(desk, policy)
        row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=project)
        money = desk.uow.read(budget_named, organisation_id=desk.organisation_id, name=budget)
        loop = desk.uow.run(looping.start_loop, project_id=row.id, budget_id=money.id, policy=policy, seed=seed)
    about = {"project": row.slug, "loop": loop.id, "phase": loop.phase, "budget": money.name}
    if as_json:
        put({**about, "policy": policy.as_json()})
    else:
        typer.echo(f"The loop of {row.slug} runs on budget {money.name}. `serve` takes its steps, or: round run")


@app.command("next")
def advance(project: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Take the loop's next step, and say whether it waits for people."""
    with open_desk(data) as desk:
        step = _advance(desk, _running(desk, project))
    _show(step, as_json=as_json)


@app.command()
def run(project: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Take steps until the loop waits for people or stops; exit code 3 when it stopped at the budget."""
    with open_desk(data) as desk, progress_bar() as bar:
        loop_id = _running(desk, project)
        shown = bar.add_task("Starting", total=None)
        for _ in range(STEPS_MAX):
            step = _advance(desk, loop_id)
            bar.update(shown, advance=1, description=f"Round {step.round_number}: {step.phase}")
            if step.waiting or step.stopped:
                break
    _show(step, as_json=as_json)
    if step.stopped == StopReason.BUDGET:
        raise typer.Exit(STOPPED_AT_BUDGET)


@app.command("list")
def list_all(project: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the rounds of the newest loop: what each asked, bought, cost and found."""
    with open_desk(data) as desk:
        row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=project)
        state = desk.uow.read(loop_state, project_id=row.id)
        rows = [as_row(line) for line in desk.uow.read(list_rounds, project_id=row.id)]
    if as_json:
        loop = None if state is None else {"state": state.state, "phase": state.phase, "stopped": state.stopped}
        put({"project": row.slug, "loop": loop, "rounds": rows})
    else:
        show_table(rows, empty=f"No rounds yet. Start the loop: crowd-hitl round start {project}")


@app.command()
def stop(project: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Stop the loop: its open batch is closed, what is agreed stays."""
    with open_desk(data) as desk:
        loop_id = _running(desk, project)
        desk.uow.run(looping.stop_loop, loop_id=loop_id)
        step = desk.uow.read(looping.where_it_stands, loop_id=loop_id)
    _show(step, as_json=as_json)


def read_settings(given: Sequence[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs as the types that the policy has; BadInput names what cannot be read."""
    found: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise bad_field("--set", expected="NAME=VALUE", found=pair)
        if isinstance(DEFAULTS.get(name), bool):
            if value.strip().lower() not in SWITCH:
                raise bad_field(name, expected="true or false", found=value)
            found[name] = SWITCH[value.strip().lower()]
            continue
        try:
            found[name] = type(DEFAULTS.get(name, ""))(value.strip())
        except ValueError as error:
            raise bad_field(name, expected=f"a number such as {DEFAULTS[name]}", found=value) from error
    return found


def as_row(line: RoundLine) -> dict[str, Any]:
    """Show a round, amounts in currency units."""
    return {
        "round": line.number,
        "purpose": line.purpose,
        "state": line.state,
        "items": line.items,
        "answers": line.answers,
        "human_labels": line.human_labels,
        "model_labels": line.model_labels,
        "model": line.model_number,
        "model_accuracy": None if line.gold is None else line.gold.value,
        "model_temper": None if line.heard is None else line.heard.temper,
        "model_gain": None if line.heard is None else round(line.heard.gain, 4),
        "spent": units(line.spent_micros),
    }


def _running(desk: Desk, slug: str) -> int:
    row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
    try:
        return desk.uow.read(looping.running_loop, project_id=row.id).id
    except NotFound as error:
        raise NotFound(
            f"Project {row.slug} has no running loop. Start one: crowd-hitl round start {row.slug}"
        ) from error


def _advance(desk: Desk, loop_id: int) -> looping.Step:
    return looping.advance(desk.uow, loop_id=loop_id, plugins=desk.plugins, storage=desk.house.storage)


def _show(step: looping.Step, *, as_json: bool) -> None:
    if as_json:
        put(asdict(step))
    else:
        show_pairs(asdict(step))


def _refuse_unknown_plugins(desk: Desk, policy: LoopPolicy) -> None:
    if policy.learner != "auto":  # chosen by the kind of items
        one_of("learner", policy.learner, desk.plugins.learners)
    one_of("strategy", policy.strategy, desk.plugins.strategies)
    one_of("certifier", policy.certifier, desk.plugins.certifiers)
    one_of("aggregator", policy.aggregator, desk.plugins.aggregators)
