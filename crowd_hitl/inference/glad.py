"""GLAD by EM: a worker's ability times a task's ease decides whether an answer is right, as crowd-kit 1.4.2 has it.

Whitehill, Ruvolo, Wu, Bergsma and Movellan, Whose Vote Should Count More (2009). The M-step is scipy's conjugate
gradient with crowd-kit's limits, so its path is the same; an ease is kept as its logarithm, as crowd-kit does.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from crowd_hitl.inference.answers import Answers, Floats
from crowd_hitl.inference.grouping import Block, Grouped, Places, group, rows_of
from crowd_hitl.inference.passes import (
    answers_of_cells,
    empty_posteriors,
    put,
    shares_right,
    slots_of,
    to_posteriors,
    weigh_gains,
)

# Where crowd-kit takes log(1 + e^x) for x, or for 0.
STEEP = 30.0
LOG_PEAK = float(np.log(np.sqrt(2.0 * np.pi)))


@dataclass(frozen=True)
class GladSettings:
    """crowd-kit's defaults: EM's iterations and tolerance, and the conjugate gradient's."""

    iterations: int = 100
    tolerance: float = 1e-5
    inner_iterations: int = 25
    inner_tolerance: float = 1e-2


def fit_glad(answers: Answers, settings: GladSettings) -> tuple[Floats, Floats]:
    """Return posteriors (n_tasks, K) and each worker's expected share of right answers."""
    grouped = group(answers)
    posteriors = empty_posteriors(answers, grouped)
    if not grouped.blocks:
        return posteriors, np.full(answers.n_workers, 0.5)
    model = _Glad(grouped)
    point = used = np.ones(model.n_workers + len(grouped.tasks))
    model.expect(point)
    quality = -model.cost(point)[0]
    for _ in range(settings.iterations):
        last, used = quality, point
        model.expect(point)
        point = minimize(
            model.cost,
            point,
            method="CG",
            jac=True,
            tol=settings.inner_tolerance,
            options={"maxiter": settings.inner_iterations},
        ).x
        quality = -model.cost(point)[0] / (grouped.n_answers * len(grouped.labels))
        if quality - last < settings.tolerance:
            break
    right = model.expect(used, posteriors)
    return posteriors, shares_right(grouped, right, answers_of_cells(grouped))


class _Glad:
    """The answers, and how far each of them is believed to be right; a point holds abilities, then log eases."""

    def __init__(self, grouped: Grouped) -> None:
        self.grouped = grouped
        _, self.places = grouped.runs_of_workers()
        self.n_workers = int(self.places[-1]) + 1
        self.log_others = float(np.log(max(len(grouped.labels) - 1, 1)))
        self.believed: list[Floats] = []

    def expect(self, point: Floats, posteriors: Floats | None = None) -> Floats:
        """Weigh the answers: keep how far each is right, return the sum by cell; write the posteriors if asked."""
        self.believed = []
        right = np.zeros(len(self.places))
        for block, cells in self.grouped.cells_of():
            ability, ease = self._at(point, block, cells)
            product = ability * ease
            gains = softplus(product) - softplus(-product) + self.log_others
            slots = slots_of(block, cells, self.grouped)
            found = weigh_gains(block, slots, gains, len(self.grouped.labels))
            to_posteriors(found, axis=1, base=0)
            self.believed.append(found.reshape(-1)[slots])
            right += np.bincount(cells, weights=self.believed[-1], minlength=len(right))
            if posteriors is not None:
                put(posteriors, self.grouped, block, found)
        return right

    def cost(self, point: Floats) -> tuple[float, Floats]:
        """Return what is to be made small, the negative expected log-likelihood with its priors, and its slope."""
        off_mean = point - 1.0
        total = -0.5 * float(np.einsum("i,i->", off_mean, off_mean)) - len(point) * LOG_PEAK
        slope = -off_mean
        with np.errstate(over="ignore", invalid="ignore"):
            for (block, cells), believed in zip(self.grouped.cells_of(), self.believed, strict=True):
                ability, ease = self._at(point, block, cells)
                product = ability * ease
                likely = believed * -softplus(-product) - (1.0 - believed) * (softplus(product) + self.log_others)
                total += float(likely.sum())
                pull = (believed - expit(product)) * ease
                slope[: self.n_workers] += np.bincount(self.places[cells], weights=pull, minlength=self.n_workers)
                of_task = np.bincount(rows_of(block), weights=pull * ability, minlength=block.size)
                slope[self.n_workers :][block.rows] += of_task
        return (np.inf if np.isnan(total) else -total), -slope

    def _at(self, point: Floats, block: Block, cells: Places) -> tuple[Floats, Floats]:
        """Return every answer's ability and ease."""
        eases = np.exp(point[self.n_workers :][block.rows])
        return point[: self.n_workers][self.places[cells]], eases[rows_of(block)]


def softplus(x: Floats) -> Floats:
    """Return log(1 + e^x) as crowd-kit has it: x above 30, 0 below −30."""
    steep = np.abs(x) > STEEP
    found: Floats = np.where(steep, np.maximum(x, 0.0), np.log1p(np.exp(np.where(steep, 0.0, x))))
    return found
