"""Numbers: a mean that knows each worker's bias and spread and lets outliers count less; with an interval."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from scipy.special import ndtr

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Floats, Fused, ValueTable
from crowd_hitl.inference.answers import check_values
from crowd_hitl.inference.numbers import NumberFit, Numbers, NumberSettings, fit_numbers
from crowd_hitl.plugins.fusers.value_tables import answered, as_share, is_number
from crowd_hitl.plugins.questions.checking import LARGEST

# Where bounds are set nobody can err by a factor of a thousand, and a far answer may be meant.
UNBOUNDED, BOUNDED = NumberSettings(tails=4.0), NumberSettings(tails=20.0)
TWO_SIDED_95 = 1.959964
A_TWENTIETH = 0.05


class NumberFuser:
    """Confidence is the chance that the value is within the tolerance of the truth; skill a worker's chance of it.

    The tolerance is the question's; else a twentieth of its range (of the answers' range without bounds), at least
    half a step. `details`: `low` and `high` (95%), `means`, `biases`, `spreads`, `tolerance`.
    """

    name = "number"
    kinds: Sequence[str] = ("number",)
    right_within = 0.05
    reads_contents = False

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Weigh all answers; the seed is not used."""
        check_values(answers)
        values, known = as_numbers(answers)
        tolerance = tolerance_of(answers.spec, values)
        bounded = answers.spec.get("min") is not None and answers.spec.get("max") is not None
        numbers = Numbers(answers.tasks, answers.workers, values, answers.n_tasks, answers.n_workers, known)
        fit = fit_numbers(numbers, replace(BOUNDED if bounded else UNBOUNDED, doubt=2.0 * tolerance))
        there = answered(answers)
        fused = [
            nearest(float(mean), answers.spec) if known else None for mean, known in zip(fit.means, there, strict=True)
        ]
        for task, value in (answers.gold or {}).items():
            fused[task] = value
        centres = np.array([np.nan if value is None else float(value) for value in fused])
        confidences = within(centres - fit.means, fit.errors, tolerance)
        skills = within(fit.biases, fit.spreads, tolerance)
        return Fused(fused, as_share(confidences), as_share(skills), details_of(fit, tolerance))

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return the difference as a share of the question's range; without one, of the larger of the two."""
        least, most = spec.get("min"), spec.get("max")
        gap = abs(float(one) - float(other))
        if least is not None and most is not None:
            return min(gap / (float(most) - float(least)), 1.0)
        return 0.0 if gap == 0 else min(gap / max(abs(float(one)), abs(float(other))), 1.0)


def as_numbers(answers: ValueTable) -> tuple[Floats, Floats | None]:
    """Return the answers and what is known as floats; BadInput naming the first that is no number."""
    for place, value in enumerate(answers.values):
        if not is_number(value):
            raise bad_field(f"values[{place}]", expected="a finite number", found=value)
    values = np.array(answers.values, dtype=np.float64)
    if not answers.gold:
        return values, None
    known = np.full(answers.n_tasks, np.nan)
    for task, value in answers.gold.items():
        if not is_number(value):
            raise bad_field(f"gold[{task}]", expected="a finite number", found=value)
        known[task] = value
    return values, known


def tolerance_of(spec: Mapping[str, Any], values: Floats) -> float:
    """Return how far from the truth still counts as right."""
    if spec.get("tolerance") is not None:
        return float(spec["tolerance"])
    step = spec.get("step") or (1 if spec.get("integer") else 0)
    if spec.get("min") is not None and spec.get("max") is not None:
        wide = float(spec["max"]) - float(spec["min"])
    else:
        low, high = np.quantile(values, [0.05, 0.95]) if len(values) else (0.0, 1.0)
        wide = float(high - low) or max((abs(float(value)) for value in values), default=0.0) or 1.0
    return max(A_TWENTIETH * wide, float(step) / 2.0)


def within(gaps: Floats, spreads: Floats, tolerance: float) -> Floats:
    """Return the chance that a normal error about `gaps` stays within ± tolerance; 0 where nothing is known."""
    safe = np.maximum(np.nan_to_num(spreads, nan=1.0), 1e-12 * max(tolerance, 1e-300))
    chances = ndtr((tolerance - gaps) / safe) - ndtr((-tolerance - gaps) / safe)
    known: Floats = np.nan_to_num(chances, nan=0.0)
    return known


def nearest(value: float, spec: Mapping[str, Any]) -> int | float:
    """Return the value within the bounds, on the nearest step, whole if it must be: as an answer would hold it."""
    least, most = spec.get("min"), spec.get("max")
    step = spec.get("step") or (1 if spec.get("integer") else None)
    if step is not None:
        start = Decimal(str(least or 0))
        exact = start + round((value - float(start)) / float(step)) * Decimal(str(step))
        if most is not None and exact > Decimal(str(most)):
            exact -= Decimal(str(step))
        value = float(exact)
    # A bias taken off must not lead out of what can be answered at all.
    value = max(value, -LARGEST if least is None else float(least))
    value = min(value, LARGEST if most is None else float(most))
    return int(value) if value.is_integer() else value


def details_of(fit: NumberFit, tolerance: float) -> dict[str, Any]:
    """Return what the fit knows beside the values."""
    reach = TWO_SIDED_95 * fit.errors
    return {
        "means": fit.means,
        "low": fit.means - reach,
        "high": fit.means + reach,
        "biases": fit.biases,
        "spreads": fit.spreads,
        "tolerance": tolerance,
    }


plugin = NumberFuser()
