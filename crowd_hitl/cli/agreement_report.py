"""What `crowd-hitl agreement` finds: measures over all, by class, item, worker and pair of workers, as plain rows."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.cli.agreement_files import Voices
from crowd_hitl.cli.agreement_rows import (
    Judgement,
    class_rows,
    confusion_rows,
    estimate,
    item_rows,
    pair_rows,
    rounded,
    worker_rows,
)
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Floats, Fuser, Ints, ValueTable
from crowd_hitl.inference.agreement import METRICS, Metric, fleiss_kappa, krippendorff_alpha, places_of, tally
from crowd_hitl.inference.agreement_pairs import alpha_by_distance, total_pairs
from crowd_hitl.inference.agreement_workers import judge, judge_by_truth, likeliest, shares_with_interval

Longs = NDArray[np.int64]
UNKNOWN, NEVER_GIVEN = -1, -2
# Sums of squares of what is larger do not fit into a float.
LARGEST = 1e100


@dataclass(frozen=True)
class Asked:
    """What to measure: by which metric, or kind of question, and how much to list.

    `fuser`, `spec`: of the kind of question; for `interval` what weighs numbers.
    """

    metric: str
    order: Sequence[str] | None = None
    fuser: Fuser | None = None
    spec: Mapping[str, Any] | None = None
    window: int = 20
    pairs: int = 1000
    seed: int = 0

    @property
    def of_classes(self) -> bool:
        """Say whether labels are classes, of which an answer is right or wrong, and not values that are near or far."""
        return self.metric in ("nominal", "ordinal")


def measure(
    voices: Voices, asked: Asked, known: Mapping[str, str] | None, progress: Callable[[int], None]
) -> dict[str, Any]:
    """Return all findings; None where a measure is not defined."""
    n_tasks, n_workers, n_labels = len(voices.task_names), len(voices.worker_names), len(voices.label_names)
    distances = distances_of(voices, asked)
    totals = total_pairs(
        voices.tasks, voices.workers, distances, n_tasks=n_tasks, n_workers=n_workers, progress=progress
    )
    cells = tally(voices.tasks, voices.labels, n_tasks=n_tasks, n_labels=n_labels)
    if asked.metric in METRICS:
        alpha = krippendorff_alpha(cells, asked.metric, levels=levels_of(voices, asked))
    else:
        alpha = alpha_by_distance(voices.tasks, totals, distances, seed=asked.seed, n_tasks=n_tasks)
    truth = None if known is None else truth_codes(voices, known)
    judged = judge_workers(voices, asked, truth, known)
    shares = np.where(totals.task_pairs > 0, 1.0 - totals.task_apart / np.maximum(totals.task_pairs, 1.0), np.nan)
    compared = int((totals.task_pairs > 0).sum())
    return {
        "metric": asked.metric,
        "tasks": n_tasks,
        "workers": n_workers,
        "answers": len(voices.tasks),
        "repeats": voices.repeats,
        "tasks_compared": compared,
        "alpha": estimate(alpha),
        "fleiss_kappa": rounded(fleiss_kappa(cells)) if asked.of_classes else None,
        "agreement": rounded(float(np.nanmean(shares))) if compared else None,
        "by_class": class_rows(voices, cells) if asked.of_classes else [],
        "by_item": item_rows(voices, cells, shares),
        "by_worker": worker_rows(voices, totals, judged, window=asked.window),
        "by_pair": pair_rows(voices, totals, most=asked.pairs),
        "confusion": confusion_rows(voices, judged, truth) if asked.of_classes else [],
    }


def levels_of(voices: Voices, asked: Asked) -> Floats | None:
    """Return the labels' values for `interval` and `ordinal`, in the labels' coded order; None for `nominal`."""
    if asked.metric == "nominal":
        return None
    if asked.order is not None:
        places = {name: float(place) for place, name in enumerate(asked.order)}
        for name in voices.label_names:
            if name not in places:
                raise bad_field("order", expected=f"all labels, '{name[:40]}' too", found=",".join(asked.order))
        return np.array([places[name] for name in voices.label_names])
    expected = f"numbers up to 1e100, as --metric {asked.metric} needs an order; name it with --order low,middle,high"
    return np.array([number_of(name, expected=expected) for name in voices.label_names])


def number_of(text: str, *, expected: str) -> float:
    """Return the number that a label is; BadInput for one that is none, or too large to be squared."""
    try:
        found = float(text)
    except ValueError:
        found = np.nan
    if not abs(found) <= LARGEST:
        raise bad_field("label", expected=expected, found=text)
    return found


def in_order(voices: Voices, asked: Asked) -> Voices:
    """Code the labels in their order, so that codes can be ranked."""
    levels = levels_of(voices, asked) if asked.metric in METRICS else None
    if levels is None:
        return voices
    order = np.argsort(levels, kind="stable")
    codes = np.empty(len(order), dtype=np.int32)
    codes[order] = np.arange(len(order), dtype=np.int32)
    names = [voices.label_names[place] for place in order]
    return replace(voices, labels=codes[voices.labels], label_names=names)


def recoded(voices: Voices, names: Sequence[str]) -> Voices:
    """Give the labels other names; those with one name become one label."""
    kept = sorted(set(names))
    places = {name: place for place, name in enumerate(kept)}
    codes = np.array([places[name] for name in names], dtype=np.int32)
    return replace(voices, labels=codes[voices.labels], label_names=kept)


def distances_of(voices: Voices, asked: Asked) -> Callable[[Longs, Longs], Floats]:
    """Return how far two answers are apart, 0 to 1, by their places in the table."""
    labels = voices.labels
    if asked.fuser is not None and asked.metric not in METRICS:
        return LabelDistances(voices, asked.fuser, asked.spec or {}).between
    if asked.metric == "nominal":
        return lambda one, other: (labels[one] != labels[other]).astype(np.float64)
    cells = tally(voices.tasks, labels, n_tasks=len(voices.task_names), n_labels=len(voices.label_names))
    places = places_of(cells, cast(Metric, asked.metric), levels_of(voices, asked))
    reach = float(np.ptp(places)) or 1.0
    return lambda one, other: np.abs(places[labels[one]] - places[labels[other]]) / reach


class LabelDistances:
    """Asks a fuser how far two values are apart, each two different values once."""

    def __init__(self, voices: Voices, fuser: Fuser, spec: Mapping[str, Any]) -> None:
        self.labels = voices.labels.astype(np.int64)
        self.values = [json.loads(name) for name in voices.label_names]
        self.fuser, self.spec = fuser, spec

    def between(self, one: Longs, other: Longs) -> Floats:
        """Return the distances of answers."""
        size = len(self.values)
        first, second = self.labels[one], self.labels[other]
        keys, places = np.unique(np.minimum(first, second) * size + np.maximum(first, second), return_inverse=True)
        found = [self.of_labels(int(key // size), int(key % size)) for key in keys]
        return np.array(found, dtype=np.float64)[places.ravel()]

    def of_labels(self, first: int, second: int) -> float:
        """Return the distance of two labels by code."""
        if first == second:
            return 0.0
        return float(self.fuser.distance(self.values[first], self.values[second], spec=self.spec))


def truth_codes(voices: Voices, known: Mapping[str, str]) -> Ints:
    """Return each task's true label, −1 where unknown, −2 where nobody gave it."""
    codes = {name: code for code, name in enumerate(voices.label_names)}
    found = [codes.get(known[task], NEVER_GIVEN) if task in known else UNKNOWN for task in voices.task_names]
    return np.array(found, dtype=np.int32)


def judge_workers(voices: Voices, asked: Asked, truth: Ints | None, known: Mapping[str, str] | None) -> Judgement:
    """Say how right every answer is, by the truth or by what all of them agree on, and with it every worker's skill."""
    n_tasks, n_workers, n_labels = len(voices.task_names), len(voices.worker_names), len(voices.label_names)
    if asked.fuser is not None:
        return judge_values(voices, asked, asked.fuser, known)
    if truth is not None:
        right = judge_by_truth(voices.tasks, voices.labels, truth)
        return Judgement(*shares_with_interval(right, voices.workers, n_workers=n_workers), right, np.maximum(truth, 0))
    crowd = judge(voices.tasks, voices.workers, voices.labels, n_tasks=n_tasks, n_workers=n_workers, n_labels=n_labels)
    shares = shares_with_interval(crowd.right, voices.workers, n_workers=n_workers, estimated=True)
    return Judgement(*shares, crowd.right, likeliest(crowd), crowd)


def judge_values(voices: Voices, asked: Asked, fuser: Fuser, known: Mapping[str, str] | None) -> Judgement:
    """Do the same for values: an answer is as right as it is near the truth, or near what the answers are fused to."""
    spec, n_workers = asked.spec or {}, len(voices.worker_names)
    levels = levels_of(voices, asked) if asked.metric in METRICS else None
    values = [json.loads(name) for name in voices.label_names] if levels is None else levels.tolist()
    alone = np.bincount(voices.tasks, minlength=len(voices.task_names))[voices.tasks] < 2
    if known is not None:
        agreed = [true_value(known[task], asked) if task in known else None for task in voices.task_names]
        alone[:] = False
    else:
        said = [values[label] for label in voices.labels]
        table = ValueTable(voices.tasks, voices.workers, said, len(voices.task_names), n_workers, spec)
        agreed = list(fuser.fuse(table, seed=asked.seed).values)
    right = np.array(
        [
            np.nan if agreed[task] is None or one else 1.0 - fuser.distance(values[label], agreed[task], spec=spec)
            for task, label, one in zip(voices.tasks, voices.labels, alone, strict=True)
        ],
        dtype=np.float64,
    )
    no_class = np.zeros(len(voices.task_names), dtype=np.int32)
    return Judgement(*shares_with_interval(right, voices.workers, n_workers=n_workers), right, no_class)


def true_value(text: str, asked: Asked) -> Any:
    """Return what the truth says of a task, as a value that can be compared with an answer's."""
    if asked.metric not in METRICS:
        return json.loads(text)
    if asked.order is not None and text in asked.order:
        return float(asked.order.index(text))
    return number_of(text, expected="true values that are numbers up to 1e100")
