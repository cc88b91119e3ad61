"""Workers' skill with its interval, drift and confusion, on planted crowds."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from crowd_hitl.domain.ports import Floats, Ints
from crowd_hitl.inference.agreement_workers import (
    Drift,
    History,
    confusion,
    confusion_by_truth,
    drift,
    false_discoveries,
    judge,
    judge_by_truth,
    shares_with_interval,
    wilson,
)

N_TASKS, N_WORKERS, N_LABELS = 400, 12, 3


@dataclass(frozen=True)
class Planted:
    tasks: Ints
    workers: Ints
    labels: Ints
    truth: Ints
    skills: Floats
    when: Floats


def planted(*, each: int = 5, seed: int = 0, tired: tuple[int, ...] = (), hard_end: bool = False) -> Planted:
    """Let workers of skill .55 to .95 answer; the tired ones guess from half-way on."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, N_LABELS, N_TASKS).astype(np.int32)
    skills = np.linspace(0.55, 0.95, N_WORKERS)
    tasks = np.repeat(np.arange(N_TASKS, dtype=np.int32), each)
    workers = np.concatenate([chance.permutation(N_WORKERS)[:each] for _ in range(N_TASKS)]).astype(np.int32)
    late = tasks >= N_TASKS // 2
    able = np.where(np.isin(workers, tired) & late, 1 / 3, skills[workers])
    able = np.where(late & hard_end, able * 0.7, able)
    wrong = (truth[tasks] + chance.integers(1, N_LABELS, len(tasks))) % N_LABELS
    labels = np.where(chance.random(len(tasks)) < able, truth[tasks], wrong).astype(np.int32)
    return Planted(tasks, workers, labels, truth, skills, np.arange(len(tasks), dtype=np.float64))


def judged_right(crowd: Planted) -> Floats:
    return judge(
        crowd.tasks, crowd.workers, crowd.labels, n_tasks=N_TASKS, n_workers=N_WORKERS, n_labels=N_LABELS
    ).right


@pytest.mark.parametrize("each", [2, 3, 5])
def test_the_intervals_hold_the_skills_with_and_without_truth(each: int) -> None:
    held: dict[str, list[bool]] = {"truth": [], "crowd": []}
    for seed in range(40):
        crowd = planted(seed=seed, each=each)
        by_truth = judge_by_truth(crowd.tasks, crowd.labels, crowd.truth)
        for name, right in (("truth", by_truth), ("crowd", judged_right(crowd))):
            counts, _, low, high = shares_with_interval(
                right, crowd.workers, n_workers=N_WORKERS, estimated=name == "crowd"
            )
            assert counts.sum() == len(crowd.tasks)
            held[name] += ((low <= crowd.skills) & (crowd.skills <= high)).tolist()

    assert np.mean(held["truth"]) > 0.92
    assert np.mean(held["crowd"]) > 0.92


def test_wilson_is_the_textbooks_and_open_without_answers() -> None:
    low, high = wilson(np.array([8.0, 0.0, 5.0, 0.0]), np.array([10.0, 10.0, 5.0, 0.0]))

    np.testing.assert_allclose(low, [0.490, 0.0, 0.566, 0.0], atol=0.001)
    np.testing.assert_allclose(high, [0.943, 0.278, 1.0, 1.0], atol=0.001)


def test_answers_that_stand_alone_are_not_judged() -> None:
    none = judge(*(np.array([0, 1], dtype=np.int32),) * 3, n_tasks=2, n_workers=2, n_labels=2)

    assert np.isnan(none.right).all()
    counts, share, low, high = shares_with_interval(none.right, np.array([0, 1], dtype=np.int32), n_workers=2)
    assert counts.tolist() == [0, 0] and np.isnan(share).all()
    assert (low.tolist(), high.tolist()) == ([0, 0], [1, 1])


@pytest.mark.parametrize("labels", [1, 2, 10_000])
def test_any_number_of_classes_is_judged_without_nan(labels: int) -> None:
    chance = np.random.default_rng(1)
    tasks = np.repeat(np.arange(50), 3).astype(np.int32)
    workers = np.tile(np.arange(3), 50).astype(np.int32)
    said = np.where(workers < 2, tasks % labels, chance.integers(0, labels, 150)).astype(np.int32)

    found = judge(tasks, workers, said, n_tasks=50, n_workers=3, n_labels=labels)

    assert np.isfinite(found.right).all() and found.right.min() >= 0 and found.right.max() <= 1
    assert labels == 1 or found.skills[:2].min() > found.skills[2]


def test_fifteen_hundred_answers_to_one_task_do_not_overflow() -> None:
    workers = np.arange(1500, dtype=np.int32)
    zeros = np.zeros(1500, dtype=np.int32)
    said = (workers % 3 == 0).astype(np.int32)

    found = judge(zeros, workers, said, n_tasks=1, n_workers=1500, n_labels=2)

    assert np.isfinite(found.right).all()


def test_the_confusion_of_truth_is_counted_and_that_of_the_crowd_near_it() -> None:
    crowd = planted()
    found = judge(crowd.tasks, crowd.workers, crowd.labels, n_tasks=N_TASKS, n_workers=N_WORKERS, n_labels=N_LABELS)

    by_truth, by_crowd = np.zeros((3, 3)), np.zeros((3, 3))
    for matrix, (true, said, count) in (
        (by_truth, confusion_by_truth(crowd.tasks, crowd.labels, crowd.truth, n_labels=3)),
        (by_crowd, confusion(crowd.tasks, crowd.labels, found, n_labels=3)),
    ):
        matrix[true, said] = count

    assert by_truth.sum() == len(crowd.tasks)
    assert by_truth[0, 1] == ((crowd.truth[crowd.tasks] == 0) & (crowd.labels == 1)).sum()
    np.testing.assert_allclose(by_crowd / by_crowd.sum(), by_truth / by_truth.sum(), atol=0.03)


def drifted(crowd: Planted, right: Floats, *, window: int) -> Drift:
    history = History(crowd.when, crowd.truth)
    return drift(crowd.tasks, crowd.workers, right, history, window=window, n_workers=N_WORKERS)


def test_a_worker_who_gets_tired_is_flagged_and_hardly_any_other() -> None:
    caught, others = 0, 0
    for seed in range(10):
        crowd = planted(tired=(10,), seed=seed)
        found = drifted(crowd, judged_right(crowd), window=70)
        caught += int(found.flagged[10])
        others += int(found.flagged.sum()) - int(found.flagged[10])
        assert found.recent[10] < found.before[10]

    assert caught >= 9
    assert others <= 2


def test_harder_tasks_or_another_class_at_the_end_are_no_drift() -> None:
    flagged = 0
    for seed in range(10):
        crowd = planted(hard_end=True, seed=seed)
        flagged += int(drifted(crowd, judge_by_truth(crowd.tasks, crowd.labels, crowd.truth), window=50).flagged.sum())
        # A worker who never sees class 2, and gets nothing else at the end.
        blind = np.where((crowd.workers == 3) & (crowd.truth[crowd.tasks] == 2), 0, crowd.labels).astype(np.int32)
        by_class = replace(crowd, labels=blind, when=crowd.truth[crowd.tasks].astype(np.float64))
        flagged += int(drifted(by_class, judge_by_truth(crowd.tasks, blind, crowd.truth), window=50).flagged.sum())

    assert flagged <= 5


def test_too_few_answers_are_not_tested() -> None:
    crowd = planted()
    found = drifted(crowd, judged_right(crowd), window=5000)

    assert np.isnan(found.p).all() and not found.flagged.any()
    none = replace(crowd, tasks=crowd.tasks[:0], workers=crowd.workers[:0], when=np.zeros(0))
    assert not drifted(none, np.zeros(0), window=5).flagged.any()


def test_false_discoveries_are_held_to_their_rate() -> None:
    p = np.array([0.001, 0.02, np.nan, 0.04, 0.9, 0.012])

    assert false_discoveries(p).tolist() == [True, True, False, True, False, True]
    assert not false_discoveries(np.array([0.04, 0.9, 0.9, np.nan])).any()
