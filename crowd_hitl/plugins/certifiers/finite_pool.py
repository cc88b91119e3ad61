"""A promise about a finite pool of labels, proved by a random audit without replacement.

Let the pool hold `pool` labels of which W are wrong, and let `audited` of them, drawn at random without replacement
while all labels stood frozen, be put to a reference (people at high overlap, an expert, gold). The number of
errors found is hypergeometric, whatever made the labels and however W came about. `U` is the largest W that would
still show so few errors with a chance above delta / looks (Clopper and Pearson's way, exact for a finite pool).
The errors found are mended, so with confidence 1 − delta / looks at most U − errors wrong labels remain, which is
`bound` as a share of the whole pool. With at most `looks` audits or extensions of one audit, the chance that any
bound reported is broken is at most delta (Bonferroni). It assumes that the reference is right: an audited label
that the reference could not settle must be counted as an error.
"""

from functools import lru_cache
from math import lgamma

import numpy as np

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Verdict
from crowd_hitl.domain.rounds import Promise


class FinitePoolCertifier:
    """Bounds what stays wrong in a pool after an audit and its mending."""

    name = "finite_pool"

    def certify(self, *, pool: int, audited: int, errors: int, promise: Promise, looks: int) -> Verdict:
        """Bound the wrong labels that remain; BadInput when the counts contradict each other."""
        check_counts(pool=pool, audited=audited, errors=errors, looks=looks)
        most = most_wrong(pool, audited, errors, promise.delta / looks)
        bound = (most - errors) / pool if pool else 0.0
        return Verdict(
            method=self.name, pool=pool, audited=audited, errors=errors, bound=bound, kept=bound <= promise.max_error
        )


def check_counts(*, pool: int, audited: int, errors: int, looks: int) -> None:
    """Refuse counts that cannot come from an audit."""
    if pool < 0:
        raise bad_field("pool", expected="0 or more", found=pool)
    if not 0 <= audited <= pool:
        raise bad_field("audited", expected=f"0 to the pool's {pool}", found=audited)
    if not 0 <= errors <= audited:
        raise bad_field("errors", expected=f"0 to the {audited} audited", found=errors)
    if looks < 1:
        raise bad_field("looks", expected="1 or more", found=looks)


def most_wrong(pool: int, audited: int, errors: int, delta: float) -> int:
    """Return the largest number of wrong labels in the pool that shows `errors` or fewer with chance above `delta`."""
    low, high = errors, pool - (audited - errors)
    while low < high:
        middle = (low + high + 1) // 2
        if chance_of_at_most(errors, pool=pool, wrong=middle, audited=audited) > delta:
            low = middle
        else:
            high = middle - 1
    return low


def chance_of_at_most(errors: int, *, pool: int, wrong: int, audited: int) -> float:
    """Return P(an audit of `audited` finds `errors` or fewer of `wrong` in `pool`), hypergeometric."""
    least = max(0, audited - (pool - wrong))
    most = min(errors, wrong, audited)
    found = np.arange(least, most + 1)
    if not len(found):
        return 0.0
    logs = [log_ways(wrong, int(k)) + log_ways(pool - wrong, audited - int(k)) - log_ways(pool, audited) for k in found]
    return min(1.0, float(np.exp(logs).sum()))


@lru_cache(maxsize=65_536)
def log_ways(total: int, chosen: int) -> float:
    """Return the logarithm of the number of ways to choose."""
    return lgamma(total + 1) - lgamma(chosen + 1) - lgamma(total - chosen + 1)


plugin = FinitePoolCertifier()
