"""Several masks of one image become one, as crowd-kit's segmentation models do it, on pieces instead of pixels.

All pixels of a piece were marked by the same people, so they have the same result: the numbers are crowd-kit's, but a
mask of millions of pixels costs no more than its runs. After Jung-Lin Lee, Das Sarma and Parameswaran, Aggregating
Crowdsourced Image Segmentations (2018), and Li and Fukumoto (2019) for RASA.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.sweeps import LEVEL, outvoted, pieces, runs_of

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ITERATIONS = 10
TOLERANCE = 1e-5
SMALLEST = 1e-15
RASA_BIAS = 1e-5
# Above so many pieces times masks the majority decides: the matrix would not fit into memory.
LARGEST_MATRIX = 20_000_000
# (covers, lengths of the pieces) → which pieces are inside
Model = Callable[[Bools, Floats], Bools]


def weighted_majority(regions: Sequence[Floats], weights: Floats, *, size: float) -> Floats:
    """Return what more than half of the weight covers."""
    return outvoted(regions, weights, above=float(weights.sum()) / 2 + LEVEL)


def majority(regions: Sequence[Floats], weights: Floats, *, size: float) -> Floats:
    """Return what at least half of the answers cover, as crowd-kit's SegmentationMajorityVote does."""
    return outvoted(regions, weights, above=float(weights.sum()) / 2 - LEVEL)


def expectation(regions: Sequence[Floats], weights: Floats, *, size: float) -> Floats:
    """Return what crowd-kit's SegmentationEM finds: one skill for each mask, and the pixels that follow from them."""
    return _modelled(regions, weights, size=size, model=_em)


def reliability(regions: Sequence[Floats], weights: Floats, *, size: float) -> Floats:
    """Return what crowd-kit's SegmentationRASA finds: masks weighted by their overlap with what wins, in turn."""
    return _modelled(regions, weights, size=size, model=_rasa)


def _modelled(regions: Sequence[Floats], weights: Floats, *, size: float, model: Model) -> Floats:
    # Equal masks came together; crowd-kit's models know each by itself.
    times = np.rint(weights).astype(np.int64)
    edges = sum(len(region) for region in regions)
    if edges * int(times.sum()) > LARGEST_MATRIX:
        return majority(regions, weights, size=size)
    places, covers = pieces(regions, size=size)
    lengths = np.diff(np.append(places, size))
    # What is wrong with logarithms of nothing is settled where they are used.
    with np.errstate(all="ignore"):
        inside = model(np.repeat(covers, times, axis=0), lengths)
    return runs_of(np.append(places, size), np.append(inside, False))


def _em(covers: Bools, lengths: Floats) -> Bools:
    priors = covers.mean(axis=0)
    region = float(lengths[covers.any(axis=0)].sum())
    if region == 0:
        return np.zeros(len(lengths), dtype=bool)
    right = _right(covers, np.round(priors), lengths, region)
    loss = -np.inf
    for _ in range(ITERATIONS):
        said = np.where(covers, right[:, None], 1.0 - right[:, None])
        yes = np.exp(np.log(priors) + np.log(said).sum(axis=0))
        no = np.exp(np.log(1.0 - priors) + np.log(1.0 - said).sum(axis=0))
        posteriors = np.nan_to_num(yes / (yes + no), nan=0.0)
        posteriors[posteriors < SMALLEST] = 0.0
        right = _right(covers, posteriors, lengths, region)
        bound = _bound(covers, priors, posteriors, right, lengths)
        priors = posteriors
        if bound - loss < TOLERANCE:
            break
        loss = bound
    inside: Bools = priors > 0.5
    return inside


def _right(covers: Bools, posteriors: Floats, lengths: Floats, region: float) -> Floats:
    """Return each mask's expected share of right pixels, among those that anybody marked."""
    both = (covers * posteriors) @ lengths
    wrong: Floats = (covers @ lengths + float(posteriors @ lengths) - 2.0 * both) / region
    return 1.0 - wrong


def _bound(covers: Bools, priors: Floats, posteriors: Floats, right: Floats, lengths: Floats) -> float:
    """Return crowd-kit's evidence lower bound, by which it stops."""
    said = np.where(covers, right[:, None], 1.0 - right[:, None])
    yes = np.nan_to_num((np.log(said) + np.log(priors)) * posteriors, nan=0.0)
    no = np.nan_to_num((np.log(1.0 - said) + np.log(1.0 - priors)) * (1.0 - posteriors), nan=0.0)
    entropy = np.nan_to_num(np.log(posteriors) * posteriors, nan=0.0)
    total = ((yes + no) @ lengths).sum() - entropy @ lengths
    return float(total / (len(covers) * lengths.sum()))


def _rasa(covers: Bools, lengths: Floats) -> Bools:
    weights = np.full(len(covers), 1.0 / len(covers))
    inside = np.zeros(len(lengths), dtype=bool)
    last: Floats | None = None
    for _ in range(ITERATIONS):
        cover = (weights * covers.T).T.sum(axis=0)
        inside = cover >= 0.5
        union = (covers | inside) @ lengths
        # crowd-kit divides 0 by 0 where neither the mask nor the result has a pixel: they are equal.
        apart = 1.0 - np.where(union > 0, ((covers & inside) @ lengths) / union, 1.0)
        weights = np.log(1.0 / (apart + RASA_BIAS) + 1.0)
        weights = weights / weights.sum()
        if last is not None:
            moved, whole = ((cover - last) ** 2) @ lengths, (cover**2) @ lengths
            if whole == 0 or moved / whole < TOLERANCE:
                break
        last = cover
    return inside
