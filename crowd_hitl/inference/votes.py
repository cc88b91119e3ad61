"""Votes: plain, and weighted by how often a worker agrees with them (Wawa, zero-based skill), as crowd-kit defines.

crowd-kit's own Wawa and ZeroBasedSkill do not run on scikit-learn 1.8 and later: these are twins. A label that leads
by nothing but rounding is level with the others, and the first of the level ones, in the order of labels, counts as
agreed; answers repeated word for word count once in a skill. Where no worker of a task has any weight, votes count.
"""

from dataclasses import dataclass

import numpy as np

from crowd_hitl.inference.answers import Answers, Floats, Ints
from crowd_hitl.inference.grouping import Grouped, group, repeated
from crowd_hitl.inference.passes import by_worker, empty_posteriors, put, shares_right, slots_of, vote_blocks
from crowd_hitl.inference.ties import winners

# Two sums of the same weights in another order differ by less than this share of them.
ROUNDING = 1e-12


@dataclass(frozen=True)
class ZeroBasedSettings:
    """How skills approach the share of agreement: crowd-kit's defaults."""

    iterations: int = 100
    rate: float = 1.0
    rate_steps: int = 20
    rate_factor: float = 0.5
    above_chance: float = 1e-5


def fit_majority(answers: Answers, *, seed: int) -> tuple[Floats, Floats]:
    """Return the shares of the votes, and as skill each worker's agreement with the winners (ties by seed)."""
    grouped = group(answers)
    posteriors = empty_posteriors(answers, grouped)
    for block, _, _, shares in vote_blocks(grouped):
        put(posteriors, grouped, block, shares)
    places = np.full(answers.n_labels, -1, dtype=np.int32)
    places[grouped.labels] = np.arange(len(grouped.labels), dtype=np.int32)
    agreed = places[winners(posteriors, seed=seed)[grouped.tasks]]
    right, given = _agreement(grouped, agreed, count_repeats=True)
    return posteriors, shares_right(grouped, right, given)


def fit_wawa(answers: Answers) -> tuple[Floats, Floats]:
    """Return the shares of votes weighted by skill; a skill is the share of answers that equal the majority's."""
    grouped = group(answers)
    right, given = _agreement(grouped, _weighted(grouped, None), count_repeats=False)
    skills = shares_right(grouped, right, given)
    posteriors = empty_posteriors(answers, grouped)
    _weighted(grouped, skills, posteriors)
    return posteriors, skills


def fit_zero_based(answers: Answers, settings: ZeroBasedSettings) -> tuple[Floats, Floats]:
    """Return the same with skills that move, step by step, to the share of answers that equal the weighted votes."""
    grouped = group(answers)
    skills = np.full(answers.n_workers, 1.0 / max(len(grouped.labels), 1) + settings.above_chance)
    rate = settings.rate
    for step in range(1, settings.iterations + 1):
        if step % settings.rate_steps == 0:
            rate *= settings.rate_factor
        right, given = _agreement(grouped, _weighted(grouped, skills), count_repeats=False)
        moved = skills + rate * (shares_right(grouped, right, given) - skills)
        if np.array_equal(moved, skills):
            break  # nothing will move any more
        skills = moved
    posteriors = empty_posteriors(answers, grouped)
    _weighted(grouped, skills, posteriors)
    skills = np.where(by_worker(grouped, np.ones(len(grouped.cell_workers))) > 0, skills, 0.5)
    return posteriors, np.clip(skills, 0.0, 1.0)


def _weighted(grouped: Grouped, skills: Floats | None, posteriors: Floats | None = None) -> Ints:
    """Add up the workers' weights (1 each without skills), write their shares if asked; return the labels agreed on."""
    agreed = np.empty(len(grouped.tasks), dtype=np.int32)
    for block, cells in grouped.cells_of():
        slots = slots_of(block, cells, grouped)
        size = block.size * len(grouped.labels)
        votes = np.bincount(slots, minlength=size).reshape(block.size, -1).astype(np.float64)
        if skills is not None:
            weights = skills[grouped.cell_workers[cells]]
            weighted = np.bincount(slots, weights=weights, minlength=size).reshape(block.size, -1)
            votes = np.where(weighted.sum(axis=1, keepdims=True) > 0, weighted, votes)
        level = votes >= votes.max(axis=1, keepdims=True) * (1.0 - ROUNDING)
        agreed[block.rows] = level.argmax(axis=1)
        if posteriors is not None:
            put(posteriors, grouped, block, votes / votes.sum(axis=1, keepdims=True))
    return agreed


def _agreement(grouped: Grouped, agreed: Ints, *, count_repeats: bool) -> tuple[Floats, Floats]:
    """Count for every cell the answers that equal what was agreed on, and the answers."""
    n_cells = len(grouped.cell_workers)
    right, given = np.zeros(n_cells), np.zeros(n_cells)
    for block, cells in grouped.cells_of():
        slots = slots_of(block, cells, grouped)
        wanted = np.arange(block.size) * len(grouped.labels) + agreed[block.rows]
        hits = np.zeros(block.size * len(grouped.labels), dtype=bool)
        hits[wanted] = True
        counts = np.ones(len(cells)) if count_repeats else (~repeated(block)).astype(np.float64)
        given += np.bincount(cells, weights=counts, minlength=n_cells)
        right += np.bincount(cells, weights=counts * hits[slots], minlength=n_cells)
    return right, given
