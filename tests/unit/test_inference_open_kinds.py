"""Numbers, sets and rankings against planted truth, against crowd-kit where it has them, and by hand where small."""

from importlib import import_module
from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest

from crowd_hitl.domain.ports import Floats
from crowd_hitl.inference.answers import Answers, vote_counts
from crowd_hitl.inference.crowdkit import as_frame, quiet
from crowd_hitl.inference.multilabel import Sets, choose, fit_each_label, set_confidences
from crowd_hitl.inference.numbers import NumberFit, Numbers, NumberSettings, fit_numbers
from crowd_hitl.inference.rankings import (
    Rankings,
    RankingSettings,
    add_up,
    fit_rankings,
    kemeny_orders,
    pairs_of,
    signs_of,
)

N_TASKS, N_WORKERS = 300, 20


def measured(
    *, bias: float = 0.0, spreads: tuple[float, float] = (1.0, 1.0), strays: float = 0.0, each: int = 5, seed: int = 0
) -> tuple[Numbers, Floats, Floats]:
    """Let workers of different bias and care measure; return the answers, the truth and the biases."""
    chance = np.random.default_rng(seed)
    truth, biases = chance.normal(0, 3, N_TASKS), chance.normal(0, bias, N_WORKERS) if bias else np.zeros(N_WORKERS)
    care = chance.uniform(*spreads, N_WORKERS)
    tasks = np.repeat(np.arange(N_TASKS), each)
    workers = np.concatenate([chance.permutation(N_WORKERS)[:each] for _ in range(N_TASKS)])
    values = truth[tasks] + biases[workers] + care[workers] * chance.normal(size=len(tasks))
    stray = chance.random(len(tasks)) < strays
    values[stray] *= 100
    numbers = Numbers(tasks.astype(np.int32), workers.astype(np.int32), values, N_TASKS, N_WORKERS)
    return numbers, truth, biases


def rmse(found: Floats, truth: Floats) -> float:
    return float(np.sqrt(((found - truth) ** 2).mean()))


def mean_of(numbers: Numbers) -> Floats:
    counts = np.bincount(numbers.tasks, minlength=numbers.n_tasks)
    means: Floats = np.bincount(numbers.tasks, weights=numbers.values, minlength=numbers.n_tasks) / counts
    return means


def fitted(numbers: Numbers, *, tails: float = 6.0) -> NumberFit:
    return fit_numbers(numbers, NumberSettings(tails=tails))


def test_with_equal_workers_the_mean_is_hardly_missed() -> None:
    numbers, truth, _ = measured()

    assert rmse(fitted(numbers).means, truth) < 1.06 * rmse(mean_of(numbers), truth)


def test_biases_are_found_and_taken_off() -> None:
    numbers, truth, biases = measured(bias=2.0)

    found = fitted(numbers)

    assert np.corrcoef(found.biases, biases)[0, 1] > 0.95
    assert rmse(found.means, truth) < 0.7 * rmse(mean_of(numbers), truth)


def test_careful_workers_count_more() -> None:
    numbers, truth, _ = measured(spreads=(0.1, 4.0))

    assert rmse(fitted(numbers).means, truth) < 0.75 * rmse(mean_of(numbers), truth)


def test_a_slip_of_two_digits_hardly_counts() -> None:
    numbers, truth, _ = measured(strays=0.02)

    assert rmse(fitted(numbers, tails=4.0).means, truth) < 0.2 * rmse(mean_of(numbers), truth)


@pytest.mark.parametrize("each", [2, 3, 5])
def test_nineteen_of_twenty_intervals_hold_the_truth(each: int) -> None:
    numbers, truth, _ = measured(bias=1.0, spreads=(0.5, 2.0), each=each)

    found = fitted(numbers)

    held = np.abs(found.means - truth) <= 1.96 * found.errors
    assert held.mean() >= 0.93


@pytest.mark.parametrize("factor", [1e-6, 1e6, -1.0])
def test_numbers_in_another_unit_give_the_same_in_that_unit(factor: float) -> None:
    numbers, _, _ = measured(bias=1.0)
    turned = Numbers(numbers.tasks, numbers.workers, numbers.values * factor + 7 * factor, N_TASKS, N_WORKERS)

    one, two = fitted(numbers), fitted(turned)

    np.testing.assert_allclose(two.means, (one.means + 7) * factor, rtol=1e-6, atol=1e-6 * abs(factor))
    np.testing.assert_allclose(two.spreads, one.spreads * abs(factor), rtol=1e-6)


def test_known_values_tell_a_bias_that_all_workers_share() -> None:
    numbers, truth, _ = measured()
    known = np.where(np.arange(N_TASKS) < 60, truth, np.nan)
    high = Numbers(numbers.tasks, numbers.workers, numbers.values + 2.0, N_TASKS, N_WORKERS, known)

    found = fitted(high)

    assert found.biases.mean() == pytest.approx(2.0, abs=0.3)
    assert rmse(found.means[60:], truth[60:]) < 0.7
    np.testing.assert_array_equal(found.means[:60], truth[:60])


# several labels at once


def chosen_sets(*, options: int = 4) -> Sets:
    chance = np.random.default_rng(3)
    truth = chance.random((60, options)) < 0.4
    tasks = np.repeat(np.arange(60), 4).astype(np.int32)
    workers = np.concatenate([chance.permutation(8)[:4] for _ in range(60)]).astype(np.int32)
    return Sets(tasks, workers, truth[tasks] ^ (chance.random((240, options)) < 0.15), 60, 8)


def as_labels(sets: Sets) -> pd.DataFrame:
    labels = [[str(option) for option in np.flatnonzero(row)] for row in sets.chosen]
    return pd.DataFrame({"task": sets.tasks, "worker": sets.workers, "label": labels}).sort_values(["task", "worker"])


def by_dawid_skene(answers: Answers) -> tuple[Floats, Floats]:
    model = import_module("crowdkit.aggregation").DawidSkene(n_iter=10)
    with quiet():
        found = model.fit_predict_proba(as_frame(answers))
    posteriors = np.zeros((answers.n_tasks, answers.n_labels))
    posteriors[np.ix_(found.index.to_numpy(), found.columns.to_numpy())] = found.to_numpy()
    # crowd-kit clips before its last step: rows sum to 1 only almost
    return posteriors / posteriors.sum(axis=1, keepdims=True), np.zeros(answers.n_workers)


def by_votes(answers: Answers) -> tuple[Floats, Floats]:
    votes = vote_counts(answers)
    return votes / votes.sum(axis=1, keepdims=True), np.zeros(answers.n_workers)


@pytest.mark.parametrize("model", ["MajorityVote", "DawidSkene"])
def test_each_label_alone_is_crowd_kits_binary_relevance(model: str) -> None:
    sets = chosen_sets()
    # crowd-kit takes seconds to import: only the oracle needs it.
    crowdkit = import_module("crowdkit.aggregation")
    base = crowdkit.MajorityVote() if model == "MajorityVote" else crowdkit.DawidSkene(n_iter=10)
    with quiet():
        frame = as_labels(sets)
        said = crowdkit.BinaryRelevance(base).fit_predict(frame)

    chances = fit_each_label(sets, by_votes if model == "MajorityVote" else by_dawid_skene)

    level = np.abs(chances - 0.5) < 1e-9
    theirs = np.array([[str(option) in said[task] for option in range(4)] for task in range(60)])
    assert ((chances > 0.5) == theirs)[~level].all()
    assert (~level).mean() > 0.8


def test_the_likeliest_are_chosen_within_the_bounds() -> None:
    chances = np.array([[0.9, 0.8, 0.7], [0.1, 0.3, 0.2], [0.5, 0.5, 0.5]])

    picked = choose(chances, fewest=1, most=2, seed=0)

    assert picked[:2].tolist() == [[True, True, False], [False, True, False]]
    assert picked[2].sum() == 1
    assert choose(chances, fewest=0, most=3, seed=0).sum(axis=1).tolist() == [3, 0, 0]
    np.testing.assert_allclose(set_confidences(chances, picked)[0], 0.9 * 0.8 * 0.3)


def test_an_option_nobody_chose_is_unlikely_and_one_nobody_left_out_likely() -> None:
    said = np.zeros((30, 2), dtype=bool)
    said[:, 1] = True
    sets = Sets(np.repeat(np.arange(10), 3).astype(np.int32), np.tile(np.arange(3), 10).astype(np.int32), said, 10, 3)

    chances = fit_each_label(sets, by_votes)

    assert chances[:, 0].max() < 0.05 < 0.95 < chances[:, 1].min()


# rankings


def a_permutation(truth: list[int], theta: float, chance: np.random.Generator) -> list[int]:
    """Draw an order about the truth by Mallows' model (repeated insertion)."""
    order: list[int] = []
    for count, option in enumerate(truth):
        weights = np.exp(-theta * np.arange(count + 1))
        order.insert(count - int(chance.choice(count + 1, p=weights / weights.sum())), option)
    return order


def ranked(*, options: int = 4, each: int = 5) -> tuple[Rankings, list[list[int]], Floats]:
    chance = np.random.default_rng(5)
    care = chance.uniform(0.2, 2.5, 20)
    truth = [chance.permutation(options).tolist() for _ in range(200)]
    rows = [(task, worker) for task in range(200) for worker in chance.permutation(20)[:each]]
    places = [np.argsort(a_permutation(truth[task], care[worker], chance)) for task, worker in rows]
    columns = np.array(rows, dtype=np.int32)
    return Rankings(columns[:, 0], columns[:, 1], np.array(places, dtype=np.int32), 200, 20), truth, care


def test_orders_and_how_careful_workers_are_come_back() -> None:
    table, truth, care = ranked()

    found = fit_rankings(table, RankingSettings(), seed=1)

    right = (found.orders == np.array(truth)).all(axis=1)
    assert right.mean() > 0.75
    assert np.corrcoef(found.skills, care)[0, 1] > 0.85
    # The whole order is right about as often as is claimed.
    assert abs(found.sure.prod(axis=1).mean() - right.mean()) < 0.08


def test_small_orders_are_the_best_of_all_orders() -> None:
    table, _, _ = ranked(each=3)
    pairs = pairs_of(4)
    margins = add_up(table.tasks.astype(np.int64), signs_of(table.places, pairs), np.ones(len(table.tasks)), 200)

    found = kemeny_orders(margins, pairs, seed=0)

    def cost(order: list[int], task: int) -> float:
        signed = [margins[task, pairs.number[a, b]] * (1 if a < b else -1) for a, b in combinations(order, 2)]
        return -float(np.sum(signed))

    best = [min(cost(list(order), task) for order in permutations(range(4))) for task in range(200)]
    missed = [cost(found[task].tolist(), task) > best[task] + 1e-9 for task in range(200)]
    assert np.mean(missed) < 0.02


def test_what_is_left_out_of_a_ranking_says_only_that_it_is_worse() -> None:
    places = np.array([[0, 1, 1], [0, 1, 1]], dtype=np.int32)
    table = Rankings(np.zeros(2, np.int32), np.arange(2, dtype=np.int32), places, 1, 2)

    found = fit_rankings(table, RankingSettings(), seed=0)

    assert found.orders[0, 0] == 0
    assert found.sure[0, 0] > 0.5 == found.sure[0, 1]
