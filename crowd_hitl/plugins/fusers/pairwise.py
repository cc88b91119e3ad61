"""Which of two: what was said of the pair, and what all other comparisons say of its two things (Bradley–Terry)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Fused, ValueTable
from crowd_hitl.inference.pair_tasks import OutcomeSettings, Shown, fit_outcomes
from crowd_hitl.inference.pairs import Comparisons, PairSettings, fit_noisy
from crowd_hitl.plugins.fusers.value_tables import as_classes, as_share, likeliest

SIDES = ("left", "right", "tie")
WON = {"left": 1.0, "right": 0.0, "tie": 0.5}


class PairwiseFuser:
    """Confidence is the chance of the side, skill the share of right answers.

    What is compared is read from `contents`, by the columns that the question names; without it only the answers to
    the pair itself count. `details`, with contents: `things` (names), `scores` and `errors` by noisy Bradley–Terry,
    `looking` and `leftward` of every worker (how often he looks, and takes the left when he does not).
    """

    name = "pairwise"
    kinds: Sequence[str] = ("pairwise",)
    right_within = 0.0
    reads_contents = True

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Weigh all answers; sides that are level are taken in a seeded order."""
        sides = SIDES if answers.spec.get("tie", False) else SIDES[:2]
        table = as_classes(answers, lambda where, value: side_code(where, value, sides), n_labels=len(sides))
        shown, things = what_is_shown(answers)
        chances, skills = fit_outcomes(table, shown, OutcomeSettings())
        fused, confidences = likeliest(answers, chances, sides, seed=seed)
        details = {"chances": chances} if shown is None else {"chances": chances, **scored(answers, shown, things)}
        return Fused(fused, confidences, as_share(skills), details)

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return 0 for the same side, 1 for the other one, ½ for a tie against a side."""
        return abs(WON[str(one)] - WON[str(other)])


def side_code(where: str, value: Any, sides: Sequence[str]) -> int:
    """Return a side's code; BadInput if it is none."""
    if not isinstance(value, str) or value not in sides:
        raise bad_field(where, expected="one of " + ", ".join(sides), found=value)
    return sides.index(value)


def what_is_shown(answers: ValueTable) -> tuple[Shown | None, list[str]]:
    """Return what each task compares and the things' names in their order; None where no task says it."""
    contents = answers.contents or {}
    pairs = {
        task: (thing(contents[task], answers.spec, "left"), thing(contents[task], answers.spec, "right"))
        for task in contents
    }
    things = sorted({name for pair in pairs.values() for name in pair if name is not None})
    if not things:
        return None, []
    codes = {name: code for code, name in enumerate(things)}
    columns = np.full((answers.n_tasks, 2), -1, dtype=np.int32)
    for task, pair in pairs.items():
        columns[task] = [-1 if name is None else codes[name] for name in pair]
    return Shown(columns[:, 0].copy(), columns[:, 1].copy(), len(things)), things


def thing(content: Content, spec: Mapping[str, Any], side: str) -> str | None:
    """Return what stands on a side, as text; None where the item lacks the column."""
    found = content.data.get(spec.get(side, side))
    return None if found is None else str(found)


def scored(answers: ValueTable, shown: Shown, things: Sequence[str]) -> dict[str, Any]:
    """Return the things' scores, and what they show of the workers."""
    left, right = shown.left[answers.tasks], shown.right[answers.tasks]
    both = (left >= 0) & (right >= 0)
    won = np.array([WON[value] for value in answers.values])[both]
    table = Comparisons(left[both], right[both], won, answers.workers[both], len(things), answers.n_workers)
    fit = fit_noisy(table, PairSettings())
    return {
        "things": list(things),
        "scores": fit.scores,
        "errors": fit.errors,
        "looking": fit.looking,
        "leftward": fit.leftward,
    }


plugin = PairwiseFuser()
