"""Ratings: the likeliest point of the scale by pooled Dawid–Skene, with each worker's bias and spread on it.

Few points are better weighed as classes than as numbers: on four real sets with ordered classes that was right more
often on three, and as often on the fourth (docs/plugins.md).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import AnswerTable, Floats, Fused, Ints, ValueTable
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled
from crowd_hitl.inference.ties import winners
from crowd_hitl.plugins.fusers.value_tables import answered, as_share, check_table, is_number


class RatingFuser:
    """Confidence is the chance of the point, skill the share of answers on the right point.

    `details`: `chances` (n_tasks, points), `means` (n_tasks,) the expected point, `low` and `high` (95%), `biases` and
    `spreads` (n_workers,): by how much a worker rates above the agreed point, and how unevenly.
    """

    name = "rating"
    kinds: Sequence[str] = ("rating",)
    right_within = 0.25
    reads_contents = False

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Weigh all answers; points that are level are taken in a seeded order."""
        check_table(answers)
        low, high = int(answers.spec.get("low", 1)), int(answers.spec.get("high", 5))
        points = np.arange(low, high + 1, dtype=np.float64)
        table = AnswerTable(
            answers.tasks,
            answers.workers,
            np.array(
                [point_code("values", place, value, low, high) for place, value in enumerate(answers.values)], np.int32
            ),
            answers.n_tasks,
            answers.n_workers,
            n_labels=len(points),
            gold=gold_codes(answers, low, high),
        )
        chances, skills = fit_pooled(table, PooledSettings())
        best = winners(chances, seed=seed)
        there = answered(answers)
        fused = [low + int(code) if known else None for code, known in zip(best, there, strict=True)]
        confidences = np.where(there, chances[np.arange(len(best)), best], 0.0)
        return Fused(fused, as_share(confidences), as_share(skills), details_of(table, chances, points))

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return the difference as a share of the scale."""
        low, high = int(spec.get("low", 1)), int(spec.get("high", 5))
        return min(abs(float(one) - float(other)) / (high - low), 1.0)


def point_code(where: str, place: int, value: Any, low: int, high: int) -> int:
    """Return a point's place on the scale; BadInput if it is not on it."""
    if not is_number(value) or int(value) != value or not low <= value <= high:
        raise bad_field(f"{where}[{place}]", expected=f"a whole number from {low} to {high}", found=value)
    return int(value) - low


def gold_codes(answers: ValueTable, low: int, high: int) -> Ints | None:
    """Return the known points' places, −1 where unknown."""
    if not answers.gold:
        return None
    codes = np.full(answers.n_tasks, -1, dtype=np.int32)
    for task, value in answers.gold.items():
        codes[task] = point_code("gold", task, value, low, high)
    return codes


def details_of(table: AnswerTable, chances: Floats, points: Floats) -> dict[str, Any]:
    """Return expected points with their 95% intervals, and how each worker's answers lie about them."""
    sums = chances.cumsum(axis=1)
    means, squares = chances @ points, chances @ points**2
    order = np.lexsort((table.labels, table.tasks, table.workers))
    tasks, workers, said = table.tasks[order], table.workers[order], points[table.labels[order]]
    given = np.bincount(workers, minlength=table.n_workers)
    off = np.bincount(workers, weights=said - means[tasks], minlength=table.n_workers)
    biases = off / np.maximum(given, 1)
    apart = (said - means[tasks]) ** 2 + np.maximum(squares[tasks] - means[tasks] ** 2, 0.0)
    total = np.bincount(workers, weights=apart, minlength=table.n_workers) / np.maximum(given, 1)
    return {
        "chances": chances,
        "means": means,
        "low": points[(sums >= 0.025 - 1e-9).argmax(axis=1)],
        "high": points[(sums >= 0.975 - 1e-9).argmax(axis=1)],
        "biases": biases,
        "spreads": np.sqrt(np.maximum(total - biases**2, 0.0)),
    }


plugin = RatingFuser()
