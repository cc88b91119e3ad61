"""Bradley–Terry against crowd-kit's numbers, the noisy one against planted workers, and both on real comparisons."""

import csv
import gzip
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from crowd_hitl.domain.ports import Floats
from crowd_hitl.inference.crowdkit import quiet
from crowd_hitl.inference.pairs import (
    Comparisons,
    PairFit,
    PairSettings,
    board_of,
    bradley_terry,
    fit_noisy,
    in_order,
    score_errors,
    scores_of,
    with_prior,
)
from tests.cli.recordings import SHARED


def fit_plain(comparisons: Comparisons, settings: PairSettings) -> PairFit:
    """Return scores that believe every worker alike: what the noisy ones are compared with."""
    games = board_of(in_order(comparisons)).games(np.ones(len(comparisons.won)))
    settings = with_prior(games, settings)
    scores = scores_of(bradley_terry(games, settings))
    ones = np.ones(comparisons.n_workers)
    return PairFit(scores, score_errors(games, scores, settings), looking=ones, leftward=ones / 2.0)


EXACT = PairSettings(prior=0.0, steps=20, tolerance=0.0)
REAL = SHARED / "llmfao_pairs" / "answers.csv.gz"


def compared(*, things: int = 12, answers: int = 900, workers: int = 10, blind: int = 0, seed: int = 1) -> Comparisons:
    """Let workers compare things of which the later are better; the first `blind` workers always take the left."""
    chance = np.random.default_rng(seed)
    left = chance.integers(0, things, answers)
    right = (left + chance.integers(1, things, answers)) % things
    who = chance.integers(0, workers, answers)
    won = chance.random(answers) < 1 / (1 + np.exp(-0.4 * (left - right)))
    won[who < blind] = True
    return Comparisons(
        left.astype(np.int32), right.astype(np.int32), won.astype(np.float64), who.astype(np.int32), things, workers
    )


def crowd_kit_says(table: Comparisons, *, steps: int, tolerance: float) -> Floats:
    # crowd-kit takes seconds to import: only the oracle needs it.
    crowdkit = import_module("crowdkit.aggregation")
    winners = np.where(table.won == 1, table.left, table.right)
    frame = pd.DataFrame({"worker": table.workers, "left": table.left, "right": table.right, "label": winners})
    with quiet():
        found = crowdkit.BradleyTerry(n_iter=steps, tol=tolerance).fit_predict(frame)
    said: Floats = found.sort_index().to_numpy(dtype=np.float64)
    return said


def plain(table: Comparisons, settings: PairSettings) -> Floats:
    return bradley_terry(board_of(in_order(table)).games(np.ones(len(table.won))), settings)


@pytest.mark.parametrize("steps", [1, 2, 20, 200])
def test_bradley_terry_equals_crowd_kits_numbers_step_for_step(steps: int) -> None:
    table = compared()

    found = plain(table, PairSettings(prior=0.0, steps=steps, tolerance=-1.0))

    # A tolerance below 0 never stops: crowd-kit compares a step with itself and would stop after the second.
    np.testing.assert_allclose(found, crowd_kit_says(table, steps=steps, tolerance=-1.0), atol=1e-9)


def test_bradley_terry_by_crowd_kits_defaults_is_its_second_step() -> None:
    table = compared()

    found = plain(table, PairSettings(prior=0.0, steps=2, tolerance=-1.0))

    np.testing.assert_allclose(found, crowd_kit_says(table, steps=100, tolerance=1e-5), atol=1e-9)


def test_at_the_end_of_its_steps_every_thing_has_won_as_often_as_expected() -> None:
    table = compared()
    strengths = plain(table, PairSettings(prior=0.0, steps=20_000, tolerance=1e-15))

    wins = np.bincount(table.left, table.won, 12) + np.bincount(table.right, 1 - table.won, 12)
    chances = strengths[table.left] / (strengths[table.left] + strengths[table.right])
    expected = np.bincount(table.left, chances, 12) + np.bincount(table.right, 1 - chances, 12)
    np.testing.assert_allclose(wins, expected, rtol=1e-6)


def test_a_thing_that_always_won_and_one_that_never_played_have_a_score() -> None:
    left, right, who = (np.array(column, dtype=np.int32) for column in ([0, 0], [1, 2], [0, 0]))
    table = Comparisons(left, right, np.ones(2), who, 4, 1)

    for fit in (fit_plain(table, PairSettings()), fit_noisy(table, PairSettings())):
        assert np.isfinite(fit.scores).all() and np.isfinite(fit.errors).all()
        assert fit.scores[0] > fit.scores[3] > fit.scores[1]
        assert fit.errors[3] == fit.errors.max()


def test_those_who_take_the_left_unseen_are_found_and_cost_nothing() -> None:
    table = compared(blind=4)
    truth = np.arange(12)

    noisy, simple = fit_noisy(table, PairSettings()), fit_plain(table, PairSettings())

    assert noisy.looking[:4].max() < 0.5 < noisy.looking[4:].min()
    assert noisy.leftward[:4].min() > 0.8
    assert spearmanr(noisy.scores, truth).statistic >= spearmanr(simple.scores, truth).statistic > 0.9
    # The plain one flattens the scores, as blind answers speak for anything.
    assert np.ptp(noisy.scores) > np.ptp(simple.scores)


@pytest.mark.parametrize("fit", [fit_plain, fit_noisy])
def test_neither_order_nor_sides_nor_the_global_chance_matter(fit: object) -> None:
    assert callable(fit)
    table = compared(answers=200)
    mixed = np.random.default_rng(2).permutation(200)
    turned = Comparisons(
        table.left[mixed], table.right[mixed], table.won[mixed], table.workers[mixed], table.n_things, table.n_workers
    )
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)

    one, two = fit(table, PairSettings()), fit(turned, PairSettings())

    assert np.random.random() == expected
    np.testing.assert_array_equal(one.scores, two.scores)


@pytest.mark.parametrize("fit", [fit_plain, fit_noisy])
@pytest.mark.parametrize(("things", "workers"), [(0, 0), (3, 2)])
def test_no_comparisons_are_no_error(fit: object, things: int, workers: int) -> None:
    assert callable(fit)
    none = np.zeros(0, dtype=np.int32)

    found = fit(Comparisons(none, none, np.zeros(0), none, things, workers), PairSettings())

    assert found.scores.tolist() == [0.0] * things
    assert found.looking.shape == (workers,)


def test_errors_shrink_with_the_answers() -> None:
    few, many = (fit_plain(compared(answers=count), PairSettings()).errors.mean() for count in (200, 3200))

    assert 3 < few / many < 6


def test_halves_of_real_comparisons_agree_as_measured() -> None:
    if not REAL.exists():
        return  # the real sets lie beside the checkout, and not everywhere
    with gzip.open(REAL, "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    things = {name: code for code, name in enumerate(sorted({row[side] for row in rows for side in ("left", "right")}))}
    workers = {name: code for code, name in enumerate(dict.fromkeys(row["worker"] for row in rows))}
    columns = np.array([[things[row["left"]], things[row["right"]], workers[row["worker"]]] for row in rows], np.int32)
    won = np.array([{"left": 1.0, "right": 0.0, "tie": 0.5}[row["label"]] for row in rows])

    def half(places: NDArray[np.int64]) -> Comparisons:
        left, right, who = columns[places].T
        return Comparisons(left, right, won[places], who, len(things), len(workers))

    found = []
    for seed in range(3):
        mixed = np.random.default_rng(seed).permutation(len(rows))
        one, two = (fit_noisy(half(part), PairSettings()).scores for part in (mixed[::2], mixed[1::2]))
        found.append(spearmanr(one, two).statistic)
    # crowd-kit's Bradley–Terry had .85 on all answers (its comparisons without ties); this one .90.
    assert np.mean(found) > 0.87
