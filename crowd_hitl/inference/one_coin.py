"""One-coin Dawid–Skene by EM: one number for each worker, the share of right answers, as crowd-kit 1.4.2 has it.

Zhang, Chen, Zhou and Jordan, Spectral Methods Meet EM (2016). A wrong answer is any other label with the same chance.
"""

from dataclasses import dataclass

import numpy as np

from crowd_hitl.inference.answers import Answers, Floats, Ints
from crowd_hitl.inference.dawid_skene import EPS, Stop
from crowd_hitl.inference.grouping import Block, Grouped, Places, group
from crowd_hitl.inference.passes import (
    Sums,
    answers_of_cells,
    by_worker,
    empty_posteriors,
    put,
    slots_of,
    to_posteriors,
    vote_blocks,
    weigh_gains,
)

# Sums of multiples of 2⁻³⁰ are exact up to 8 million answers of one worker.
STEPS = 2.0**30


@dataclass
class _Hits:
    """Each worker's sum of the posteriors of what they said, in a coarse part that is exact and a fine one.

    A worker who is nearly always right has a chance of error near 1e-10, of which a plain sum would keep six digits.
    """

    coarse: Floats
    fine: Floats
    given: Floats

    def add(self, workers: Ints, believed: Floats) -> None:
        """Add the posteriors of some answers."""
        coarse = np.rint(believed * STEPS) / STEPS
        self.coarse += np.bincount(workers, weights=coarse, minlength=len(self.coarse))
        self.fine += np.bincount(workers, weights=believed - coarse, minlength=len(self.fine))

    @property
    def right(self) -> Floats:
        """Return the sums."""
        return self.coarse + self.fine

    @property
    def skills(self) -> Floats:
        """Return the shares of right answers; 0 for a worker without answers."""
        return self.right / np.maximum(self.given, 1.0)


@dataclass(frozen=True)
class _Coins:
    """What a step is made with: the gain of every cell, and the logarithm of how common each label is."""

    gains: Floats
    base: Floats

    def posteriors(self, grouped: Grouped, block: Block, cells: Places, slots: Places) -> Floats:
        """Return the block's posteriors, (tasks, K)."""
        found = weigh_gains(block, slots, self.gains[cells], len(grouped.labels))
        found += self.base
        to_posteriors(found, axis=1)
        return found


def fit_one_coin(answers: Answers, stop: Stop) -> tuple[Floats, Floats]:
    """Return posteriors (n_tasks, K) and each worker's expected share of right answers."""
    grouped = group(answers)
    posteriors = empty_posteriors(answers, grouped)
    if not grouped.blocks:
        return posteriors, np.full(answers.n_workers, 0.5)
    given = by_worker(grouped, answers_of_cells(grouped))
    hits, sums = _first(grouped, given)
    bound = -np.inf
    for _ in range(stop.iterations):
        coins = _coins(grouped, hits, sums)
        hits, sums = _step(grouped, coins, given)
        new = _bound(grouped, hits, sums)
        if new - bound < stop.tolerance:
            break
        bound = new
    for block, cells in grouped.cells_of():
        put(posteriors, grouped, block, coins.posteriors(grouped, block, cells, slots_of(block, cells, grouped)))
    return posteriors, np.where(given > 0, np.clip(hits.skills, 0.0, 1.0), 0.5)


def _nothing(grouped: Grouped, given: Floats) -> tuple[_Hits, Sums]:
    n_labels = len(grouped.labels)
    hits = _Hits(coarse=np.zeros(len(given)), fine=np.zeros(len(given)), given=given)
    return hits, Sums(np.zeros(n_labels), np.zeros(n_labels))


def _first(grouped: Grouped, given: Floats) -> tuple[_Hits, Sums]:
    hits, sums = _nothing(grouped, given)
    for block, cells, slots, shares in vote_blocks(grouped):
        sums.add(shares.T, grouped.counts[block.rows], floor=EPS)
        hits.add(grouped.cell_workers[cells], shares.reshape(-1)[slots])
    return hits, sums


def _step(grouped: Grouped, coins: _Coins, given: Floats) -> tuple[_Hits, Sums]:
    """Go over all answers once."""
    hits, sums = _nothing(grouped, given)
    for block, cells in grouped.cells_of():
        slots = slots_of(block, cells, grouped)
        found = coins.posteriors(grouped, block, cells, slots)
        sums.add(found.T, grouped.counts[block.rows], floor=EPS)
        hits.add(grouped.cell_workers[cells], found.reshape(-1)[slots])
    return hits, sums


def _coins(grouped: Grouped, hits: _Hits, sums: Sums) -> _Coins:
    on, off = _chances(grouped, hits)
    gains = (np.log2(on) - np.log2(off))[grouped.cell_workers]
    return _Coins(gains=gains, base=np.log2(_prior(grouped, sums)))


def _chances(grouped: Grouped, hits: _Hits) -> tuple[Floats, Floats]:
    """Return each worker's chance of the right label and of any one other."""
    others = max(len(grouped.labels) - 1, 1)
    return np.clip(hits.skills, EPS, 1.0 - EPS), np.clip((1.0 - hits.skills) / others, EPS, 1.0 - EPS)


def _prior(grouped: Grouped, sums: Sums) -> Floats:
    prior: Floats = np.maximum(sums.mass / len(grouped.tasks), EPS)
    return prior


def _bound(grouped: Grouped, hits: _Hits, sums: Sums) -> float:
    """Return crowd-kit's evidence lower bound per answer."""
    on, off = _chances(grouped, hits)
    said = float(hits.right @ np.log(on) + (hits.given - hits.right) @ np.log(off))
    prior = float(np.log(_prior(grouped, sums)) @ sums.weighted)
    return (said + prior + sums.entropy) / grouped.n_answers
