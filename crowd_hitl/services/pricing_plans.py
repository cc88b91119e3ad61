"""A plan in figures: each way to buy with its cost by the quote's own arithmetic, and when it is done."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.fees import FeeRule, answer_fee_micros
from crowd_hitl.domain.money import units
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.quotes import COMPENSATION_SHARE, LARGEST_OVERLAP, BatchTerms, place_cost_micros, quote
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.forecasting import Further, days_needed
from crowd_hitl.inference.planning import FIXED, Band, Plan, Point, Ways

MODELS = ("majority_vote", "dawid_skene", "pooled")
WEIGHER, STOP = "pooled", "posterior"
MOST_FIXED = 7
LONGEST_DAYS = 36_500.0
# "fixed" has its own points; "entropy" spends what there is, and here nothing says how much that is.
NO_CHOICE = ("fixed", "entropy")


@dataclass(frozen=True)
class Asked:
    """What the plan is for: so many items at so much an answer, and `fees` on top; None when the price holds them."""

    items: int
    rule: OverlapRule
    price_micros: int
    currency: str = ""
    fees: FeeRule | None = None

    def terms(self, rule: OverlapRule) -> BatchTerms:
        """Return the terms of a batch that asks by this rule."""
        price, most = self.price_micros, rule.overlap_max
        return BatchTerms(
            price_micros=price,
            currency=self.currency,
            overlap=rule,
            fee_micros=0 if self.fees is None else answer_fee_micros(self.fees, price_micros=price, overlap_max=most),
            compensation_share=COMPENSATION_SHARE,
        )

    def line(self, point: Point) -> dict[str, Any]:
        """Return one way with what the items cost by it, and what publishing reserves."""
        terms = self.terms(rule_of_point(point, self.rule))
        named = {"cost": point.answers.mean, "cost_low": point.answers.low, "cost_high": point.answers.high}
        each = place_cost_micros(terms)
        return {
            "policy": point.policy,
            "model": point.model,
            "overlap": point.overlap,
            "answers_per_item": round(point.answers.mean, 4),
            **{name: units(round(answers * self.items) * each) for name, answers in named.items()},
            "reserve": units(quote(terms, tasks=self.items, gold_items=0).reserve_micros),
            "score": round(point.score.mean, 4),
            "score_low": round(point.score.low, 4),
            "score_high": round(point.score.high, 4),
            "agreement": round(point.agreement.mean, 4),
            "agreement_low": round(point.agreement.low, 4),
            "agreement_high": round(point.agreement.high, 4),
            "imagined": round(point.imagined, 4),
            "extrapolated": point.is_extrapolated,
        }


@dataclass(frozen=True)
class Pace:
    """So many answers in so many seconds; `start`: when the rest begins, None when nobody can say."""

    answers: int
    seconds: float
    start: datetime | None = None


def report(planned: Plan, asked: Asked, *, name: str, pace: Pace | None) -> dict[str, Any]:
    """Return the whole plan as one JSON object."""
    stop = next(point for point in planned.points if point.policy == STOP)
    return {
        "pilot": name,
        "pilot_items": planned.pilot_tasks,
        "pilot_answers": planned.pilot_answers,
        "known": planned.known,
        "score": "estimated accuracy" if planned.is_estimated else "accuracy",
        "items": asked.items,
        "price": units(asked.price_micros),
        "points": [asked.line(point) for point in planned.points],
        "forecast": {
            "confidence": asked.rule.confidence_target,
            "overlap_min": asked.rule.overlap_min,
            **asked.line(stop),
            "share_of_items_sure": round(stop.sure.mean, 4),
            **_days(stop.answers.times(asked.items), pace),
        },
    }


def rule_of_point(point: Point, rule: OverlapRule) -> OverlapRule:
    """Return the rule by which a batch buys as this point does."""
    if point.policy != FIXED:
        return rule
    return OverlapRule(point.overlap, point.overlap, rule.confidence_target)


def checked_rule(confidence: float, overlap_min: int, overlap_max: int, *, most: int = LARGEST_OVERLAP) -> OverlapRule:
    """Return the rule; BadInput names what no batch could be published with."""
    if not 0 < confidence <= 1:
        raise bad_field("confidence", expected="above 0, at most 1", found=confidence)
    if not 1 <= overlap_min <= most:
        raise bad_field("overlap_min", expected=f"1 to {most}", found=overlap_min)
    if not overlap_min <= overlap_max <= most:
        raise bad_field("overlap_max", expected=f"{overlap_min} (overlap_min) to {most}", found=overlap_max)
    return OverlapRule(overlap_min=overlap_min, overlap_max=overlap_max, confidence_target=confidence)


def ways_of(plugins: Plugins, rule: OverlapRule, *, models: tuple[str, ...], policies: tuple[str, ...] = ()) -> Ways:
    """Return what is played; BadInput lists the models and policies there are. No policies: all of them."""
    choice = {name: policy for name, policy in plugins.policies.items() if name not in NO_CHOICE}
    _refuse_unknown("model", models, sorted(plugins.aggregators))
    _refuse_unknown("policy", policies, sorted(choice))
    # the forecast speaks of the one that stops at the confidence wanted
    played = {name: policy for name, policy in choice.items() if not policies or name in (*policies, STOP)}
    weighers = {name: plugins.aggregators[name] for name in dict.fromkeys((*models, WEIGHER))}
    return Ways(models=weighers, policies=played, weigher=WEIGHER, rule=rule, most_fixed=MOST_FIXED)


def _refuse_unknown(field: str, names: tuple[str, ...], known: list[str]) -> None:
    for name in names:
        if name not in known:
            raise bad_field(field, expected="one of " + ", ".join(known), found=name)


def _days(answers: Band, pace: Pace | None) -> dict[str, Any]:
    names = ("answers_per_hour", "days", "days_low", "days_high", "done_by")
    if pace is None:
        return dict.fromkeys(names)
    took = days_needed(Further(answers.mean, answers.low, answers.high), answers=pace.answers, seconds=pace.seconds)
    done = None if pace.start is None else pace.start + timedelta(days=min(took.high, LONGEST_DAYS))
    values = (pace.answers / pace.seconds * 3600, *(round(days, 2) for days in (took.mean, took.low, took.high)))
    return dict(zip(names, (*values, done and done.isoformat()), strict=True))
