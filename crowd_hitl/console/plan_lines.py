"""An overlap plan as its page shows it: lines of the table, the chart, the words of policies and models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crowd_hitl.console.charts import Chart
from crowd_hitl.console.formatting import money, percent
from crowd_hitl.domain.money import MICROS, micros
from crowd_hitl.inference.planning import FIXED
from crowd_hitl.services.pricing_plans import STOP, WEIGHER

MODELS = {
    "majority_vote": "majority",
    "dawid_skene": "Dawid–Skene",
    "one_coin_dawid_skene": "one-coin Dawid–Skene",
    "zero_based_skill": "zero-based skill",
    "mace_mended": "MACE, mended",
    "wawa": "Wawa",
    "glad": "GLAD",
    "mace": "MACE",
    "mmsr": "MMSR",
    "kos": "KOS",
}
POLICIES = {
    "posterior": "until confident",
    "margin": "until the lead is clear",
    "least_sure": "least sure first",
}


@dataclass(frozen=True)
class Line:
    """One way to buy: its place in the plan, its words, and its figures."""

    place: int
    policy: str
    words: str
    note: str
    model: str
    answers: int
    cost_micros: int
    left_micros: int | None
    point: Mapping[str, Any]

    @property
    def is_fixed(self) -> bool:
        """Say whether every item gets the same number of answers."""
        return self.policy == FIXED

    @property
    def cost_bounds(self) -> tuple[int, int] | None:
        """Return the band of the cost; None where it is certain."""
        low, high = micros(self.point["cost_low"]), micros(self.point["cost_high"])
        return None if low == high else (low, high)


def model_words(name: str) -> str:
    """Write a model's name."""
    return MODELS.get(name, name.replace("_", " "))


def policy_words(name: str) -> str:
    """Say when a policy stops."""
    return POLICIES.get(name, name.replace("_", " "))


def lines_of(plan: Mapping[str, Any], *, available_micros: int | None) -> list[Line]:
    """Return all lines: the policies first, then so many answers each, as they are usually weighed before others."""
    lines = [_line(plan, place, available_micros=available_micros) for place in range(len(plan["points"]))]
    return sorted(lines, key=lambda line: (line.is_fixed, line.policy != STOP, line.model != WEIGHER, line.place))


def _line(plan: Mapping[str, Any], place: int, *, available_micros: int | None) -> Line:
    point, wish = plan["points"][place], plan["wish"]
    cost_micros = micros(point["cost"])
    fixed = point["policy"] == FIXED
    until = f"Until confidence {wish['confidence']:g}" if point["policy"] == STOP else policy_words(point["policy"])
    return Line(
        place=place,
        policy=point["policy"],
        words=f"{point['overlap']} each" if fixed else until[0].upper() + until[1:],
        note=model_words(point["model"]) if fixed else f"{wish['overlap_min']} to {point['overlap']} answers",
        model=point["model"],
        answers=round(point["answers_per_item"] * plan["items"]),
        cost_micros=cost_micros,
        left_micros=None if available_micros is None else available_micros - cost_micros,
        point=point,
    )


def chart(plan: Mapping[str, Any], lines: Sequence[Line], *, available_micros: int | None) -> Chart:
    """Chart accuracy against money: a line for each model with 1 to 7 answers, a point for each policy."""
    currency = plan["currency"]
    stop = next(line for line in lines if line.policy == STOP)
    is_measured = plan["score"] == "accuracy"
    models = dict.fromkeys(line.model for line in lines if line.is_fixed)
    series = []
    for model in models:
        # One band at each cost: those of other models lie beside it in the table.
        spots = [_spot(line)[: 4 if model == WEIGHER else 2] for line in lines if line.is_fixed and line.model == model]
        series.append({"name": model_words(model), "points": spots})
    series += [
        {"name": policy_words(line.policy), "points": [_spot(line)]}
        for line in lines
        # what buys the same as the first (as any policy may with two classes) is the same point
        if not line.is_fixed and (line is stop or _spot(line) != _spot(stop))
    ]
    dearest = max(line.cost_micros for line in lines)
    shown = available_micros is not None and 0 < available_micros < dearest
    return {
        "kind": "line",
        "title": "Accuracy for the money" if is_measured else "What the crowd expects of itself",
        "description": (
            f"{'Accuracy' if is_measured else 'Estimated accuracy'} against cost for 1 to 7 answers each and for "
            f"policies. Asking {policy_words(STOP)} gives {percent(stop.point['score'])} for "
            f"{money(stop.cost_micros, currency)}. Each estimate has a 90% band."
        ),
        "x": {**_amounts(currency), "min": 0},
        "y": {"label": "right labels" if is_measured else "estimated share of right labels", "format": "percent"},
        "series": series,
        "limits": [{"name": "left", "value": (available_micros or 0) / MICROS, "tone": "bad", "along": "x"}]
        if shown
        else [],
    }


def _spot(line: Line) -> list[float]:
    point = line.point
    return [line.cost_micros / MICROS, point["score"], point["score_low"], point["score_high"]]


def _amounts(currency: str) -> dict[str, str]:
    if currency == "USD":
        return {"label": "cost", "format": "money"}
    return {"label": f"cost, {currency}", "format": "number"}
