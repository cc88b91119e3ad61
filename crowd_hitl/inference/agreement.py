"""How far workers agree: Krippendorff's alpha, Fleiss' kappa, percent; over all, per class and per item.

All from counts of (task, label): memory and time grow with the answers, not with pairs of answers or of classes.
Krippendorff, *Content Analysis* (2004), ch. 11; Fleiss (1971). None stands for "not defined": no task has two answers,
or only one label was ever given.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.adding import added

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

Metric = Literal["nominal", "ordinal", "interval"]
METRICS: tuple[Metric, ...] = ("nominal", "ordinal", "interval")
TWO_SIDED_95 = 1.959964


@dataclass(frozen=True)
class Tally:
    """How often each label was given to each task: `task`, `label`, `count`, one entry for every cell that is not 0.

    `sizes` (n_tasks,): answers per task. Labels are coded in their order, if they have one.
    """

    task: Longs
    label: Longs
    count: Floats
    sizes: Floats
    n_labels: int

    def pairable(self) -> "Tally":
        """Leave out tasks with one answer: nobody can agree there."""
        kept = self.sizes[self.task] >= 2
        sizes = np.where(self.sizes >= 2, self.sizes, 0.0)
        return Tally(self.task[kept], self.label[kept], self.count[kept], sizes, self.n_labels)


@dataclass(frozen=True)
class Estimate:
    """A measure with its 95% interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassAgreement:
    """Of one class: its share of the answers, the chance that another answer agrees with one of it, and kappa."""

    share: float
    agreement: float | None
    kappa: float | None


def tally(tasks: Ints, labels: Ints, *, n_tasks: int, n_labels: int) -> Tally:
    """Count the answers by task and label."""
    keys, counts = np.unique(tasks.astype(np.int64) * max(n_labels, 1) + labels, return_counts=True)
    sizes = np.bincount(tasks, minlength=n_tasks).astype(np.float64)
    return Tally(keys // max(n_labels, 1), keys % max(n_labels, 1), counts.astype(np.float64), sizes, n_labels)


def krippendorff_alpha(found: Tally, metric: Metric, *, levels: Floats | None = None) -> Estimate | None:
    """Return alpha; `levels` (n_labels,) are the labels' values, needed for `interval`, else their codes count.

    The interval treats the disagreement expected by chance as known and tasks as drawn at random.
    """
    pairable = found.pairable()
    total = float(pairable.sizes.sum())
    if total < 2:
        return None
    places = places_of(pairable, metric, levels)
    counts = added(pairable.label, pairable.count, found.n_labels)
    every = np.arange(found.n_labels)
    overall = Tally(np.zeros_like(every), every, counts, np.array([total]), found.n_labels)
    expected = float(disagreements(overall, places)[0]) / (total * (total - 1.0))
    # Against rounding: values that are all the same have no disagreement to speak of.
    scale = float(np.square(places).max(initial=0.0)) if len(places) else 1.0
    if expected <= 1e-12 * max(scale, 1e-300):
        return None
    seen = disagreements(pairable, places) / np.maximum(pairable.sizes - 1.0, 1.0)
    return ratio(seen, pairable.sizes, expected)


def ratio(seen: Floats, sizes: Floats, expected: float) -> Estimate:
    """Return 1 − observed / expected with its interval; `seen` is the disagreement of each task."""
    total = float(sizes.sum())
    observed = float(seen.sum()) / total
    asked = sizes >= 2
    off = (seen - sizes * observed)[asked]
    units = max(int(asked.sum()), 1)
    error = float(np.sqrt((off**2).sum() * units / max(units - 1, 1))) / total
    value, reach = 1.0 - observed / expected, TWO_SIDED_95 * error / expected
    return Estimate(value=value, low=value - reach, high=min(value + reach, 1.0))


def places_of(found: Tally, metric: Metric, levels: Floats | None) -> Floats:
    """Return where each label stands on the line along which disagreement is squared; unused for `nominal`."""
    if metric == "ordinal":
        # Krippendorff's ordinal difference is the difference of mid-ranks among all pairable answers.
        counts = added(found.label, found.count, found.n_labels)
        return counts.cumsum() - counts / 2.0
    if metric == "interval":
        values = np.arange(found.n_labels, dtype=np.float64) if levels is None else levels.astype(np.float64)
        # Centred: squares of large values that differ little would lose the difference.
        return values - (np.median(values) if len(values) else 0.0)
    return np.zeros(0)


def disagreements(found: Tally, places: Floats) -> Floats:
    """Return, per task, the sum of disagreement over all ordered pairs of its answers."""
    n_tasks = len(found.sizes)
    if not len(places):
        return np.maximum(found.sizes**2 - added(found.task, found.count**2, n_tasks), 0.0)
    first = added(found.task, found.count * places[found.label], n_tasks)
    # About each task's own mean, so that nothing is lost by subtracting large squares.
    means = first / np.maximum(found.sizes, 1.0)
    spread = added(found.task, found.count * (places[found.label] - means[found.task]) ** 2, n_tasks)
    return 2.0 * found.sizes * spread


def item_agreement(found: Tally) -> Floats:
    """Return, per task, the share of pairs of its answers that agree; NaN with fewer than two answers."""
    pairs = found.sizes * (found.sizes - 1.0)
    same = added(found.task, found.count * (found.count - 1.0), len(found.sizes))
    shares: Floats = np.where(pairs > 0, same / np.maximum(pairs, 1.0), np.nan)
    return shares


def item_entropy(found: Tally) -> Floats:
    """Return, per task, the entropy of its answers in nats (crowd-kit's `uncertainty`); 0 without answers."""
    shares = found.count / found.sizes[found.task]
    return added(found.task, -shares * np.log(shares), len(found.sizes))


def percent_agreement(found: Tally) -> float | None:
    """Return the mean over tasks of the share of pairs that agree."""
    shares = item_agreement(found)
    known = ~np.isnan(shares)
    return float(shares[known].mean()) if known.any() else None


def fleiss_kappa(found: Tally) -> float | None:
    """Return Fleiss' kappa; tasks may have different numbers of answers, each of two or more counts once."""
    observed = percent_agreement(found)
    pairable = found.pairable()
    shares = class_shares(pairable)
    by_chance = float((shares**2).sum())
    if observed is None or by_chance >= 1.0 - 1e-12:
        return None
    return (observed - by_chance) / (1.0 - by_chance)


def class_shares(found: Tally) -> Floats:
    """Return each label's share of the answers."""
    counts = added(found.label, found.count, found.n_labels)
    shares: Floats = counts / max(float(counts.sum()), 1.0)
    return shares


def class_agreement(found: Tally) -> list[ClassAgreement]:
    """Return agreement class by class; its kappa is Fleiss' for this class against all others."""
    pairable = found.pairable()
    counts = added(pairable.label, pairable.count, found.n_labels)
    others = np.maximum(pairable.sizes[pairable.task] - 1.0, 1.0)
    same = added(pairable.label, pairable.count * (pairable.count - 1.0) / others, found.n_labels)
    everywhere, among = class_shares(found), class_shares(pairable)
    found_classes = []
    for label in range(found.n_labels):
        agreement = float(same[label] / counts[label]) if counts[label] > 0 else None
        rest = 1.0 - float(among[label])
        kappa = None if agreement is None or rest <= 1e-12 else (agreement - float(among[label])) / rest
        found_classes.append(ClassAgreement(share=float(everywhere[label]), agreement=agreement, kappa=kappa))
    return found_classes
