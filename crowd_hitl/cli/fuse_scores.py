"""How right fused values are where the truth is known, in the field's own measures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.cli.value_files import TEXTS
from crowd_hitl.domain.ports import Fuser
from crowd_hitl.inference.words import Normalisation, edits, keys_of

Pairs = Sequence[tuple[Any, Any]]


def scores_of(kind: str, pairs: Pairs, fuser: Fuser, spec: Mapping[str, Any]) -> dict[str, float]:
    """Score pairs of a fused value and the true one; nothing where there are none.

    `likeness` is 1 − the mean distance, `exact` the share at distance 0; texts have their word error rate too (edits by
    words of the truth, all together), marks the F1 of those that are exactly right.
    """
    if not pairs:
        return {}
    # What rounding leaves of nothing is nothing.
    apart = np.round([fuser.distance(value, truth, spec=spec) for value, truth in pairs], 9)
    found = {"likeness": 1.0 - float(apart.mean()), "exact": float((apart == 0).mean())}
    if kind in TEXTS:
        found["wer"] = error_rate(pairs, Normalisation.of(spec))
    elif all(isinstance(mark, Mapping) for pair in pairs for value in pair for mark in marks_of(value)):
        found |= exact_marks(pairs)
    return {name: round(share, 6) for name, share in found.items()}


def error_rate(pairs: Pairs, rule: Normalisation) -> float:
    """Return the word error rate of all texts together."""
    words = [(keys_of(value, rule), keys_of(truth, rule)) for value, truth in pairs]
    return sum(edits(*pair) for pair in words) / max(sum(len(truth) for _, truth in words), 1)


def exact_marks(pairs: Pairs) -> dict[str, float]:
    """Return precision, recall and F1 of the marks that are just like a true one; nothing where there are no marks."""
    given = known = right = 0
    for value, truth in pairs:
        ours, theirs = marks_of(value), marks_of(truth)
        given, known = given + len(ours), known + len(theirs)
        right += sum(mark in theirs for mark in ours)
    if not given + known:
        return {}
    return {"f1": 2 * right / (given + known), "precision": right / max(given, 1), "recall": right / max(known, 1)}


def marks_of(value: Any) -> Sequence[Any]:
    """Return the marks of a value; one that is no list counts as something else."""
    return value if isinstance(value, list) else [value]
