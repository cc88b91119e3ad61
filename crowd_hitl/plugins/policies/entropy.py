"""The money goes to the tasks of highest entropy first, until it is spent or every task is sure enough."""

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.pools import Pool
from crowd_hitl.inference.buying import entropies, foremost, wave
from crowd_hitl.plugins.policies.posterior import PosteriorPolicy

WAVE_SHARE = 0.05


class EntropyPolicy(PosteriorPolicy):
    """Looks at the whole batch: what the budget can pay, it pays where the answers agree least."""

    name = "entropy"

    def choose(self, pool: Pool) -> NDArray[np.int64]:
        """Return the least certain tasks below the target; none when the money is spent or all are at it."""
        count = wave(len(pool.answers), share=WAVE_SHARE, coming=int(pool.coming.sum()), affordable=pool.affordable)
        free = (pool.coming == 0) & (pool.left > 0) & (pool.posteriors.max(axis=1) < pool.confidence_target)
        return foremost(np.where(free, entropies(pool.posteriors), 0.0), count=count)


plugin = EntropyPolicy()
