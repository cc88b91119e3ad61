"""Orders: the weighted Kemeny order, workers weighed by how far their orders go with the others'."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Fused, Ints, ValueTable
from crowd_hitl.inference.answers import check_values
from crowd_hitl.inference.rankings import Rankings, RankingSettings, fit_rankings
from crowd_hitl.plugins.fusers.value_tables import answered, as_share
from crowd_hitl.plugins.questions.checking import values_of


class RankingFuser:
    """Confidence is the chance that every pair of neighbours stands right; skill the share of pairs put right.

    Where only the first few are ranked, the value holds as many, and the last of them against the next counts too.
    `details`: `orders`, all options from best to worst, and `sure`, the chance of each pair of neighbours.
    """

    name = "ranking"
    kinds: Sequence[str] = ("ranking",)
    right_within = 0.25
    reads_contents = False

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Weigh all answers; options that are level are taken in a seeded order."""
        check_values(answers)
        options = values_of(answers.spec)
        codes = {option: code for code, option in enumerate(options)}
        places = as_places("values", dict(enumerate(answers.values)), codes, rows=len(answers.values))
        known = as_places("gold", answers.gold, codes, rows=answers.n_tasks) if answers.gold else None
        table = Rankings(answers.tasks, answers.workers, places, answers.n_tasks, answers.n_workers, known)
        fit = fit_rankings(table, RankingSettings(), seed=seed)
        most = int(answers.spec.get("max_ranked", len(options)))
        there = answered(answers)
        fused: list[Any] = [
            [options[code] for code in order[:most]] if is_there else None
            for order, is_there in zip(fit.orders, there, strict=True)
        ]
        for task, value in (answers.gold or {}).items():
            fused[task] = list(value)
        confidences = np.where(there, fit.sure[:, :most].prod(axis=1), 0.0)
        confidences[list(answers.gold or {})] = 1.0
        return Fused(fused, as_share(confidences), as_share(fit.skills), {"orders": fit.orders, "sure": fit.sure})

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return Kendall's share of pairs that stand the other way round; a pair that one leaves open counts half."""
        options = values_of(spec)
        first, second = (as_ranks(order) for order in (one, other))
        away, pairs = 0.0, 0
        for a, b in combinations(options, 2):
            x, y = (ranks.get(a, len(options)) - ranks.get(b, len(options)) for ranks in (first, second))
            away += 0.5 if (x == 0) != (y == 0) else float(x * y < 0)
            pairs += 1
        return away / pairs if pairs else 0.0


def as_ranks(order: Sequence[str]) -> dict[str, int]:
    """Return each listed option's place."""
    return {option: place for place, option in enumerate(order)}


def as_places(where: str, values: Mapping[int, Any], codes: Mapping[str, int], *, rows: int) -> Ints:
    """Return where every value puts each option, −1 in rows without a value; BadInput naming the first that is none."""
    places = np.full((rows, len(codes)), -1, dtype=np.int32)
    for row, value in values.items():
        if not isinstance(value, Sequence) or isinstance(value, str) or len(set(map(str, value))) != len(value):
            raise bad_field(f"{where}[{row}]", expected="a list of different options", found=value)
        places[row] = len(value)
        for place, option in enumerate(value):
            if not isinstance(option, str) or option not in codes:
                raise bad_field(f"{where}[{row}]", expected="options of the question", found=option)
            places[row, codes[option]] = place
    return places


plugin = RankingFuser()
