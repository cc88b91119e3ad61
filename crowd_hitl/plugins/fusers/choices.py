"""Several options at once: each weighed as a yes or no of its own, the likeliest that may be chosen together taken."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Fused, Ints, ValueTable
from crowd_hitl.inference.answers import Answers, Floats, check_values
from crowd_hitl.inference.multilabel import Flags, Sets, choose, fit_each_label, set_confidences, set_skills
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled
from crowd_hitl.plugins.fusers.value_tables import answered, as_share
from crowd_hitl.plugins.questions.checking import values_of

SKILL_WEIGHT = 4.0


class ChoicesFuser:
    """Confidence is the chance that the whole set is right; skill how much of what a worker chose or missed is right.

    `details`: `chances` (n_tasks, n_options), in the options' order.
    """

    name = "choices"
    kinds: Sequence[str] = ("choices",)
    right_within = 0.25
    reads_contents = False

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Weigh all answers; options that are level are taken in a seeded order."""
        check_values(answers)
        options = values_of(answers.spec)
        codes = {option: code for code, option in enumerate(options)}
        chosen = as_flags("values", dict(enumerate(answers.values)), codes, rows=len(answers.values))
        known = known_sets(answers, codes)
        sets = Sets(answers.tasks, answers.workers, chosen, answers.n_tasks, answers.n_workers, known)
        chances = fit_each_label(sets, pooled)
        fewest, most = int(answers.spec.get("min_chosen", 1)), int(answers.spec.get("max_chosen", len(options)))
        picked = choose(chances, fewest=fewest, most=most, seed=seed)
        if known is not None:
            picked = np.where(known >= 0, known == 1, picked)
        there = answered(answers)
        fused = [
            [options[code] for code in np.flatnonzero(row)] if is_there else None
            for row, is_there in zip(picked, there, strict=True)
        ]
        confidences = np.where(there, set_confidences(chances, picked), 0.0)
        skills = set_skills(sets, chances, weight=SKILL_WEIGHT)
        return Fused(fused, as_share(confidences), as_share(skills), {"chances": chances})

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return 1 less Jaccard's share: what both chose, of what either chose."""
        first, second = set(one), set(other)
        either = first | second
        return 1.0 - len(first & second) / len(either) if either else 0.0


def pooled(table: Answers) -> tuple[Floats, Floats]:
    """Fit one option's yes or no."""
    return fit_pooled(table, PooledSettings())


def as_flags(where: str, values: Mapping[int, Any], codes: Mapping[str, int], *, rows: int) -> Flags:
    """Return one row of flags per value; BadInput naming the first that is no list of options."""
    flags = np.zeros((rows, len(codes)), dtype=bool)
    for place, value in values.items():
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise bad_field(f"{where}[{place}]", expected="a list of options", found=value)
        for option in value:
            if not isinstance(option, str) or option not in codes:
                raise bad_field(f"{where}[{place}]", expected="options of the question", found=option)
            flags[place, codes[option]] = True
    return flags


def known_sets(answers: ValueTable, codes: Mapping[str, int]) -> Ints | None:
    """Return 1 and 0 for the options of a task whose set is known, −1 for all others."""
    if not answers.gold:
        return None
    known = np.full((answers.n_tasks, len(codes)), -1, dtype=np.int32)
    flags = as_flags("gold", answers.gold, codes, rows=answers.n_tasks)
    for task in answers.gold:
        known[task] = flags[task]
    return known


plugin = ChoicesFuser()
