"""Adds up what is said of each task, or by each worker."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def added(codes: NDArray[np.integer], weights: Floats, size: int) -> Floats:
    """Return, for every code below `size`, the sum of its weights, in the rows' order."""
    # bincount counts in whole numbers where there are no rows at all.
    return np.bincount(codes, weights=weights, minlength=size).astype(np.float64, copy=False)
