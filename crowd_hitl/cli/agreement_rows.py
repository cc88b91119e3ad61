"""The rows that `crowd-hitl agreement` shows: classes, items, workers, pairs of workers, confusions."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from crowd_hitl.cli.agreement_files import Voices
from crowd_hitl.domain.ports import Floats, Ints
from crowd_hitl.inference.agreement import Estimate, Tally, class_agreement, item_entropy
from crowd_hitl.inference.agreement_pairs import PairTotals
from crowd_hitl.inference.agreement_workers import History, Judged, confusion, confusion_by_truth, drift, wilson

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Judgement:
    """Of every worker: how many answers were judged, the skill and its interval; and how right every answer is.

    `classes`: each task's class.
    `crowd`: what a model of the answers says of the tasks; None where the truth, or a fuser, was asked instead.
    """

    counts: Floats
    skills: Floats
    low: Floats
    high: Floats
    right: Floats
    classes: Ints
    crowd: Judged | None = None


def class_rows(voices: Voices, cells: Tally) -> Rows:
    """Return agreement class by class, the most frequent first."""
    rows = [
        {
            "label": name,
            "share": rounded(found.share),
            "agreement": rounded(found.agreement),
            "kappa": rounded(found.kappa),
        }
        for name, found in zip(voices.label_names, class_agreement(cells), strict=True)
    ]
    return sorted(rows, key=lambda row: -cast(float, row["share"]))


def item_rows(voices: Voices, cells: Tally, shares: Floats) -> Rows:
    """Return agreement item by item, in the file's order."""
    return [
        {"task": name, "answers": int(size), "agreement": rounded(share), "entropy": rounded(disorder)}
        for name, size, share, disorder in zip(voices.task_names, cells.sizes, shares, item_entropy(cells), strict=True)
    ]


def worker_rows(voices: Voices, totals: PairTotals, judged: Judgement, *, window: int) -> Rows:
    """Return every worker: agreement with the others, skill with its interval, and whether it drifted."""
    n_workers = len(voices.worker_names)
    answers = np.bincount(voices.workers, minlength=n_workers)
    near = np.where(totals.worker_pairs > 0, 1.0 - totals.worker_apart / np.maximum(totals.worker_pairs, 1.0), np.nan)
    # The file's order is no time: without a column that says it nothing is tested.
    right = judged.right if voices.timed else np.full(len(voices.tasks), np.nan)
    history = History(voices.when, judged.classes)
    moved = drift(voices.tasks, voices.workers, right, history, window=window, n_workers=n_workers)
    return [
        {
            "worker": name,
            "answers": int(answers[code]),
            "agreement": rounded(near[code]),
            "skill": rounded(judged.skills[code]),
            "low": rounded(judged.low[code]),
            "high": rounded(judged.high[code]),
            "before": rounded(moved.before[code]),
            "recent": rounded(moved.recent[code]),
            "p": rounded(moved.p[code]),
            "drifted": bool(moved.flagged[code]),
        }
        for code, name in enumerate(voices.worker_names)
    ]


def pair_rows(voices: Voices, totals: PairTotals, *, most: int) -> Rows:
    """Return pairs of workers who met, those with most answers in common first, with Wilson's interval."""
    chosen = np.lexsort((totals.second, totals.first, -totals.shared))[:most]
    agreed = totals.shared[chosen] - totals.apart[chosen]
    low, high = wilson(agreed, totals.shared[chosen])
    return [
        {
            "worker": voices.worker_names[totals.first[pair]],
            "other": voices.worker_names[totals.second[pair]],
            "shared": int(totals.shared[pair]),
            "agreement": rounded(share / totals.shared[pair]),
            "low": rounded(least),
            "high": rounded(largest),
        }
        for pair, share, least, largest in zip(chosen, agreed, low, high, strict=True)
    ]


def confusion_rows(voices: Voices, judged: Judgement, truth: Ints | None) -> Rows:
    """Return what is said where which label holds, the most frequent first; nothing for values that are no classes."""
    n_labels = len(voices.label_names)
    if judged.crowd is not None:
        true, said, counts = confusion(voices.tasks, voices.labels, judged.crowd, n_labels=n_labels)
    elif truth is not None:
        true, said, counts = confusion_by_truth(voices.tasks, voices.labels, truth, n_labels=n_labels)
    else:
        return []
    of_true = np.bincount(true, weights=counts, minlength=n_labels)
    return [
        {
            "true": voices.label_names[true[cell]],
            "said": voices.label_names[said[cell]],
            "count": round(float(counts[cell]), 2),
            "share": rounded(counts[cell] / of_true[true[cell]]),
        }
        for cell in np.lexsort((said, true, -counts))
        if counts[cell] >= 0.005
    ]


def estimate(found: Estimate | None) -> dict[str, float | None] | None:
    """Return an estimate as plain numbers."""
    return None if found is None else {name: rounded(value) for name, value in vars(found).items()}


def rounded(value: float | None) -> float | None:
    """Return a number of six digits; None for what is not known."""
    return None if value is None or np.isnan(value) else round(float(value), 6)
