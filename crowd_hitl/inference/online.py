"""One task by itself: its posterior in O(K) for each answer, with the workers' matrices of the last pass over all.

A pass leaves a `Snapshot` (domain/snapshots.py). Plain Python, as numpy's calls cost more than K additions.
"""

from collections.abc import Sequence
from math import exp

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.snapshots import Snapshot
from crowd_hitl.inference.calibrating import GROWTH, Calibration
from crowd_hitl.inference.pooled import Fitted

LEAST_CHANCE = 1e-12
# (worker, label) as codes; None is a worker whom the pass did not know.
Said = Sequence[tuple[int | None, int]]


def posterior(
    snapshot: Snapshot, said: Said, *, temperature: float = 1.0, calibration: Calibration | None = None
) -> list[float]:
    """Return the probabilities of the classes, summing to 1, from all that was said of one task.

    Softened by the temperature, or calibrated as the pass was; uniform without an answer. BadInput for a label beyond
    the snapshot's.
    """
    size = len(snapshot.log_prior)
    if not said:
        return [1.0 / size] * size
    logits: list[float] = snapshot.log_prior.tolist()
    for worker, label in said:
        logits = [a + b for a, b in zip(logits, row(snapshot, worker, label), strict=True)]
    mixing = 0.0
    if calibration is not None:
        temperature, mixing = calibration.base * (len(said) + 2.0) ** GROWTH, calibration.mixing
    top = max(logits)
    weights = [exp((logit - top) / temperature) for logit in logits]
    kept, added = (1.0 - mixing) / sum(weights), mixing / size
    return [weight * kept + added for weight in weights]


def row(snapshot: Snapshot, worker: int | None, label: int) -> list[float]:
    """Return what one answer says for each class, as logarithms."""
    if not 0 <= label < len(snapshot.log_prior):
        raise bad_field("label", expected=f"a code from 0 to {len(snapshot.log_prior) - 1}", found=label)
    known = worker is not None and 0 <= worker < len(snapshot.log_chances)
    found: list[float] = (snapshot.log_chances[worker, label] if known else snapshot.log_crowd[label]).tolist()
    return found


def take_snapshot(fitted: Fitted) -> Snapshot:
    """Keep what a fit knows of the workers."""
    return Snapshot(
        log_chances=np.log(np.maximum(fitted.chances, LEAST_CHANCE)),
        log_crowd=np.log(np.maximum(fitted.crowd, LEAST_CHANCE)),
        log_prior=np.log(fitted.prior),
    )
