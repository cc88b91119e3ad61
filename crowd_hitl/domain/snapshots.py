"""What a weighing knows of the workers, kept so that a few more answers can be weighed without all the others."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Snapshot:
    """What an answer says for each class, as logarithms; codes as in the table that was weighed.

    `log_chances[w, l]` (K,) is what the answer l of worker w says, `log_crowd[l]` (K,) that of a worker who was not
    there yet; `log_prior` (K,) how common each class is.
    """

    log_chances: Floats
    log_crowd: Floats
    log_prior: Floats
