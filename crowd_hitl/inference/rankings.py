"""Orders of the same options into one order for each task: the weighted Kemeny order under Mallows' model.

P(answer | true order) falls by e^−θ for every pair of options that the answer has the wrong way round; θ is the
worker's (Mallows 1957). So every pair of neighbours in the agreed order is sure by the sum of the θ of those who
agree, less of those who do not. A worker's θ comes from how often he goes against the others, shrunk to the crowd.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.adding import added

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]
Signs = NDArray[np.int8]

LEVEL = 1e-9
SUREST = 30.0


@dataclass(frozen=True)
class Rankings:
    """Answers that are orders: `places[i, o]` is where the i-th puts option o, 0 the best; what it leaves out shares

    the place after its last. `known`: (n_tasks, n_options) places or −1; None when nothing is known.
    """

    tasks: Ints
    workers: Ints
    places: Ints
    n_tasks: int
    n_workers: int
    known: Ints | None = None


@dataclass(frozen=True)
class RankingSettings:
    """By how many whole answers a worker is shrunk to the crowd, how long EM runs, how far margins are believed."""

    skill_weight: float = 4.0
    iterations: int = 8
    temperature: float = 1.3
    strongest: float = 5.0


@dataclass(frozen=True)
class RankingFit:
    """`orders` (n_tasks, n_options): options from best to worst; `sure` (n_tasks, n_options − 1): the chance that each

    pair of neighbours stands right; `skills` (n_workers,): the share of pairs put right.
    """

    orders: Ints
    sure: Floats
    skills: Floats


@dataclass(frozen=True)
class Pairs:
    """The options' pairs, first below second by code: their codes, and each pair's number by both codes."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    number: NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """The answers in order, as signs of pairs."""

    tasks: NDArray[np.int64]
    workers: NDArray[np.int64]
    signs: Signs
    n_tasks: int
    n_workers: int


def fit_rankings(rankings: Rankings, settings: RankingSettings, *, seed: int) -> RankingFit:
    """Return an order for every task; ties, and tasks without answers, follow a seeded order of the options."""
    order = np.lexsort((*rankings.places.T[::-1], rankings.workers, rankings.tasks))
    tasks, workers = rankings.tasks[order].astype(np.int64), rankings.workers[order].astype(np.int64)
    n_options = rankings.places.shape[1]
    pairs = pairs_of(n_options)
    signs = signs_of(rankings.places[order], pairs)
    known = None if rankings.known is None else np.flatnonzero(rankings.known[:, 0] >= 0)
    gold = None if known is None or rankings.known is None else signs_of(rankings.known[known], pairs)
    wrong = shares_wrong(Said(tasks, workers, signs, rankings.n_tasks, rankings.n_workers), known, gold, settings)
    weights = strengths_of(wrong, n_options, settings)
    margins = add_up(tasks, signs, weights[workers], rankings.n_tasks)
    if known is not None and gold is not None:
        margins[known] = gold * SUREST * settings.temperature
    orders = kemeny_orders(margins, pairs, seed=seed)
    sure = neighbours_sure(orders, margins / settings.temperature, pairs)
    return RankingFit(orders=orders, sure=sure, skills=1.0 - wrong)


def pairs_of(n_options: int) -> Pairs:
    """Number the pairs of options."""
    first, second = np.triu_indices(n_options, k=1)
    number = np.zeros((n_options, n_options), dtype=np.int64)
    number[first, second] = number[second, first] = np.arange(len(first))
    return Pairs(first.astype(np.int64), second.astype(np.int64), number)


def signs_of(places: Ints, pairs: Pairs) -> Signs:
    """Return, for each answer and pair, 1 where the first option stands before the second, −1 after, 0 level."""
    signs: Signs = np.sign(places[:, pairs.second] - places[:, pairs.first]).astype(np.int8)
    return signs


def add_up(tasks: NDArray[np.int64], signs: Signs, weights: Floats, n_tasks: int) -> Floats:
    """Add up the weighed signs per task, pair by pair, in the answers' one order."""
    margins = np.zeros((n_tasks, signs.shape[1]))
    for pair in range(signs.shape[1]):
        margins[:, pair] = added(tasks, weights * signs[:, pair], n_tasks)
    return margins


def shares_wrong(said: Said, known: NDArray[np.int64] | None, gold: Signs | None, settings: RankingSettings) -> Floats:
    """Return each worker's share of pairs that he puts wrong, shrunk to the crowd's.

    Two workers who err on x and y of the pairs agree on 1 − x − y + 2xy of them: with a = 1 − 2x, the mean product of
    their signs is the product of their a. Each a is fitted to those products in turn; gold is one more voice, a = 1.
    """
    n_workers = said.n_workers
    given = np.bincount(said.workers, minlength=n_workers)
    first, _ = products(said, np.ones(n_workers), known, gold)
    _, pairs_met = products(said, np.ones(n_workers), None, None)
    crowd = float(np.sqrt(np.clip((first.sum() + 1.0) / (pairs_met.sum() + 2.0), 0.01, 1.0)))
    trust = np.full(n_workers, crowd)
    for _ in range(settings.iterations):
        agreed, possible = products(said, trust, known, gold)
        held = settings.skill_weight * (possible.sum() + 1.0) / max(float(given.sum()), 1.0)
        trust = np.clip((agreed + held * crowd) / (possible + held), 0.0, 1.0)
    shares: Floats = (1.0 - trust) / 2.0
    return shares


def products(said: Said, trust: Floats, known: NDArray[np.int64] | None, gold: Signs | None) -> tuple[Floats, Floats]:
    """Return, per worker, his signs times the others' weighed by trust, and what that would be if he never erred."""
    own = trust[said.workers]
    agreed, possible = np.zeros(len(own)), np.zeros(len(own))
    for pair in range(said.signs.shape[1]):
        sign = said.signs[:, pair].astype(np.float64)
        total = added(said.tasks, own * sign, said.n_tasks)
        squares = added(said.tasks, own**2 * np.abs(sign), said.n_tasks)
        if known is not None and gold is not None:
            total[known] += gold[:, pair]
            squares[known] += np.abs(gold[:, pair])
        agreed += sign * (total[said.tasks] - own * sign)
        possible += np.abs(sign) * (squares[said.tasks] - own**2 * np.abs(sign))
    n_workers = said.n_workers
    mine = added(said.workers, agreed, n_workers)
    return mine, added(said.workers, possible, n_workers)


def strengths_of(wrong: Floats, n_options: int, settings: RankingSettings) -> Floats:
    """Return Mallows' θ under which so large a share of pairs is expected wrong; 0 for half of them or more."""
    if n_options < 2:
        return np.zeros(len(wrong))
    grid = np.linspace(settings.strongest, 1e-3, 500)
    steps = np.arange(1, n_options + 1)[:, None]
    fall = np.exp(-grid)
    distance = n_options * fall / (1.0 - fall) - (steps * fall**steps / (1.0 - fall**steps)).sum(axis=0)
    shares = distance / (n_options * (n_options - 1) / 2.0)
    found: Floats = np.interp(wrong, shares, grid, right=0.0)
    return found


def kemeny_orders(margins: Floats, pairs: Pairs, *, seed: int) -> Ints:
    """Order each task's options by Borda's points, then swap neighbours as long as the margins want it."""
    n_tasks, n_options = len(margins), len(pairs.number)
    ranks = np.random.default_rng(seed).permutation(n_options)
    points = np.zeros((n_tasks, n_options))
    for pair in range(margins.shape[1]):
        points[:, pairs.first[pair]] += margins[:, pair]
        points[:, pairs.second[pair]] -= margins[:, pair]
    orders = np.lexsort((np.broadcast_to(ranks, points.shape), -np.round(points, 9)), axis=1)
    for _ in range(n_options * n_options):
        swapped = False
        for place in range(n_options - 1):
            ahead, behind = orders[:, place].copy(), orders[:, place + 1].copy()
            against = margin_of(ahead, behind, margins, pairs) < -LEVEL
            orders[against, place], orders[against, place + 1] = behind[against], ahead[against]
            swapped = swapped or bool(against.any())
        if not swapped:
            break
    return orders.astype(np.int32)


def margin_of(ahead: NDArray[np.int64], behind: NDArray[np.int64], margins: Floats, pairs: Pairs) -> Floats:
    """Return how far each task's answers put one option before another."""
    signed = margins[np.arange(len(margins)), pairs.number[ahead, behind]]
    found: Floats = np.where(ahead < behind, signed, -signed)
    return found


def neighbours_sure(orders: Ints, margins: Floats, pairs: Pairs) -> Floats:
    """Return the chance that each pair of neighbours stands right."""
    wide = orders.astype(np.int64)
    sure = np.ones((len(orders), max(orders.shape[1] - 1, 0)))
    for place in range(sure.shape[1]):
        gap = margin_of(wide[:, place], wide[:, place + 1], margins, pairs)
        sure[:, place] = 1.0 / (1.0 + np.exp(-np.clip(gap, -SUREST, SUREST)))
    return sure
