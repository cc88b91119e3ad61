"""The default: the least sure tasks first, until all further answers together would add too little accuracy.

A pool of doubtful tasks whose answers cannot help ends the asking as well as a pool of sure ones: what counts is what
is still to be won. Chosen in docs/decisions/009.
"""

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.pools import Pool
from crowd_hitl.inference.buying import expected_gain, foremost, separation, wave
from crowd_hitl.plugins.policies.posterior import PosteriorPolicy

WAVE_SHARE = 0.05
# The mean accuracy that a batch may be expected to lack against buying every answer that it could have.
LACK = 0.025


class LeastSurePolicy(PosteriorPolicy):
    """Looks at the whole batch: no task is settled before the batch is, so a wrong first agreement is asked again."""

    name = "least_sure"

    def choose(self, pool: Pool) -> NDArray[np.int64]:
        """Return the least sure tasks below the target; none when what is left to win is not worth asking for."""
        sure = pool.posteriors.max(axis=1)
        count = wave(len(pool.answers), share=WAVE_SHARE, coming=int(pool.coming.sum()), affordable=pool.affordable)
        if count == 0 or not len(sure):
            return np.empty(0, dtype=np.int64)
        gap = separation(pool.skills, pool.given, n_labels=pool.posteriors.shape[1])
        if expected_gain(pool.posteriors, pool.coming + pool.left, gap=gap).mean() <= LACK:
            return np.empty(0, dtype=np.int64)
        free = (pool.coming == 0) & (pool.left > 0) & (sure < pool.confidence_target)
        return foremost(np.where(free, 1.0 - sure, 0.0), count=count)


plugin = LeastSurePolicy()
