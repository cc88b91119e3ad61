"""The pooled prior: names and orders change nothing, a good worker helps, and no valid input gives nonsense."""

from dataclasses import replace

import numpy as np
import pytest

from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled

OURS = PooledSettings()


def a_crowd(seed: int, *, tasks: int = 60, n_labels: int = 3, each: int = 3) -> tuple[AnswerTable, np.ndarray]:
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, n_labels, tasks)
    asked = np.repeat(np.arange(tasks), each)
    who = np.concatenate([chance.choice(12, each, replace=False) for _ in range(tasks)])
    said = np.where(chance.random(len(asked)) < 0.65, truth[asked], chance.integers(0, n_labels, len(asked)))
    columns = [column.astype(np.int32) for column in (asked, who, said)]
    table = AnswerTable(columns[0], columns[1], columns[2], n_tasks=tasks, n_workers=12, n_labels=n_labels)
    return table, truth


@pytest.mark.parametrize("seed", range(4))
def test_other_names_and_orders_change_nothing_but_names(seed: int) -> None:
    table, _ = a_crowd(seed)
    chance = np.random.default_rng(seed)
    rows, workers, labels = (chance.permutation(size) for size in (len(table.tasks), 12, 3))
    renamed = replace(
        table,
        tasks=table.tasks[rows],
        workers=workers[table.workers[rows]].astype(np.int32),
        labels=labels[table.labels[rows]].astype(np.int32),
    )

    posteriors, skills = fit_pooled(table, OURS)
    again, skills_again = fit_pooled(renamed, OURS)

    np.testing.assert_allclose(again[:, labels], posteriors, atol=1e-9)
    np.testing.assert_allclose(skills_again[workers], skills, atol=1e-9)


@pytest.mark.parametrize("n_labels", [2, 3, 6])
def test_a_worker_who_is_always_right_raises_the_truth_on_average(n_labels: int) -> None:
    gains = []
    for seed in range(8):
        table, truth = a_crowd(seed, n_labels=n_labels)
        perfect = np.arange(table.n_tasks, dtype=np.int32)
        more = replace(
            table,
            tasks=np.concatenate([table.tasks, perfect]),
            workers=np.concatenate([table.workers, np.full(table.n_tasks, 12, dtype=np.int32)]),
            labels=np.concatenate([table.labels, truth.astype(np.int32)]),
            n_workers=13,
        )
        before, after = fit_pooled(table, OURS)[0], fit_pooled(more, OURS)[0]
        gains.append((after - before)[np.arange(table.n_tasks), truth].mean())

    assert min(gains) > 0.0


@pytest.mark.parametrize(
    ("tasks", "workers", "labels", "n_labels"),
    [
        ([0], [0], [0], 1),
        ([0], [0], [1], 2),
        ([0, 0, 0], [0, 1, 2], [0, 0, 0], 2),
        ([0] * 1500, list(range(1500)), [n % 2 for n in range(1500)], 2),
        ([0, 1], [0, 0], [7, 9_999], 10_000),
        ([], [], [], 3),
    ],
)
def test_every_valid_table_gives_probabilities(
    tasks: list[int], workers: list[int], labels: list[int], n_labels: int
) -> None:
    columns = [np.array(column, dtype=np.int32) for column in (tasks, workers, labels)]
    table = AnswerTable(
        columns[0], columns[1], columns[2], n_tasks=2, n_workers=max(workers, default=0) + 1, n_labels=n_labels
    )

    posteriors, skills = fit_pooled(table, OURS)

    np.testing.assert_allclose(posteriors.sum(axis=1), 1.0, atol=1e-9)
    assert np.isfinite(posteriors).all() and (posteriors >= 0.0).all()
    assert ((skills >= 0.0) & (skills <= 1.0)).all()


def test_gold_is_certain_and_a_worker_who_fails_it_loses_skill() -> None:
    table, _ = a_crowd(5)
    voted = np.array([np.bincount(table.labels[table.tasks == task]).argmax() for task in range(table.n_tasks)])
    # gold says of every task that worker 3 answered in the first forty that he is wrong, and is right of the others
    known = np.where(np.arange(table.n_tasks) < 40, voted, -1)
    his = (table.workers == 3) & (table.tasks < 40)
    known[table.tasks[his]] = (table.labels[his] + 1) % 3

    blind, taught = fit_pooled(table, OURS), fit_pooled(replace(table, gold=known.astype(np.int32)), OURS)

    assert (taught[0][np.arange(40), known[:40]] == 1.0).all()
    assert taught[1][3] < blind[1][3] - 0.2
