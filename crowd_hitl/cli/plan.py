"""`crowd-hitl plan`: from a pilot's answers, what accuracy costs, and what the rest will cost and when it is done."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.finding import project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.pilots import read_source
from crowd_hitl.cli.tables import progress_bar, show_table
from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.domain.money import MICROS, micros
from crowd_hitl.domain.quotes import LARGEST_OVERLAP
from crowd_hitl.inference.planning import Effort
from crowd_hitl.inference.planning import plan as make_plan
from crowd_hitl.services.piloting import read_pilot
from crowd_hitl.services.planning import PlanWish, choice_of, publish_command, work_out
from crowd_hitl.services.pricing_plans import MODELS, STOP, Asked, Pace, checked_rule, report, ways_of

PRICE = "0.05"
# A pace that is told is as sure as one seen in so many answers.
TOLD_ANSWERS = 100


def plan(
    source: Annotated[
        str | None,
        typer.Argument(metavar="PILOT", help="A file of task,worker,label; a folder with answers.csv; a project."),
    ] = None,
    project: Annotated[str | None, typer.Option(help="A project: its own answers, prices, fees and pace.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Only this batch of the project.")] = None,
    truth: Annotated[Path | None, typer.Option(help="A file of task,label: what is known to be right.")] = None,
    items: Annotated[
        int | None, typer.Option(min=1, help="Items still to be labelled (what waits, or as many as the pilot).")
    ] = None,
    price: Annotated[
        str | None,
        typer.Option(help="What one answer costs, fee included; of a project, what it earns.", show_default=PRICE),
    ] = None,
    confidence: Annotated[float, typer.Option(help="An item that is so sure is asked no further.")] = 0.95,
    overlap_min: Annotated[int, typer.Option(min=1, help="Answers that every item gets.")] = 2,
    overlap_max: Annotated[int, typer.Option(min=1, max=LARGEST_OVERLAP, help="Answers an item gets at most.")] = 7,
    model: Annotated[list[str] | None, typer.Option(help="A model to compare; may be given again.")] = None,
    per_hour: Annotated[float | None, typer.Option(help="Answers an hour, if the pilot does not say.")] = None,
    resamples: Annotated[int, typer.Option(min=2, max=1000, help="How often the pilot is redrawn.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is drawn.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Plan the overlap: accuracy against money for 1 to 7 answers, each model and policy; and forecast the rest."""
    checked_rule(confidence, overlap_min, overlap_max)
    if per_hour is not None and not 0 < per_hour < MICROS:
        raise bad_field("per_hour", expected="above 0", found=per_hour)
    wish = _wish(locals())  # every option that says what is to be planned
    slug = _project(source, project, truth=truth, batch=batch)
    if slug is not None:
        payload = live(slug, wish, per_hour=per_hour, data=data)
    else:
        payload = recorded(source or project or "", wish, truth=truth, per_hour=per_hour, data=data)
    if as_json:
        put(payload)
    else:
        show(payload)


def live(slug: str, wish: PlanWish, *, per_hour: float | None, data: Path | None) -> dict[str, Any]:
    """Plan from a project's own answers, as its page does."""
    with open_desk(data) as desk:
        row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        questions = desk.plugins.questions
        found = desk.uow.read(read_pilot, project_id=row.id, questions=questions, batch_id=wish.batch_id)
    if per_hour is not None:
        found = replace(found, pace=_told(per_hour))
    with _redrawing(row.slug, wish.resamples) as told:
        planned = work_out(found, wish, name=row.slug, plugins=desk.plugins, told=told)
    place = next(place for place, point in enumerate(planned["points"]) if point["policy"] == STOP)
    return {**planned, "publish": publish_command(row.slug, choice_of(planned, place))}


def recorded(
    name: str, wish: PlanWish, *, truth: Path | None, per_hour: float | None, data: Path | None
) -> dict[str, Any]:
    """Plan from a file or a folder; or from a project whose right labels are in a file."""
    rule = checked_rule(wish.confidence, wish.overlap_min, wish.overlap_max)
    ways = ways_of(find_plugins(), rule, models=wish.models)
    found = read_source(name, truth=truth, data=data)
    effort = Effort(items=wish.items, resamples=wish.resamples, seed=wish.seed)
    with _redrawing(found.name, wish.resamples) as told:
        planned = make_plan(found.pilot, ways, effort, told)
    price_micros = _price(PRICE) if wish.price_micros is None else wish.price_micros
    asked = Asked(items=wish.items or planned.pilot_tasks, rule=rule, price_micros=price_micros)
    last = None if found.pace is None else found.pace.last
    seen = None if found.pace is None else (found.pace.answers, found.pace.seconds)
    pace = _told(per_hour) if per_hour is not None else seen
    return report(planned, asked, name=found.name, pace=None if pace is None else Pace(*pace, start=last))


def show(payload: Mapping[str, Any]) -> None:
    """Print the plan for people: the table, then the forecast in a few lines."""
    score = payload["score"]
    is_seen = not any(point["extrapolated"] for point in payload["points"])
    rows: list[dict[str, object]] = [
        {
            "policy": _named(point),
            "weighed by": point["model"],
            "answers/item": f"{point['answers_per_item']:.2f}",
            "cost": point["cost"],
            score: f"{point['score']:.1%}",
            "90% band": f"{point['score_low']:.1%} – {point['score_high']:.1%}",
            **({"agreement": _agreement(point)} if score != "accuracy" else {}),
            **({} if is_seen else {"rests on": "extrapolated" if point["extrapolated"] else "answers seen"}),
        }
        for point in payload["points"]
    ]
    pilot = f"{payload['pilot']}: {payload['pilot_items']} items, {payload['pilot_answers']} answers"
    fee = f" and {payload['fee']} fee" if payload.get("fee", "0.00") != "0.00" else ""
    show_table(rows, title=f"{pilot}. Plan for {payload['items']} items at {payload['price']}{fee} an answer")
    if payload.get("sampled"):
        say(f"Items drawn at random, of {payload['all_items']} answered ones with {payload['all_answers']} answers.")
    if payload.get("chosen"):
        say("A model chose some of these items, so they are no random ones: others may be easier, and cost less.")
    for line in sentences(payload):
        typer.echo(line)
    if score != "accuracy":
        known = "Mix gold into the next batch" if "wish" in payload else "Name a file of task,label with --truth"
        say("Fewer than 20 right labels are known, so accuracy is what the crowd expects of itself, without the errors")
        say(f"it shares: most often too high. {known} to measure it. 'agreement' is with")
        say("the labels that all the pilot's answers come to.")
    if not is_seen:
        say("'extrapolated': the pilot has fewer answers an item; the rest is drawn from its workers as fitted.")
    if "publish" in payload:
        typer.echo(f"Publish with the forecast's terms: {payload['publish']}")


def sentences(payload: Mapping[str, Any]) -> list[str]:
    """Say the forecast in words."""
    found = payload["forecast"]
    lines = [
        f"Confidence {found['confidence']:g} on {payload['items']} items costs {found['cost']} "
        f"({found['cost_low']} – {found['cost_high']}): {found['answers_per_item']:.2f} answers an item, "
        f"{found['share_of_items_sure']:.0%} of the items reach it within {found['overlap']}."
    ]
    if found["days"] is None:
        return [*lines, "When it is done the pilot does not say: it has no times. Give --per-hour."]
    start = "it is published now" if "wish" in payload else "work goes on where the pilot ended"
    until = f", done by {found['done_by'][:10]} if {start}" if found["done_by"] else ""
    took = f"{found['days']:.1f} days ({found['days_low']:.1f} – {found['days_high']:.1f})"
    return [*lines, f"At {found['answers_per_hour']:.1f} answers an hour that takes {took}{until}."]


def _named(point: Mapping[str, Any]) -> str:
    return f"{point['overlap']} each" if point["policy"] == "fixed" else f"{point['policy']}, up to {point['overlap']}"


def _agreement(point: Mapping[str, Any]) -> str:
    """Return the agreement with the pilot's own labels; beyond the pilot's answers there is nothing to agree with."""
    if point["extrapolated"]:
        return "–"
    return f"{point['agreement']:.1%} ({point['agreement_low']:.1%} – {point['agreement_high']:.1%})"


def _project(source: str | None, project: str | None, *, truth: Path | None, batch: int | None) -> str | None:
    """Return the project whose live answers are meant; None for a file, a folder or right labels from a file."""
    if (source is None) == (project is None):
        raise BadInput("Name one pilot: a file, a folder or a project, or --project with a project's name.")
    if source is None:
        if truth is not None:
            raise bad_field("--truth", expected="none with --project: known answers are its gold", found=str(truth))
        return project
    path = Path(source)
    if truth is None and not path.exists() and not path.suffix:
        return source
    if batch is not None:
        raise bad_field("--batch", expected="none but with --project", found=batch)
    return None


def _wish(options: Mapping[str, Any]) -> PlanWish:
    price = options["price"]
    return PlanWish(
        batch_id=options["batch"],
        items=options["items"],
        price_micros=None if price is None else _price(price),
        confidence=options["confidence"],
        overlap_min=options["overlap_min"],
        overlap_max=options["overlap_max"],
        models=tuple(options["model"] or MODELS),
        resamples=options["resamples"],
        seed=options["seed"],
    )


def _price(given: str) -> int:
    price_micros = micros(given, field="price")
    if price_micros == 0:
        raise bad_field("price", expected="an amount above 0", found=given)
    return price_micros


def _told(per_hour: float) -> tuple[int, float]:
    return TOLD_ANSWERS, TOLD_ANSWERS * 3600 / per_hour


@contextmanager
def _redrawing(name: str, resamples: int) -> Iterator[Callable[[int], None]]:
    with progress_bar() as bar:
        step = bar.add_task(f"Redrawing {name}", total=resamples)
        yield lambda done: bar.update(step, completed=done)
