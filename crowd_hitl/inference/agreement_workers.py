"""How good each worker is, how sure that is, whether it changed, and what is taken for what.

Right and wrong come from known labels where there are some, else from a one-coin model over the answers themselves,
kept per (task, label) that was given: ten thousand classes cost no more than two.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from crowd_hitl.inference.adding import added
from crowd_hitl.inference.agreement import TWO_SIDED_95, Tally, tally

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SKILL_WEIGHT = 4.0
ITERATIONS = 20
LEAST_VARIANCE = 0.01
# More than there are classes: sets workers apart where worker and class are one number.
_TOO_MANY = 1 << 31


@dataclass(frozen=True)
class Judged:
    """How likely each answer is right: `right` (n_answers,), NaN where it cannot be said; `cells`, the given labels

    of every task with their chance, `chances`, and each worker's skill, shrunk to the crowd's.
    """

    right: Floats
    cells: Tally
    chances: Floats
    skills: Floats


@dataclass(frozen=True)
class History:
    """When each answer came (`when`, growing with time) and the class of each task (`classes`, all 0 without any)."""

    when: Floats
    classes: Ints


@dataclass(frozen=True)
class Drift:
    """Each worker's share of right answers in the last `window` answers and before, against the others' on the same

    tasks: `p` of the change (NaN with too few answers), `flagged` where it got worse beyond what chance does to one
    worker in twenty of those flagged.
    """

    recent: Floats
    before: Floats
    p: Floats
    flagged: Flags


def judge(tasks: Ints, workers: Ints, labels: Ints, *, n_tasks: int, n_workers: int, n_labels: int) -> Judged:
    """Weigh the answers by a one-coin model: each worker is right with his skill, else says any other label.

    An answer that no other stands beside cannot be judged: NaN.
    """
    cells = tally(tasks, labels, n_tasks=n_tasks, n_labels=n_labels)
    cell_of = np.searchsorted(cells.task * max(n_labels, 1) + cells.label, tasks.astype(np.int64) * n_labels + labels)
    order = np.lexsort((labels, tasks, workers))
    beside = cells.sizes[tasks] >= 2
    given = added(workers, beside.astype(np.float64), n_workers)
    unsaid = n_labels - np.bincount(cells.task, minlength=n_tasks)
    skills = np.full(n_workers, 0.7)
    chances = cells.count / np.maximum(cells.sizes[cells.task], 1.0)
    for _ in range(ITERATIONS):
        right = added(workers[order], np.where(beside, chances[cell_of], 0.0)[order], n_workers)
        crowd = (right.sum() + 1.0) / (given.sum() + 2.0)
        before = skills
        skills = np.clip((right + SKILL_WEIGHT * crowd) / (given + SKILL_WEIGHT), 1e-3, 1.0 - 1e-3)
        if n_labels < 2 or np.abs(skills - before).max(initial=0.0) < 1e-6:
            break
        gain = np.log(skills * (n_labels - 1) / (1.0 - skills))
        weight = added(cell_of[order], gain[workers][order], len(cells.task))
        top = np.zeros(n_tasks)
        np.maximum.at(top, cells.task, weight)
        mass = np.exp(weight - top[cells.task])
        chances = mass / (added(cells.task, mass, n_tasks) + unsaid * np.exp(-top))[cells.task]
    return Judged(np.where(beside, chances[cell_of], np.nan), cells, chances, skills)


def judge_by_truth(tasks: Ints, labels: Ints, truth: Ints) -> Floats:
    """Return 1 for right, 0 for wrong answers, NaN where the truth is unknown (−1)."""
    known = truth[tasks]
    right: Floats = np.where(known == -1, np.nan, (known == labels).astype(np.float64))
    return right


def likeliest(judged: Judged) -> Ints:
    """Return each task's likeliest label, the first of those that are level; 0 without answers."""
    found = np.zeros(len(judged.cells.sizes), dtype=np.int32)
    order = np.lexsort((-judged.cells.label, judged.chances, judged.cells.task))
    found[judged.cells.task[order]] = judged.cells.label[order]
    return found


def shares_with_interval(
    right: Floats, workers: Ints, *, n_workers: int, estimated: bool = False
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return, per worker, how many answers were judged, the share of right ones, and Wilson's 95% interval.

    `estimated`: `right` are chances, not findings; the interval then counts as many answers as the chances are worth
    (the missing information of Louis 1982). Without judged answers the share is NaN and the interval 0 to 1.
    """
    judged = ~np.isnan(right)
    order = np.lexsort((right[judged], workers[judged]))
    counts = added(workers[judged], np.ones(int(judged.sum())), n_workers)
    hits = added(workers[judged][order], right[judged][order], n_workers)
    worth = np.ones(n_workers)
    if estimated:
        chances = right[judged][order]
        missing = added(workers[judged][order], chances * (1.0 - chances), n_workers)
        # With two right and two wrong added: a share near 1 would leave nothing to compare with.
        share = (hits + 2.0) / (counts + 4.0)
        worth = np.clip(1.0 - missing / np.maximum(counts * share * (1.0 - share), 1e-9), 0.1, 1.0)
    low, high = wilson(hits * worth, counts * worth)
    return counts, np.where(counts > 0, hits / np.maximum(counts, 1.0), np.nan), low, high


def wilson(hits: Floats, counts: Floats, *, z: float = TWO_SIDED_95) -> tuple[Floats, Floats]:
    """Return Wilson's (1927) interval of a share; 0 to 1 without any count."""
    n = np.maximum(counts, 1e-9)
    share = np.clip(hits / n, 0.0, 1.0)
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    none = counts <= 0
    low: Floats = np.where(none, 0.0, np.clip(middle - reach, 0.0, 1.0))
    high: Floats = np.where(none, 1.0, np.clip(middle + reach, 0.0, 1.0))
    return low, high


def confusion(tasks: Ints, labels: Ints, judged: Judged, *, n_labels: int) -> tuple[Longs, Longs, Floats]:
    """Return (true label, said label, how often), one entry for each pair that is not 0; true ones by their chance."""
    cells = judged.cells
    starts = np.searchsorted(cells.task, np.arange(len(cells.sizes)))
    given = np.bincount(cells.task, minlength=len(cells.sizes))
    keys: list[Longs] = []
    weights: list[Floats] = []
    for place in range(int(given.max(initial=0))):
        there = np.flatnonzero(given[tasks] > place)
        cell = starts[tasks[there]] + place
        keys.append(cells.label[cell] * n_labels + labels[there])
        weights.append(judged.chances[cell])
    return _merged(keys, weights, n_labels)


def confusion_by_truth(tasks: Ints, labels: Ints, truth: Ints, *, n_labels: int) -> tuple[Longs, Longs, Floats]:
    """Return (true label, said label, how often) over the tasks whose truth is a label that was given."""
    known = truth[tasks]
    there = known >= 0
    keys = known[there].astype(np.int64) * n_labels + labels[there]
    return _merged([keys], [np.ones(len(keys))], n_labels)


def drift(tasks: Ints, workers: Ints, right: Floats, history: History, *, window: int, n_workers: int) -> Drift:
    """Compare each worker's last `window` judged answers with those before, by a t-test within classes.

    What is compared is the answer's chance of being right less the mean of the others' on the same task, among tasks
    of one class: hard tasks, or another class, at the end are no drift. Not tested: workers with fewer than two
    windows, and those whose last tasks have no like before. Flags by Benjamini and Hochberg, 5%.
    """
    judged = np.flatnonzero(~np.isnan(right))
    left = _against_others(tasks[judged], right[judged])
    order = np.lexsort((tasks[judged], history.when[judged], workers[judged]))
    who, value, left = workers[judged][order], right[judged][order], left[order]
    counts = np.bincount(who, minlength=n_workers)
    late = (counts.cumsum()[who] - np.arange(len(who)) <= window).astype(np.float64)
    n_late, n_early = added(who, late, n_workers), added(who, 1.0 - late, n_workers)
    # Within a worker's tasks of one class: the slope of being right on being late (Frisch and Waugh).
    _, strata = np.unique(who.astype(np.int64) * _TOO_MANY + history.classes[tasks[judged][order]], return_inverse=True)
    off, lateness = _less_mean(left, strata), _less_mean(late, strata)
    told = added(who, lateness**2, n_workers)
    slope = added(who, lateness * off, n_workers) / np.maximum(told, 1e-9)
    free = np.maximum(counts - _distinct(who, strata, n_workers) - 1.0, 1.0)
    variance = np.maximum(added(who, (off - slope[who] * lateness) ** 2, n_workers) / free, LEAST_VARIANCE)
    tested = (n_early >= window) & (told >= window / 4.0)
    t = np.where(tested, slope * np.sqrt(told / variance), 0.0)
    p = np.where(tested, 2.0 * stdtr(free, -np.abs(t)), np.nan)
    shares = [
        np.where(count > 0, added(who, value * part, n_workers) / np.maximum(count, 1.0), np.nan)
        for part, count in ((late, n_late), (1.0 - late, n_early))
    ]
    return Drift(shares[0], shares[1], p, false_discoveries(p) & (t < 0))


def false_discoveries(p: Floats, *, rate: float = 0.05) -> Flags:
    """Mark the findings of which at most `rate` are expected to be chance (Benjamini and Hochberg 1995)."""
    tested = np.flatnonzero(~np.isnan(p))
    flagged = np.zeros(len(p), dtype=bool)
    order = tested[np.argsort(p[tested], kind="stable")]
    kept = np.flatnonzero(p[order] <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    if len(kept):
        flagged[order[: kept[-1] + 1]] = True
    return flagged


def _less_mean(values: Floats, strata: Longs) -> Floats:
    size = int(strata.max(initial=-1)) + 1
    means = added(strata, values, size) / np.maximum(np.bincount(strata, minlength=size), 1)
    return values - means[strata]


def _distinct(who: Ints, strata: Longs, n_workers: int) -> Longs:
    _, first = np.unique(strata, return_index=True)
    return np.bincount(who[first], minlength=n_workers).astype(np.int64)


def _against_others(tasks: Ints, right: Floats) -> Floats:
    n_tasks = int(tasks.max(initial=-1)) + 1
    order = np.lexsort((right, tasks))
    total, count = added(tasks[order], right[order], n_tasks), np.bincount(tasks, minlength=n_tasks)
    others = (total[tasks] - right) / np.maximum(count[tasks] - 1, 1)
    # Alone on its task an answer is compared with the crowd.
    return right - np.where(count[tasks] > 1, others, right.mean() if len(right) else 0.0)


def _merged(keys: list[Longs], weights: list[Floats], n_labels: int) -> tuple[Longs, Longs, Floats]:
    if not keys:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0)
    cells, places = np.unique(np.concatenate(keys), return_inverse=True)
    total = added(places.ravel(), np.concatenate(weights), len(cells))
    return cells // max(n_labels, 1), cells % max(n_labels, 1), total
