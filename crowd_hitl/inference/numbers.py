"""Numbers into one value for each task: every worker has a bias and a variance, and outliers count less.

y = μ(task) + bias(worker) + noise(worker), the noise by Student's t. Biases are shrunk to 0 by how much the crowd's
biases are found to differ, variances to the crowd's by some pseudo-answers: without that, one worker's variance falls
to nothing and he alone is believed. After Raykar et al. (2010) for the worker's variance, Lange, Little and Taylor
(1989) for the t by EM.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.adding import added

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

TINY = 1e-12


@dataclass(frozen=True)
class Numbers:
    """Answers that are numbers: the i-th says that `workers[i]` answered `values[i]` to `tasks[i]`.

    `known`: shape (n_tasks,), the true value of a task or NaN; None when nothing is known.
    """

    tasks: Ints
    workers: Ints
    values: Floats
    n_tasks: int
    n_workers: int
    known: Floats | None = None


@dataclass(frozen=True)
class NumberSettings:
    """How heavy the noise's tails are (t's degrees of freedom), how strongly variances are shrunk, how long EM runs.

    `shared`: the share of the noise's variance that workers have in common, which no number of answers takes away.
    `doubt`: by how much an answer may be off, in its own unit, as long as no two answers could be compared.
    """

    tails: float = 6.0
    variance_weight: float = 10.0
    noise_weight: float = 4.0
    bias_weight: float = 3.0
    iterations: int = 60
    tolerance: float = 1e-7
    shared: float = 0.2
    doubt: float = 0.0


@dataclass(frozen=True)
class NumberFit:
    """What was found: `means` and their `errors` (standard deviations), (n_tasks,), NaN without answers;

    `biases` and `spreads` (standard deviations of a worker's noise), (n_workers,).
    """

    means: Floats
    errors: Floats
    biases: Floats
    spreads: Floats


@dataclass(frozen=True)
class Sums:
    """Adds up what is said of each task and by each worker, in one order: no result depends on the rows' order."""

    table: Numbers

    def by_task(self, weights: Floats) -> Floats:
        """Add up per task."""
        return added(self.table.tasks, weights, self.table.n_tasks)

    def by_worker(self, weights: Floats) -> Floats:
        """Add up per worker."""
        return added(self.table.workers, weights, self.table.n_workers)


def fit_numbers(numbers: Numbers, settings: NumberSettings) -> NumberFit:
    """Return every task's mean with its error, every worker's bias and spread; a known task has its value, error 0."""
    order = np.lexsort((numbers.values, numbers.workers, numbers.tasks))
    tasks, workers, raw = numbers.tasks[order], numbers.workers[order], numbers.values[order].astype(np.float64)
    centre, scale = centre_and_scale(raw)
    known = None if numbers.known is None else (numbers.known - centre) / scale
    table = Numbers(tasks, workers, (raw - centre) / scale, numbers.n_tasks, numbers.n_workers, known)
    found = _em(table, replace(settings, doubt=settings.doubt / scale))
    silent = np.bincount(tasks, minlength=numbers.n_tasks) == 0
    means = found.means * scale + centre
    errors = found.errors * scale
    if numbers.known is not None:
        means = np.where(np.isnan(numbers.known), means, numbers.known)
        silent &= np.isnan(numbers.known)
    means[silent] = np.nan
    errors[silent] = np.nan
    return NumberFit(means=means, errors=errors, biases=found.biases * scale, spreads=found.spreads * scale)


def centre_and_scale(values: Floats) -> tuple[float, float]:
    """Return the median and the spread of the values; a spread above 0 even where all are the same."""
    if not len(values):
        return 0.0, 1.0
    centre = float(np.median(values))
    scale = float(np.std(values))
    return centre, scale if scale > TINY * max(abs(centre), 1.0) else max(abs(centre) * 0.1, 1.0)


def _em(table: Numbers, settings: NumberSettings) -> NumberFit:
    sums = Sums(table)
    tasks, workers, values = table.tasks, table.workers, table.values
    given = sums.by_worker(np.ones(len(values)))
    means = first_medians(table)
    noise = crowd_noise(table, means, settings)
    variances, biases = np.full(table.n_workers, noise), np.zeros(table.n_workers)
    unsure = 1.0  # the variance of biases in the crowd; starts wide, so that a bias can be found
    weights = (settings.tails + 1.0) / (settings.tails + (values - means[tasks]) ** 2 / noise)
    precisions = weights / noise
    means, errors = _means(table, sums, precisions, biases)
    for _ in range(settings.iterations):
        before = means
        pull = sums.by_worker(precisions * (values - means[tasks]))
        firm = sums.by_worker(precisions) + 1.0 / unsure
        biases = pull / firm
        if table.known is None:
            biases -= (biases * given).sum() / max(given.sum(), 1.0)
        unsure = _spread_of_biases(biases, 1.0 / firm, given, noise, settings)
        # Both are guesses: without their doubt a worker of one answer would be all bias, and a task free of noise.
        squares = (values - means[tasks] - biases[workers]) ** 2 + errors[tasks] ** 2 + 1.0 / firm[workers]
        weights = (settings.tails + 1.0) / (settings.tails + squares / variances[workers])
        mine = sums.by_worker(weights * squares)
        noise = max((mine.sum() + settings.noise_weight * noise) / (given.sum() + settings.noise_weight), TINY)
        variances = (mine + settings.variance_weight * noise) / (given + settings.variance_weight)
        precisions = weights / variances[workers]
        means, errors = _means(table, sums, precisions, biases)
        if np.abs(means - before).max(initial=0.0) < settings.tolerance:
            break
    errors = np.where(errors > 0, np.sqrt(errors**2 + settings.shared * noise), 0.0)
    return NumberFit(means=means, errors=errors, biases=biases, spreads=np.sqrt(variances))


def first_medians(table: Numbers) -> Floats:
    """Return each task's median, 0 without answers."""
    order = np.lexsort((table.values, table.tasks))
    counts = np.bincount(table.tasks, minlength=table.n_tasks)
    ends = np.cumsum(counts)
    low = np.minimum(ends - counts + np.maximum(counts - 1, 0) // 2, max(len(order) - 1, 0))
    high = np.minimum(ends - counts + counts // 2, max(len(order) - 1, 0))
    if not len(order):
        return np.zeros(table.n_tasks)
    values = table.values[order]
    return np.where(counts > 0, (values[low] + values[high]) / 2.0, 0.0)


def crowd_noise(table: Numbers, medians: Floats, settings: NumberSettings) -> float:
    """Return a first variance of answers about their task; a few pseudo-answers keep it above 0.

    By absolute deviations: squares would let the outliers say how far an outlier is.
    """
    counts = np.bincount(table.tasks, minlength=table.n_tasks)
    free = float(np.maximum(counts - 1, 0).sum())
    away = float(np.abs(table.values - medians[table.tasks]).sum())
    # Scaled answers that differ have variance 1 in all; two fifths of it are noise until answers can be compared.
    first = max(settings.doubt, 0.4 * float(np.std(table.values)) if len(table.values) else 0.0, 1e-6)
    deviation = (away + settings.noise_weight * first) / (free + settings.noise_weight)
    return (deviation * 1.2533) ** 2


def _spread_of_biases(biases: Floats, doubts: Floats, given: Floats, noise: float, settings: NumberSettings) -> float:
    seen = given > 0
    total = float((biases[seen] ** 2 + doubts[seen]).sum()) + settings.bias_weight * 0.05 * noise
    return max(total / (float(seen.sum()) + settings.bias_weight), TINY)


def _means(table: Numbers, sums: Sums, precisions: Floats, biases: Floats) -> tuple[Floats, Floats]:
    mass = sums.by_task(precisions)
    means = sums.by_task(precisions * (table.values - biases[table.workers])) / np.maximum(mass, TINY)
    errors = 1.0 / np.sqrt(np.maximum(mass, TINY))
    if table.known is not None:
        sure = ~np.isnan(table.known)
        means = np.where(sure, table.known, means)
        errors = np.where(sure, 0.0, errors)
    return means, errors
