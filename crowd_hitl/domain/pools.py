"""What a policy sees of a whole batch, and the port of policies that look at it: a part of `domain/ports.py`.

Arrays are numpy's: int32 whole numbers, float64 probabilities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.ports import Floats, Ints


@dataclass(frozen=True)
class Pool:
    """The tasks of a batch that are not retired, as one pass sees them: for policies that spend where it helps most.

    `posteriors` (n, n_labels), calibrated. Whole numbers of shape (n,): `answers` that came in, `coming` places that
    are open or held, `left` how many more the rule allows beyond both. `skills` and `given` (n_workers,): each worker's
    share of right answers, and how many he gave: the busy come more often. `affordable`: how many answers the budget
    still pays for, None for no limit.
    """

    posteriors: Floats
    answers: Ints
    coming: Ints
    left: Ints
    skills: Floats
    given: Ints
    confidence_target: float
    affordable: int | None = None


@runtime_checkable
class PoolPolicy(Protocol):
    """When a whole batch has answers enough, and which of its tasks get the next ones."""

    name: str

    def enough(self, posterior: Sequence[float], *, answers: int, confidence_target: float) -> bool:
        """Say whether one task needs no further answer, where nothing is known of the others."""

    def choose(self, pool: Pool) -> NDArray[np.int64]:
        """Return the tasks that get a further place now, most wanted first.

        None chosen while nothing is coming ends the batch; a task that is not chosen waits, and may be chosen later.
        """
