"""How far calibrated confidence is to be believed: each gold task judged by a fit that did not see it."""

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.calibrating import Counts, Floats, Ints, Reliability, calibrate, fit_calibration, reliability
from crowd_hitl.inference.comparing import right_shares

FOLDS = 5


def judged_by_others(posteriors: Floats, given: Counts, known: Ints, *, softened: float, seed: int) -> Floats:
    """Return the posteriors, those of the gold tasks calibrated by the other parts of the gold: a fit flatters itself.

    `given` (n,) counts each task's answers, `known` (n,) is −1 where no gold is.
    """
    gold: NDArray[np.int64] = np.random.default_rng(seed).permutation(np.flatnonzero(known != -1))
    found = posteriors.copy()
    for fold in range(FOLDS):
        held = gold[fold::FOLDS]
        others = known.copy()
        others[held] = -1
        fitted = fit_calibration(posteriors, given, others, softened=softened)
        found[held] = calibrate(posteriors[held], given[held], fitted, softened=softened)
    return found


def judge(posteriors: Floats, known: Ints, *, threshold: float) -> Reliability:
    """Compare the likeliest label's probability with the truth, over the tasks where that is known."""
    confidences = posteriors[known != -1].max(axis=1)
    return reliability(np.minimum(confidences, 1.0), right_shares(posteriors, known), threshold=threshold)
