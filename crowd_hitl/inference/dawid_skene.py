"""Dawid–Skene by EM: a matrix P(w says l | k holds) for each worker, number for number as crowd-kit 1.4.2 has it.

Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979). The start (vote
shares), the clips, the iterations and the bound that stops them (it counts the class prior once per answer) are
crowd-kit's. It clips the posteriors at 1e-10 after the last step; ours sum to 1 instead.
"""

from dataclasses import dataclass

import numpy as np

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.inference.answers import Answers, Floats
from crowd_hitl.inference.grouping import Grouped, group
from crowd_hitl.inference.passes import (
    Sums,
    answers_of_cells,
    clamp,
    empty_posteriors,
    gold_in,
    put,
    rows_heard,
    shares_right,
    to_posteriors,
    vote_blocks,
    weigh_rows,
)

EPS = 1e-10
# A number for each label in each cell: a table of more (256 MB, and there are three) is refused: it takes hours.
LARGEST_TABLE = 32_000_000


@dataclass(frozen=True)
class Stop:
    """When EM stops: after so many iterations, or when the bound per answer rises by less."""

    iterations: int = 100
    tolerance: float = 1e-5


def fit_dawid_skene(answers: Answers, stop: Stop) -> tuple[Floats, Floats]:
    """Return posteriors (n_tasks, K) and each worker's expected share of right answers.

    Refuses so many labels and workers that a row of numbers for each pair would fill the memory.
    """
    grouped = group(answers)
    _refuse_large(len(grouped.labels), len(grouped.cell_workers))
    posteriors = empty_posteriors(answers, grouped)
    if not grouped.blocks:
        return posteriors, np.full(answers.n_workers, 0.5)
    counts, sums = _first(grouped)
    bound = -np.inf
    for _ in range(stop.iterations):
        rows = _errors(grouped, counts)
        base = np.log2(_prior(grouped, sums))
        np.log2(rows, out=rows)
        counts, sums = _step(grouped, rows, base)
        new = _bound(grouped, counts, sums)
        if new - bound < stop.tolerance:
            break
        bound = new
    _write(grouped, rows, base, posteriors)
    right = counts[grouped.cell_labels, np.arange(counts.shape[1])]
    return posteriors, shares_right(grouped, right, answers_of_cells(grouped))


def _refuse_large(n_labels: int, n_cells: int) -> None:
    if n_labels * n_cells > LARGEST_TABLE:
        raise BadInput(
            f"dawid_skene keeps a number for each of {n_labels} labels with each of {n_cells} worker-label pairs:"
            " too many. Use pooled, one_coin_dawid_skene or majority_vote: one number for each worker."
        )


def _first(grouped: Grouped) -> tuple[Floats, Sums]:
    counts, sums = _nothing(grouped)
    for block, cells, _, shares in vote_blocks(grouped):
        found = np.ascontiguousarray(shares.T)
        clamp(found, gold_in(block, grouped))
        sums.add(found, grouped.counts[block.rows], floor=EPS)
        rows_heard(block, cells, found, counts)
    return counts, sums


def _step(grouped: Grouped, rows: Floats, base: Floats) -> tuple[Floats, Sums]:
    """Go over all answers once: posteriors from the matrices, and what the next matrices are made of."""
    counts, sums = _nothing(grouped)
    for block, cells in grouped.cells_of():
        found = weigh_rows(block, cells, rows, base)
        to_posteriors(found, axis=0)
        clamp(found, gold_in(block, grouped))
        sums.add(found, grouped.counts[block.rows], floor=EPS)
        rows_heard(block, cells, found, counts)
    return counts, sums


def _write(grouped: Grouped, rows: Floats, base: Floats, posteriors: Floats) -> None:
    for block, cells in grouped.cells_of():
        found = weigh_rows(block, cells, rows, base)
        to_posteriors(found, axis=0)
        clamp(found, gold_in(block, grouped))
        put(posteriors, grouped, block, found.T)


def _nothing(grouped: Grouped) -> tuple[Floats, Sums]:
    n_labels = len(grouped.labels)
    return np.zeros((n_labels, len(grouped.cell_workers))), Sums(np.zeros(n_labels), np.zeros(n_labels))


def _errors(grouped: Grouped, counts: Floats) -> Floats:
    """Return the workers' matrices, (K, C): a worker's cells sum to 1 for every true label."""
    errors = np.maximum(counts, EPS)
    starts, places = grouped.runs_of_workers()
    errors /= np.add.reduceat(errors, starts, axis=1)[:, places]
    return errors


def _prior(grouped: Grouped, sums: Sums) -> Floats:
    prior: Floats = np.maximum(sums.mass / len(grouped.tasks), EPS)
    return prior


def _bound(grouped: Grouped, counts: Floats, sums: Sums) -> float:
    """Return crowd-kit's evidence lower bound per answer."""
    errors = _errors(grouped, counts)
    np.log(errors, out=errors)
    said = float(np.einsum("ij,ij->", counts, errors))
    prior = float(np.log(_prior(grouped, sums)) @ sums.weighted)
    return (said + prior + sums.entropy) / grouped.n_answers
