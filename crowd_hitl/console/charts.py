"""The charts' specifications: figures and words only; <ch-chart> draws them and shows them as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import json
from markupsafe import Markup

from crowd_hitl.console.formatting import count, money, percent
from crowd_hitl.domain.money import MICROS
from crowd_hitl.services.balances import Earnings
from crowd_hitl.services.reporting.batches import Bucket
from crowd_hitl.services.reporting.gold import Belief
from crowd_hitl.services.reporting.overview import Overview
from crowd_hitl.services.reporting.rounds import RoundLine

Chart = Mapping[str, Any]
# A line needs two points; less is told by the figures beside it.
POINTS_MIN = 2


def chart_of(chart: Chart) -> Markup:
    """Write a specification into the page: JSON that no browser takes for code."""
    text = json.dumps(chart).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    # safe: the three characters that could end the element are escaped above
    return Markup('<ch-chart><script type="application/json">{}</script></ch-chart>').format(Markup(text))


def spend(seen: Overview, rounds: Sequence[RoundLine], *, currency: str) -> Chart | None:
    """Chart what was spent so far: by day, or by round when it all happened on one day."""
    if len(seen.days) < POINTS_MIN:
        return spend_by_round(rounds, currency=currency, limits=_budget_limit(seen))
    last = seen.days[-1]
    return {
        "kind": "line",
        "title": "Spend",
        "description": f"Spent by {last.day}: {money(last.so_far_micros, currency)}.",
        "x": {"label": "day", "format": "date"},
        "y": {**_amounts("spent so far", currency), "min": 0},
        "series": [{"name": "spent", "points": [[day.day, day.so_far_micros / MICROS] for day in seen.days]}],
        "limits": _budget_limit(seen),
    }


def spend_by_round(
    rounds: Sequence[RoundLine], *, currency: str, limits: Sequence[Mapping[str, Any]] = ()
) -> Chart | None:
    """Chart what was spent by the end of each round."""
    if len(rounds) < POINTS_MIN:
        return None
    last = rounds[-1]
    return {
        "kind": "line",
        "title": "Spend",
        "description": f"Spent by the end of round {last.number}: {money(last.spent_so_far_micros, currency)}.",
        "x": {"label": "round", "format": "number", "values": [one.number for one in rounds]},
        "y": {**_amounts("spent so far", currency), "min": 0},
        "series": [{"name": "spent", "points": [[one.number, one.spent_so_far_micros / MICROS] for one in rounds]}],
        "limits": list(limits),
    }


def accuracy_by_round(rounds: Sequence[RoundLine]) -> Chart | None:
    """Chart how often each round's model was right on gold it never saw."""
    tested = [(one.number, one.gold) for one in rounds if one.gold is not None and one.gold.seen]
    if len(tested) < POINTS_MIN:
        return None
    last_round, last = tested[-1]
    return {
        "kind": "line",
        "title": "Model accuracy",
        "description": f"After round {last_round}: right on {percent(last.value)} of {count(last.seen)} gold items.",
        "x": {"label": "round", "format": "number", "values": [number for number, _ in tested]},
        "y": {"label": "right on gold, 95% intervals", "format": "percent"},
        "series": [
            {"name": "model", "points": [[number, gold.value, gold.low, gold.high] for number, gold in tested]},
        ],
    }


def confidence(buckets: Sequence[Bucket], *, target: float) -> Chart | None:
    """Chart how sure a batch's labels are."""
    used = [bucket for bucket in buckets if bucket.agreed or bucket.others]
    if not used:
        return None
    shown = [bucket for bucket in buckets if bucket.low >= used[0].low]
    places = [f"{bucket.low:.2f}" for bucket in shown]
    agreed, others = sum(bucket.agreed for bucket in used), sum(bucket.others for bucket in used)
    series = [{"name": f"agreed {count(agreed)}", "points": [[f"{b.low:.2f}", b.agreed] for b in shown]}]
    if others:
        points = [[f"{b.low:.2f}", b.others] for b in shown]
        series.append({"name": f"not agreed {count(others)}", "points": points})
    return {
        "kind": "bar",
        "title": "Confidence of the labels",
        "description": f"{count(agreed)} labels are agreed, {count(others)} are not; {target:.2f} is wanted.",
        "x": {"label": f"confidence, in steps of 0.05; wanted {target:.2f}", "format": "text", "values": places},
        "y": {"label": "labels", "format": "number"},
        "series": series,
    }


def reliability(belief: Belief) -> Chart:
    """Chart how often labels are right against how sure they claim to be."""
    places = [f"{low:.1f} to {high:.1f}" for low, high, *_ in belief.bins]
    claimed = [[place, one[3]] for place, one in zip(places, belief.bins, strict=True)]
    right = [[place, one[4]] for place, one in zip(places, belief.bins, strict=True)]
    return {
        "kind": "bar",
        "title": "Claimed and right",
        "description": f"Over {count(belief.gold)} known answers; a label means what it says where both are the same.",
        "x": {"label": "confidence", "format": "text", "values": places},
        "y": {"label": "share", "format": "percent", "min": 0},
        "series": [{"name": "claimed", "points": claimed}, {"name": "right", "points": right}],
    }


def earned_by_day(earned: Earnings, *, days: int) -> Chart | None:
    """Chart a worker's last days."""
    shown = list(reversed(earned.by_day[:days]))
    if len(shown) < POINTS_MIN:
        return None
    total = sum(amount for _, _, amount in shown)
    return {
        "kind": "bar",
        "title": "Earned by day",
        "description": f"Earned on the last {len(shown)} days with work: {money(total, earned.currency)}.",
        "x": {"label": "day", "format": "date", "values": [day.isoformat() for day, _, _ in shown]},
        "y": _amounts("earned", earned.currency),
        "series": [{"name": "earned", "points": [[day.isoformat(), amount / MICROS] for day, _, amount in shown]}],
    }


def _amounts(label: str, currency: str) -> dict[str, str]:
    """Describe an axis of money: with its sign where there is one, else with the currency in its name."""
    if currency == "USD":
        return {"label": label, "format": "money"}
    return {"label": f"{label}, {currency}", "format": "number"}


def _budget_limit(seen: Overview) -> list[dict[str, Any]]:
    """Show the budget as a limit when there is exactly one."""
    if len(seen.budgets) != 1:
        return []
    return [{"name": "Budget", "value": seen.budgets[0].topped_up_micros / MICROS, "tone": "bad"}]
