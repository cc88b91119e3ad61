"""What further answers are worth, and which tasks of a pool get them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from crowd_hitl.domain.pools import Pool
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.buying import entropies, expected_gain, separation
from crowd_hitl.inference.pooled import PooledSettings
from crowd_hitl.inference.replaying import Terms, record, replay_pool
from crowd_hitl.plugins.aggregators.pooled import PooledAggregator
from crowd_hitl.plugins.policies.entropy import plugin as entropy
from crowd_hitl.plugins.policies.least_sure import plugin as least_sure

RAW = PooledAggregator(PooledSettings(temperature=1.0))


def a_pool(tops: list[float], *, left: int = 5, coming: int = 0, affordable: int | None = None) -> Pool:
    posteriors = np.array([[top, 1.0 - top] for top in tops]).reshape(-1, 2)
    whole = np.ones(len(tops), dtype=np.int32)
    return Pool(
        posteriors=posteriors,
        answers=whole,
        coming=whole * coming,
        left=whole * left,
        skills=np.array([0.8, 0.9]),
        given=np.array([10, 10], dtype=np.int32),
        confidence_target=0.95,
        affordable=affordable,
    )


def a_crowd(skill: float, *, tasks: int = 300, each: int = 6, seed: int = 1) -> AnswerTable:
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, 2, tasks)
    asked = np.repeat(np.arange(tasks), each)
    who = np.concatenate([chance.choice(20, each, replace=False) for _ in range(tasks)])
    said = np.where(chance.random(len(asked)) < skill, truth[asked], 1 - truth[asked])
    columns = [column.astype(np.int32) for column in (asked, who, said)]
    return AnswerTable(columns[0], columns[1], columns[2], n_tasks=tasks, n_workers=20, n_labels=2)


def test_more_is_won_of_doubtful_tasks_with_more_answers_left_by_better_workers() -> None:
    posteriors = np.array([[0.5, 0.5], [0.7, 0.3], [0.9, 0.1], [1.0, 0.0]])
    some = np.full(4, 3)

    gains = expected_gain(posteriors, some, gap=0.5)

    assert (np.diff(gains) < 0).all() and gains[-1] == pytest.approx(0.0, abs=1e-6)
    assert (expected_gain(posteriors, some + 7, gap=0.5)[:3] > gains[:3]).all()
    assert (expected_gain(posteriors, some, gap=1.0)[:3] > gains[:3]).all()
    assert (expected_gain(posteriors, some * 0, gap=1.0) == 0.0).all()
    assert (gains <= 1.0 - posteriors.max(axis=1) + 1e-9).all()


@pytest.mark.parametrize("n_labels", [1, 2, 5])
def test_any_number_of_classes_and_workers_has_a_finite_worth(n_labels: int) -> None:
    nobody: NDArray[np.float64] = np.empty(0)
    gap = separation(nobody, np.empty(0, dtype=np.int32), n_labels=n_labels)
    gains = expected_gain(np.full((2, n_labels), 1.0 / n_labels), np.array([1, 4]), gap=gap)

    assert np.isfinite(gains).all() and (gains >= 0.0).all()
    assert np.isfinite(separation(np.array([0.0, 1.0]), np.array([1, 1], dtype=np.int32), n_labels=n_labels))


def test_entropy_is_highest_where_nothing_is_known() -> None:
    found = entropies(np.array([[0.5, 0.5], [0.9, 0.1], [1.0, 0.0]]))

    assert found[0] == pytest.approx(np.log(2.0))
    assert found[0] > found[1] > found[2] == 0.0


def test_the_least_sure_tasks_come_first_and_sure_ones_never() -> None:
    tops = [0.99, 0.6, 0.9, 0.55] + [0.97] * 36

    assert entropy.choose(a_pool(tops)).tolist() == [3, 1]
    assert least_sure.choose(a_pool([0.6, 0.99, 0.55, 0.7] * 10)).tolist() == [2, 6]


def test_a_wave_leaves_room_for_what_is_coming_and_for_the_money() -> None:
    doubtful = [0.5] * 100

    assert len(least_sure.choose(a_pool(doubtful))) == 5
    assert len(least_sure.choose(a_pool(doubtful, affordable=2))) == 2
    assert not len(least_sure.choose(a_pool(doubtful, affordable=0)))
    assert not len(least_sure.choose(a_pool(doubtful, coming=1)))
    assert not len(entropy.choose(a_pool(doubtful, left=0)))


def test_it_ends_when_nothing_is_to_be_won_by_sureness_or_by_hopelessness() -> None:
    assert not len(least_sure.choose(a_pool([0.999] * 40)))
    hopeless = a_pool([0.55] * 40, left=1)
    useless = Pool(**{**hopeless.__dict__, "skills": np.array([0.5, 0.5])})
    assert not len(least_sure.choose(useless))
    assert len(least_sure.choose(hopeless))


def test_an_empty_pool_wants_nothing() -> None:
    assert not len(least_sure.choose(a_pool([])))
    assert not len(entropy.choose(a_pool([])))


@pytest.mark.parametrize("skill", [0.75, 0.95])
def test_a_replay_never_buys_more_than_there_is_and_better_crowds_cost_less(skill: float) -> None:
    recording = record(a_crowd(skill), seed=1)
    terms = Terms(OverlapRule(1, 4, 0.95), seed=1)

    found = replay_pool(recording, terms, aggregator=RAW, policy=least_sure)

    assert found.bought.min() >= 1 and found.bought.max() <= 4
    better = replay_pool(record(a_crowd(0.99), seed=1), terms, aggregator=RAW, policy=least_sure)
    assert better.answers < found.answers


def test_a_budget_is_spent_to_the_last_answer_and_not_beyond() -> None:
    recording = record(a_crowd(0.7), seed=1)
    terms = Terms(OverlapRule(1, 6, 0.99), seed=1, affordable=700)

    assert replay_pool(recording, terms, aggregator=RAW, policy=entropy).answers == 700
