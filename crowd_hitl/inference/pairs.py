"""Comparisons of two into one score for each thing: Bradley–Terry, plain and with workers who do not always look.

Plain: P(i beats j) = p_i / (p_i + p_j), by the MM algorithm of Hunter (2004); with `prior` = 0 it is crowd-kit's.
Noisy, after Chen et al. (2013): with chance γ_w worker w looks and answers so, else he takes the left one with chance
q_w; by EM with pseudo-answers, so that nobody is believed or dismissed on one answer. A tie is half a win for each.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.adding import added

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]

# Up to so many things their errors come from the whole information matrix, above from its diagonal.
FULL_ERRORS = 1500
TINY = 1e-300
FIRST_PRIOR, PRIOR_ROUNDS = 4.0, 4
PRIORS = (1.0, 40.0)


@dataclass(frozen=True)
class Comparisons:
    """The i-th says that `workers[i]` compared `left[i]` with `right[i]`; `won`: 1 the left, 0 the right, ½ a tie."""

    left: Ints
    right: Ints
    won: Floats
    workers: Ints
    n_things: int
    n_workers: int


@dataclass(frozen=True)
class PairSettings:
    """`prior`: games each thing is held to have drawn against a middling one; None: as many as the scores' spread says.

    Then EM's and MM's lengths, and pseudo-answers.
    `looking` and `not_looking` are pseudo-answers by which a worker is first held to look, or not.
    """

    prior: float | None = None
    steps: int = 2000
    tolerance: float = 1e-9
    iterations: int = 40
    steps_between: int = 10
    looking: float = 4.0
    not_looking: float = 1.0
    side_weight: float = 4.0


@dataclass(frozen=True)
class PairFit:
    """`scores` (n_things,), logarithms of strength with mean 0, and their `errors` (standard deviations);

    of every worker the chance that he looked (`looking`) and that he takes the left when he does not (`leftward`).
    """

    scores: Floats
    errors: Floats
    looking: Floats
    leftward: Floats


@dataclass(frozen=True)
class Games:
    """Weighed games between different things: `winner[i]` beat `loser[i]`, `weight[i]` times."""

    winner: NDArray[np.int64]
    loser: NDArray[np.int64]
    weight: Floats
    n_things: int


@dataclass(frozen=True)
class Board:
    """Which pairs were compared, and where each comparison counts: laid out once, weighed as often as needed."""

    pairs: NDArray[np.int64]
    places: NDArray[np.int64]
    won: Floats
    n_things: int

    def games(self, weights: Floats) -> Games:
        """Return every comparison as games, a tie as half a game won by each; none of a thing against itself."""
        shares = np.concatenate([weights * self.won, weights * (1.0 - self.won)])
        total = added(self.places, shares, len(self.pairs))
        winner, loser = self.pairs // max(self.n_things, 1), self.pairs % max(self.n_things, 1)
        kept = (total > 0) & (winner != loser)
        return Games(winner[kept], loser[kept], total[kept], self.n_things)


def board_of(comparisons: Comparisons) -> Board:
    """Lay the comparisons out by pair; they must be in order, so that sums do not depend on how they came in."""
    left, right = comparisons.left.astype(np.int64), comparisons.right.astype(np.int64)
    n_things = comparisons.n_things
    keys = np.concatenate([left * n_things + right, right * n_things + left])
    pairs, places = np.unique(keys, return_inverse=True)
    return Board(pairs, places.ravel(), comparisons.won, n_things)


def with_prior(games: Games, settings: PairSettings) -> PairSettings:
    """Return the settings with a prior: scores' variance τ² is estimated, and 4 / τ² drawn games hold them so."""
    if settings.prior is not None:
        return settings
    prior = FIRST_PRIOR
    for _ in range(PRIOR_ROUNDS):
        held = replace(settings, prior=prior, steps=200)
        scores = scores_of(bradley_terry(games, held))
        spread = float((scores**2 + score_errors(games, scores, held) ** 2).mean()) if len(scores) else 1.0
        prior = float(np.clip(4.0 / max(spread, 1e-9), *PRIORS))
    return replace(settings, prior=prior)


def bradley_terry(games: Games, settings: PairSettings, *, start: Floats | None = None) -> Floats:
    """Return each thing's strength, summing to 1.

    Without a prior the games must connect all things both ways (else strengths run to 0), and a thing that never
    played stays at the mean.
    """
    n_things, prior = games.n_things, FIRST_PRIOR if settings.prior is None else settings.prior
    if not n_things:
        return np.zeros(0)
    wins = added(games.winner, games.weight, n_things) + prior / 2.0
    played = wins + added(games.loser, games.weight, n_things) > 0
    strengths = np.full(n_things, 1.0) if start is None else start * n_things
    for _ in range(settings.steps):
        faced = games.weight / np.maximum(strengths[games.winner] + strengths[games.loser], TINY)
        share = added(games.winner, faced, n_things)
        share += added(games.loser, faced, n_things)
        share += prior / (strengths + 1.0)
        found = np.where(played, wins / np.maximum(share, TINY), strengths)
        # Scaled to a mean of 1: the middling thing of the prior has strength 1.
        found *= n_things / found.sum()
        moved = float(np.abs(found - strengths).sum()) / n_things
        strengths = found
        if moved < settings.tolerance:
            break
    shares: Floats = strengths / strengths.sum()
    return shares


def scores_of(strengths: Floats) -> Floats:
    """Return logarithms of strengths with mean 0."""
    logs: Floats = np.log(np.maximum(strengths, TINY))
    return logs - logs.mean() if len(logs) else logs


def score_errors(games: Games, scores: Floats, settings: PairSettings) -> Floats:
    """Return the scores' standard deviations, from the curvature of the likelihood at its top."""
    n_things = games.n_things
    chances = expit(scores[games.winner] - scores[games.loser])
    bend = games.weight * chances * (1.0 - chances)
    held = max(FIRST_PRIOR if settings.prior is None else settings.prior, 1e-6) * 0.25
    own = added(games.winner, bend, n_things)
    own += added(games.loser, bend, n_things) + held
    if n_things > FULL_ERRORS:
        return 1.0 / np.sqrt(own)
    information = np.diag(own)
    np.subtract.at(information, (games.winner, games.loser), bend)
    np.subtract.at(information, (games.loser, games.winner), bend)
    spread = np.linalg.inv(information)
    # Of scores less their mean, as they are given: what moves all of them alike is no error.
    own_share = np.diag(spread) - 2.0 * spread.mean(axis=1) + spread.mean() if n_things else np.zeros(0)
    errors: Floats = np.sqrt(np.maximum(own_share, 0.0))
    return errors


def fit_noisy(comparisons: Comparisons, settings: PairSettings) -> PairFit:
    """Return scores that believe workers as far as they agree with the others; it depends on no chance and no order."""
    table = in_order(comparisons)
    given = np.bincount(table.workers, minlength=table.n_workers)
    hoped = settings.looking / (settings.looking + settings.not_looking)
    looking, leftward = np.full(table.n_workers, hoped), np.full(table.n_workers, 0.5)
    board = board_of(table)
    games = board.games(np.ones(len(table.won)))
    settings = with_prior(games, settings)
    strengths = bradley_terry(games, settings)
    # A few steps towards the top are enough between two looks at the workers; at the end it is climbed.
    short = replace(settings, steps=settings.steps_between)
    for _ in range(settings.iterations):
        before = looking
        looked = chance_of_looking(table, scores_of(strengths), looking, leftward)
        games = board.games(looked)
        strengths = bradley_terry(games, short, start=strengths)
        seen = added(table.workers, looked, table.n_workers)
        blind = added(table.workers, (1.0 - looked) * table.won, table.n_workers)
        looking = (seen + settings.looking) / (given + settings.looking + settings.not_looking)
        leftward = (blind + settings.side_weight / 2.0) / (given - seen + settings.side_weight)
        if np.abs(looking - before).max(initial=0.0) < settings.tolerance * 1e3:
            break
    scores = scores_of(bradley_terry(games, settings, start=strengths))
    return PairFit(scores, score_errors(games, scores, settings), looking=looking, leftward=leftward)


def chance_of_looking(table: Comparisons, scores: Floats, looking: Floats, leftward: Floats) -> Floats:
    """Return, for every answer, the chance that its worker looked."""
    left_wins = expit(scores[table.left] - scores[table.right])
    # A tie is half of either answer: its likelihood is their geometric mean.
    meant = left_wins**table.won * (1.0 - left_wins) ** (1.0 - table.won)
    side = leftward[table.workers]
    blind = side**table.won * (1.0 - side) ** (1.0 - table.won)
    meant, blind = looking[table.workers] * meant, (1.0 - looking[table.workers]) * blind
    chances: Floats = meant / np.maximum(meant + blind, TINY)
    return chances


def in_order(comparisons: Comparisons) -> Comparisons:
    """Sort the comparisons, so that no result depends on the order they came in."""
    order = np.lexsort((comparisons.won, comparisons.right, comparisons.left, comparisons.workers))
    return Comparisons(
        comparisons.left[order],
        comparisons.right[order],
        comparisons.won[order].astype(np.float64),
        comparisons.workers[order],
        comparisons.n_things,
        comparisons.n_workers,
    )


def expit(logits: Floats) -> Floats:
    """Return 1 / (1 + e^−x), kept off 0 and 1."""
    chances: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    return chances
