"""Joint inference: a good model is heard, a useless one costs nothing, and order and names decide nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import AnswerTable, Floats
from crowd_hitl.inference.joint import Joint, JointSettings, fit_joint
from crowd_hitl.inference.pooled import fit_pooled
from crowd_hitl.inference.ties import accuracy

TASKS, WORKERS = 1200, 30
Truth = NDArray[np.int32]


def a_crowd(*, each: int, n_labels: int = 3, skill: float = 0.7, seed: int = 0) -> tuple[AnswerTable, Truth]:
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, n_labels, TASKS).astype(np.int32)
    tasks = np.repeat(np.arange(TASKS, dtype=np.int32), each)
    workers = np.concatenate([chance.permutation(WORKERS)[:each] for _ in range(TASKS)]).astype(np.int32)
    right = chance.random(len(tasks)) < skill
    other = (truth[tasks] + chance.integers(1, n_labels, len(tasks))) % n_labels
    labels = np.where(right, truth[tasks], other).astype(np.int32)
    table = AnswerTable(tasks, workers, labels, n_tasks=TASKS, n_workers=WORKERS, n_labels=n_labels)
    return table, truth


def a_model(truth: Truth, *, skill: float, n_labels: int = 3, seed: int = 1) -> Floats:
    chance = np.random.default_rng(seed)
    said = np.where(chance.random(TASKS) < skill, truth, chance.integers(0, n_labels, TASKS))
    probabilities = np.full((TASKS, n_labels), 0.4 / (n_labels - 1))
    probabilities[np.arange(TASKS), said] = 0.6
    return probabilities


def right_alone(table: AnswerTable, truth: Truth) -> float:
    return accuracy(fit_pooled(table, JointSettings().pooled)[0], truth)


def check_is_sound(joint: Joint, table: AnswerTable) -> None:
    assert joint.posteriors.shape == (table.n_tasks, table.n_labels)
    assert np.allclose(joint.posteriors.sum(axis=1), 1.0)
    assert ((joint.posteriors >= 0) & (joint.posteriors <= 1)).all()
    assert ((joint.skills >= 0) & (joint.skills <= 1)).all()


@pytest.mark.parametrize(("each", "better"), [(1, 0.0), (2, 0.02), (3, 0.02)])
def test_a_good_model_makes_the_labels_better(each: int, better: float) -> None:
    table, truth = a_crowd(each=each)

    joint = fit_joint(table, a_model(truth, skill=0.8))

    check_is_sound(joint, table)
    assert joint.temper > 0
    assert joint.gain > 0.03
    assert accuracy(joint.posteriors, truth) > right_alone(table, truth) + better


@pytest.mark.parametrize("each", [1, 2, 5])
def test_a_useless_model_is_not_heard_and_costs_nothing(each: int) -> None:
    table, truth = a_crowd(each=each)

    joint = fit_joint(table, a_model(truth, skill=0.0))

    assert joint.temper == 0
    assert np.array_equal(joint.posteriors, fit_pooled(table, JointSettings().pooled)[0])


def test_a_model_that_is_sure_and_wrong_is_calibrated_or_ignored() -> None:
    table, truth = a_crowd(each=3)
    wrong = np.eye(3)[(truth + 1) % 3]

    joint = fit_joint(table, wrong)

    assert accuracy(joint.posteriors, truth) >= right_alone(table, truth)


def test_a_task_without_answers_has_the_models_word_and_one_without_a_prediction_the_crowds() -> None:
    table, truth = a_crowd(each=3)
    asked = table.tasks >= 100
    table = AnswerTable(
        table.tasks[asked], table.workers[asked], table.labels[asked], n_tasks=TASKS, n_workers=WORKERS, n_labels=3
    )
    probabilities = a_model(truth, skill=0.95)
    probabilities[50:150] = np.nan

    posteriors = fit_joint(table, probabilities).posteriors

    assert accuracy(posteriors[:50], truth[:50]) > 0.85
    assert posteriors[50:100].max() < 0.45
    assert accuracy(posteriors[100:150], truth[100:150]) > 0.6


def test_gold_is_certain_whatever_the_model_says() -> None:
    table, truth = a_crowd(each=2)
    gold = np.full(TASKS, -1, dtype=np.int32)
    gold[:10] = truth[:10]
    table = AnswerTable(table.tasks, table.workers, table.labels, TASKS, WORKERS, 3, gold)

    posteriors = fit_joint(table, a_model((truth + 1) % 3, skill=0.9)).posteriors

    assert (posteriors[np.arange(10), truth[:10]] == 1.0).all()


def test_the_order_of_rows_tasks_workers_and_labels_decides_nothing() -> None:
    table, truth = a_crowd(each=2)
    probabilities = a_model(truth, skill=0.7)
    chance = np.random.default_rng(5)
    rows, tasks, workers, labels = (chance.permutation(size) for size in (len(table.tasks), TASKS, WORKERS, 3))
    shuffled = AnswerTable(
        tasks[table.tasks][rows].astype(np.int32),
        workers[table.workers][rows].astype(np.int32),
        labels[table.labels][rows].astype(np.int32),
        TASKS,
        WORKERS,
        3,
    )
    moved = np.empty_like(probabilities)
    moved[np.ix_(tasks, labels)] = probabilities

    one, other = fit_joint(table, probabilities), fit_joint(shuffled, moved)

    assert one.temper == other.temper > 0
    assert np.abs(other.posteriors[np.ix_(tasks, labels)] - one.posteriors).max() < 1e-9


def test_many_classes_and_few_answers_are_weighed_too() -> None:
    table, truth = a_crowd(each=2, n_labels=600)

    joint = fit_joint(table, a_model(truth, skill=0.6, n_labels=600))

    check_is_sound(joint, table)


def test_no_answers_at_all_leave_nothing_known() -> None:
    empty = np.empty(0, dtype=np.int32)

    joint = fit_joint(AnswerTable(empty, empty, empty, 4, 0, 2), np.full((4, 2), 0.5))

    assert (joint.posteriors == 0.5).all()
    assert joint.temper == 0


@pytest.mark.parametrize("spoilt", [np.full((3, 3), 0.3), np.full((TASKS, 3), -0.1), np.zeros((TASKS, 3))])
def test_probabilities_that_are_none_are_refused(spoilt: Floats) -> None:
    table, _ = a_crowd(each=1)

    with pytest.raises(BadInput, match="probabilities"):
        fit_joint(table, spoilt)
