"""Every aggregator keeps the port's promises."""

from dataclasses import replace
from typing import cast

import numpy as np
import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Aggregator, AnswerTable
from crowd_hitl.plugins.finding import find, find_one

FOUND = find("aggregators")
NAMES = sorted(FOUND)
# KOS weighs two labels against each other.
MANY_LABELS = [name for name in NAMES if name != "kos"]


def aggregator(name: str) -> Aggregator:
    return cast(Aggregator, FOUND[name])


def a_table(rows: list[tuple[int, int, int]], *, tasks: int, workers: int, labels: int) -> AnswerTable:
    columns = np.array(rows, dtype=np.int32).reshape(-1, 3)
    return AnswerTable(columns[:, 0], columns[:, 1], columns[:, 2], n_tasks=tasks, n_workers=workers, n_labels=labels)


def a_crowd(*, labels: int = 3, tasks: int = 200, workers: int = 12, each: int = 3) -> tuple[AnswerTable, list[int]]:
    """Two workers in three are right nine times in ten, the others answer by chance."""
    chance = np.random.default_rng(7)
    truth = chance.integers(0, labels, tasks)
    rows = []
    for task in range(tasks):
        for worker in chance.permutation(workers)[:each]:
            knows = worker % 3 > 0 and chance.random() < 0.9
            rows.append((task, int(worker), int(truth[task] if knows else chance.integers(0, labels))))
    return a_table(rows, tasks=tasks, workers=workers, labels=labels), truth.tolist()


@pytest.mark.parametrize("name", NAMES)
def test_one_is_found_without_the_rest(name: str) -> None:
    assert find_one("aggregators", name) is FOUND[name]
    assert find_one("aggregators", f"{name}_of_another") is None


def most_labels(name: str, wanted: int) -> int:
    return wanted if name in MANY_LABELS else 2


@pytest.mark.parametrize("name", NAMES)
def test_posteriors_sum_to_one_and_skills_are_shares(name: str) -> None:
    table, _ = a_crowd(labels=most_labels(name, 3))

    found = aggregator(name).aggregate(table, seed=1)

    assert found.posteriors.shape == (200, most_labels(name, 3))
    np.testing.assert_allclose(found.posteriors.sum(axis=1), 1.0, atol=1e-9)
    assert found.posteriors.min() >= 0
    assert found.skills.shape == (12,)
    assert found.skills.min() >= 0 and found.skills.max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [3, 1000])
def test_the_order_of_the_answers_changes_nothing(name: str, labels: int) -> None:
    table, _ = a_crowd(labels=most_labels(name, labels), tasks=60)
    mixed = np.random.default_rng(3).permutation(len(table.tasks))
    shuffled = replace(table, tasks=table.tasks[mixed], workers=table.workers[mixed], labels=table.labels[mixed])

    one, two = (aggregator(name).aggregate(each, seed=1) for each in (table, shuffled))

    np.testing.assert_array_equal(one.posteriors, two.posteriors)
    np.testing.assert_array_equal(one.skills, two.skills)


@pytest.mark.parametrize("name", NAMES)
def test_good_workers_are_told_from_random_ones(name: str) -> None:
    table, truth = a_crowd(each=5, labels=most_labels(name, 3))

    found = aggregator(name).aggregate(table, seed=1)

    assert found.skills[1::3].min() > found.skills[0::3].max()
    assert (found.posteriors.argmax(axis=1) == truth).mean() > 0.85


@pytest.mark.parametrize("name", NAMES)
def test_a_task_without_answers_is_uniform(name: str) -> None:
    table = a_table([(0, 0, 1), (0, 1, 1), (2, 0, 0), (2, 1, 0)], tasks=4, workers=3, labels=5)

    found = aggregator(name).aggregate(table, seed=1)

    np.testing.assert_allclose(found.posteriors[[1, 3]], 0.2)
    assert found.posteriors[0].argmax() == 1


@pytest.mark.parametrize("name", NAMES)
def test_no_answers_at_all_are_no_error(name: str) -> None:
    found = aggregator(name).aggregate(a_table([], tasks=2, workers=1, labels=2), seed=1)

    np.testing.assert_allclose(found.posteriors, 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_answers_of_one_class_only_agree_on_it(name: str) -> None:
    table = a_table([(0, 0, 2), (0, 1, 2), (1, 0, 2)], tasks=2, workers=2, labels=3)

    found = aggregator(name).aggregate(table, seed=1)

    assert found.posteriors.argmax(axis=1).tolist() == [2, 2]


@pytest.mark.parametrize("name", NAMES)
def test_a_question_with_one_label_is_settled(name: str) -> None:
    found = aggregator(name).aggregate(a_table([(0, 0, 0)], tasks=1, workers=1, labels=1), seed=1)

    np.testing.assert_allclose(found.posteriors, 1.0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("row", [(0, 0, 9), (0, 9, 0), (9, 0, 0), (0, 0, -1)])
def test_a_code_that_names_nothing_is_refused(name: str, row: tuple[int, int, int]) -> None:
    with pytest.raises(BadInput):
        aggregator(name).aggregate(a_table([row], tasks=2, workers=2, labels=2), seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_aggregating_leaves_the_global_chance_alone(name: str) -> None:
    table, _ = a_crowd(labels=most_labels(name, 3))
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)

    aggregator(name).aggregate(table, seed=1)

    assert np.random.random() == expected


@pytest.mark.parametrize("name", ["dawid_skene", "pooled"])
def test_gold_is_certain_and_teaches_skill(name: str) -> None:
    rows = [(task, worker, 1 if worker == 0 else 0) for task in range(30) for worker in range(3)]
    table = a_table(rows, tasks=30, workers=3, labels=2)
    gold = np.where(np.arange(30) < 20, 1, -1).astype(np.int32)

    found = aggregator(name).aggregate(replace(table, gold=gold), seed=1)

    assert found.posteriors[:20, 1].min() > 1 - 1e-9
    assert found.skills[0] > 0.8 > 0.2 > found.skills[1]
    assert found.posteriors[20:].argmax(axis=1).tolist() == [1] * 10


def test_pooled_is_sure_only_after_more_than_one_answer() -> None:
    table, _ = a_crowd(each=1)

    found = aggregator("pooled").aggregate(table, seed=1)

    assert found.posteriors.max() < 0.95


def test_pooled_takes_thousands_of_labels_without_a_matrix_for_each_worker() -> None:
    table, truth = a_crowd(labels=1000, each=4)

    found = aggregator("pooled").aggregate(table, seed=1)

    assert (found.posteriors.argmax(axis=1) == truth).mean() > 0.85
    assert found.skills[1::3].min() > found.skills[0::3].max()
