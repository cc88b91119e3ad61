"""`crowd-hitl plan`: from a pilot's answers, what accuracy costs, and what the rest will cost and when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.finding import one_of
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.pilots import Pace, Source, read_source
from crowd_hitl.cli.tables import progress_bar, show_table
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import MICROS, micros, units
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.quotes import LARGEST_OVERLAP
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.forecasting import Further, days_needed
from crowd_hitl.inference.planning import Band, Effort, Plan, Point, Ways
from crowd_hitl.inference.planning import plan as make_plan

MODELS = ("majority_vote", "dawid_skene", "pooled")
WEIGHER, STOP = "pooled", "posterior"
MOST_FIXED = 7
CENT = 10_000
LONGEST_DAYS = 36_500.0


@dataclass(frozen=True)
class Asked:
    """What the plan is for: so many items at so much an answer."""

    items: int
    price_micros: int
    rule: OverlapRule

    def cost(self, answers: Band) -> dict[str, str]:
        """Return what the items cost at these answers per item."""
        named = {"cost": answers.mean, "cost_low": answers.low, "cost_high": answers.high}
        return {name: units(self.micros_of(each)) for name, each in named.items()}

    def micros_of(self, each: float) -> int:
        """Return what the items cost with so many answers each, rounded up to a cent."""
        return ceil(round(each * self.items) * self.price_micros / CENT) * CENT


def plan(
    source: Annotated[
        str, typer.Argument(metavar="PILOT", help="A file of task,worker,label; a folder with answers.csv; a project.")
    ],
    truth: Annotated[Path | None, typer.Option(help="A file of task,label: what is known to be right.")] = None,
    items: Annotated[int | None, typer.Option(min=1, help="Items still to be labelled (as many as the pilot).")] = None,
    price: Annotated[str, typer.Option(help="What one answer costs, fee included.")] = "0.05",
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
    rule = _rule(confidence, overlap_min, overlap_max)
    price_micros = micros(price, field="price")
    if price_micros == 0:
        raise bad_field("price", expected="an amount above 0", found=price)
    if per_hour is not None and not 0 < per_hour < MICROS:
        raise bad_field("per_hour", expected="above 0", found=per_hour)
    ways = _ways(find_plugins(), rule, model or list(MODELS))
    found = read_source(source, truth=truth, data=data)
    with progress_bar() as bar:
        step = bar.add_task(f"Redrawing {found.name}", total=resamples)
        effort = Effort(items=items, resamples=resamples, seed=seed)
        planned = make_plan(found.pilot, ways, effort, lambda done: bar.update(step, completed=done))
    asked = Asked(items=items or planned.pilot_tasks, price_micros=price_micros, rule=rule)
    payload = report(planned, found, asked, per_hour=per_hour)
    if as_json:
        put(payload)
    else:
        show(payload)


def report(planned: Plan, source: Source, asked: Asked, *, per_hour: float | None) -> dict[str, Any]:
    """Return the whole plan as one JSON object."""
    stop = next(point for point in planned.points if point.policy == STOP)
    return {
        "pilot": source.name,
        "pilot_items": planned.pilot_tasks,
        "pilot_answers": planned.pilot_answers,
        "known": planned.known,
        "score": "estimated accuracy" if planned.is_estimated else "accuracy",
        "items": asked.items,
        "price": units(asked.price_micros),
        "points": [_line(point, asked) for point in planned.points],
        "forecast": {
            "confidence": asked.rule.confidence_target,
            "overlap_min": asked.rule.overlap_min,
            **_line(stop, asked),
            "share_of_items_sure": round(stop.sure.mean, 4),
            **_days(stop.answers.times(asked.items), _pace(source.pace, per_hour), source.pace),
        },
    }


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
    show_table(rows, title=f"{pilot}. Plan for {payload['items']} items at {payload['price']} an answer")
    for line in sentences(payload):
        typer.echo(line)
    if score != "accuracy":
        say("Fewer than 20 right labels are known, so accuracy is what the crowd expects of itself, without the errors")
        say("it shares: most often too high. Name a file of task,label with --truth to measure it. 'agreement' is with")
        say("the labels that all the pilot's answers come to.")
    if not is_seen:
        say("'extrapolated': the pilot has fewer answers an item; the rest is drawn from its workers as fitted.")


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
    until = f", done by {found['done_by'][:10]} if work goes on where the pilot ended" if found["done_by"] else ""
    took = f"{found['days']:.1f} days ({found['days_low']:.1f} – {found['days_high']:.1f})"
    return [*lines, f"At {found['answers_per_hour']:.1f} answers an hour that takes {took}{until}."]


def _rule(confidence: float, overlap_min: int, overlap_max: int) -> OverlapRule:
    if not 0 < confidence <= 1:
        raise bad_field("confidence", expected="above 0, at most 1", found=confidence)
    if overlap_max < overlap_min:
        raise bad_field("overlap_max", expected=f"{overlap_min} or more, as overlap_min", found=overlap_max)
    return OverlapRule(overlap_min=overlap_min, overlap_max=overlap_max, confidence_target=confidence)


def _ways(plugins: Plugins, rule: OverlapRule, names: list[str]) -> Ways:
    models = {name: one_of("model", name, plugins.aggregators) for name in (*names, WEIGHER)}
    # "fixed" has its own points; "entropy" spends what there is, and here nothing says how much that is
    policies = {name: policy for name, policy in plugins.policies.items() if name not in ("fixed", "entropy")}
    return Ways(models=models, policies=policies, weigher=WEIGHER, rule=rule, most_fixed=MOST_FIXED)


def _line(point: Point, asked: Asked) -> dict[str, Any]:
    return {
        "policy": point.policy,
        "model": point.model,
        "overlap": point.overlap,
        "answers_per_item": round(point.answers.mean, 4),
        **asked.cost(point.answers),
        "score": round(point.score.mean, 4),
        "score_low": round(point.score.low, 4),
        "score_high": round(point.score.high, 4),
        "agreement": round(point.agreement.mean, 4),
        "agreement_low": round(point.agreement.low, 4),
        "agreement_high": round(point.agreement.high, 4),
        "imagined": round(point.imagined, 4),
        "extrapolated": point.is_extrapolated,
    }


def _named(point: Mapping[str, Any]) -> str:
    return f"{point['overlap']} each" if point["policy"] == "fixed" else f"{point['policy']}, up to {point['overlap']}"


def _agreement(point: Mapping[str, Any]) -> str:
    """Return the agreement with the pilot's own labels; beyond the pilot's answers there is nothing to agree with."""
    if point["extrapolated"]:
        return "–"
    return f"{point['agreement']:.1%} ({point['agreement_low']:.1%} – {point['agreement_high']:.1%})"


def _pace(pace: Pace | None, per_hour: float | None) -> tuple[int, float] | None:
    if per_hour is not None:
        # As sure as a hundred answers at that pace.
        return 100, 100 * 3600 / per_hour
    return None if pace is None else (pace.answers, pace.seconds)


def _days(answers: Band, pace: tuple[int, float] | None, seen: Pace | None) -> dict[str, Any]:
    names = ("answers_per_hour", "days", "days_low", "days_high", "done_by")
    if pace is None:
        return dict.fromkeys(names)
    took = days_needed(Further(answers.mean, answers.low, answers.high), answers=pace[0], seconds=pace[1])
    done = None if seen is None else seen.last + timedelta(days=min(took.high, LONGEST_DAYS))
    values = (pace[0] / pace[1] * 3600, *(round(days, 2) for days in (took.mean, took.low, took.high)))
    return dict(zip(names, (*values, done and done.isoformat()), strict=True))
