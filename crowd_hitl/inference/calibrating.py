"""How far a posterior is to be believed: a temperature that grows with the answers, from gold where there is some.

Workers share errors, so that n answers say less than n independent ones, and the more so the more there are. After
Guo et al., On Calibration of Modern Neural Networks (2017); the mixing stands for tasks where the whole crowd is wrong.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import bad_field

Ints = NDArray[np.int32]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

FEWEST_GOLD = 20
# Chosen on the choosing sets of docs/decisions/009; the growth by the fourth root fitted 2, 3, 5 and all answers.
GROWTH = 0.25
BASES = np.exp(np.linspace(np.log(0.3), np.log(10.0), 41))
MIXINGS = np.array([0.0, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
BASE_WEIGHT, MIXING_WEIGHT = 2.0, 10.0
LEAST = 1e-6


@dataclass(frozen=True)
class Calibration:
    """Temperature base · (answers + 2)^¼, and the share by which posteriors are mixed with a uniform one."""

    base: float
    mixing: float = 0.0
    gold: int = 0


# For posteriors at temperature 1, before there is gold.
GOLD_FREE = Calibration(base=1.5)


@dataclass(frozen=True)
class Bin:
    """The tasks whose confidence lies in low … high: how many, their mean confidence, and the share that is right."""

    low: float
    high: float
    tasks: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram and what it adds up to: `ece` is the expected calibration error.

    `claimed` is the share of the tasks at or above the threshold, `kept` the share of those that is right (None: none).
    """

    bins: tuple[Bin, ...]
    ece: float
    tasks: int
    threshold: float
    claimed: float
    kept: float | None


def calibrate(posteriors: Floats, answers: Counts, calibration: Calibration, *, softened: float = 1.0) -> Floats:
    """Return posteriors (n, K) that mean what they say; `answers` (n,) counts each task's answers.

    `softened` is the temperature that the posteriors have been given already. Certain ones (gold) stay certain unless
    they are mixed; no order within a row changes.
    """
    temperatures = calibration.base / softened * (answers + 2.0) ** GROWTH
    weights = np.log(np.maximum(posteriors, 1e-300)) / temperatures[:, None]
    weights = np.exp(weights - weights.max(axis=1, keepdims=True))
    weights[posteriors == 0.0] = 0.0
    shares = weights / weights.sum(axis=1, keepdims=True)
    mixed: Floats = (1.0 - calibration.mixing) * shares + calibration.mixing / posteriors.shape[1]
    return mixed


def fit_calibration(posteriors: Floats, answers: Counts, truth: Ints, *, softened: float = 1.0) -> Calibration:
    """Fit temperature and mixing to the tasks whose truth is known (−1: unknown, −2: no label anybody gave).

    The posteriors must not have seen the gold: weigh the answers without it. Below `FEWEST_GOLD` known tasks it returns
    the gold-free setting; few more draw it only as far as they can (a prior around it, worth some answers).
    """
    known = np.flatnonzero((truth != -1) & (answers > 0))
    if len(known) < FEWEST_GOLD:
        return Calibration(base=GOLD_FREE.base, gold=len(known))
    best, found = -np.inf, GOLD_FREE
    for base in BASES:
        shares = calibrate(posteriors[known], answers[known], Calibration(base), softened=softened)
        right = np.where(truth[known] >= 0, shares[np.arange(len(known)), np.maximum(truth[known], 0)], 0.0)
        for mixing in MIXINGS:
            chances = (1.0 - mixing) * right + mixing / posteriors.shape[1]
            fit = np.log(np.maximum(chances, LEAST)).sum()
            fit -= BASE_WEIGHT * np.log(base / GOLD_FREE.base) ** 2 / 2 + MIXING_WEIGHT * mixing
            if fit > best:
                best, found = fit, Calibration(base=float(base), mixing=float(mixing), gold=len(known))
    return found


def reliability(confidences: Floats, right: Floats, *, bins: int = 10, threshold: float = 0.95) -> Reliability:
    """Compare what is claimed with what is right; `right` (n,) is 0..1, a tie counts in part. BadInput for no task."""
    if not len(confidences):
        raise bad_field("confidences", expected="at least one task whose truth is known", found=0)
    places = np.minimum((confidences * bins).astype(np.int64), bins - 1)
    tasks = np.bincount(places, minlength=bins)
    filled = np.maximum(tasks, 1)
    means = np.bincount(places, weights=confidences, minlength=bins) / filled
    shares = np.bincount(places, weights=right, minlength=bins) / filled
    rows = tuple(
        Bin(place / bins, (place + 1) / bins, int(tasks[place]), float(means[place]), float(shares[place]))
        for place in np.flatnonzero(tasks).tolist()
    )
    high = confidences >= threshold
    return Reliability(
        bins=rows,
        ece=float((tasks * np.abs(means - shares)).sum() / len(confidences)),
        tasks=len(confidences),
        threshold=threshold,
        claimed=float(high.mean()),
        kept=float(right[high].mean()) if high.any() else None,
    )
