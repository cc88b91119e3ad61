"""What models leave to accident is settled: names, orders, ties, gold, lone answers, very many answers and labels."""

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import AnswerTable, Floats, Ints
from crowd_hitl.inference.answers import Answers
from crowd_hitl.inference.dawid_skene import Stop, fit_dawid_skene
from crowd_hitl.inference.glad import GladSettings, fit_glad
from crowd_hitl.inference.kos import fit_kos
from crowd_hitl.inference.mace import MaceSettings, fit_mace
from crowd_hitl.inference.one_coin import fit_one_coin
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled
from crowd_hitl.inference.votes import ZeroBasedSettings, fit_majority, fit_wawa, fit_zero_based

Fit = Callable[[Answers], tuple[Floats, Floats]]
FITS: dict[str, Fit] = {
    "majority_vote": lambda answers: fit_majority(answers, seed=0),
    "wawa": fit_wawa,
    "zero_based_skill": lambda answers: fit_zero_based(answers, ZeroBasedSettings()),
    "one_coin_dawid_skene": lambda answers: fit_one_coin(answers, Stop(iterations=20)),
    "dawid_skene": lambda answers: fit_dawid_skene(answers, Stop(iterations=20)),
    "mace": lambda answers: fit_mace(answers, MaceSettings(crowd_kit_habits=True), seed=0),
    "mace_mended": lambda answers: fit_mace(answers, MaceSettings(), seed=0),
    "glad": lambda answers: fit_glad(answers, GladSettings(iterations=3)),
    "pooled": lambda answers: fit_pooled(answers, PooledSettings()),
}


def a_kos(answers: Answers) -> tuple[Floats, Floats]:
    return fit_kos(answers, iterations=100, seed=0)


# Ours: nothing in it goes by the order of names. Ties go by label in Wawa and zero-based skill, MACE's start is drawn
# in the order of names, crowd-kit's Dawid–Skene stops by a bound whose last digits follow it.
NAMELESS = ["pooled"]
CLOSE = 1e-9

WORKERS, LABELS = 6, 4


def a_table(rows: list[tuple[int, int, int]], *, tasks: int = 8) -> AnswerTable:
    return coded(rows, tasks=tasks, workers=WORKERS, labels=LABELS)


def coded(rows: list[tuple[int, int, int]], *, tasks: int, workers: int, labels: int) -> AnswerTable:
    columns = np.array(rows, dtype=np.int32).reshape(-1, 3)
    return AnswerTable(columns[:, 0], columns[:, 1], columns[:, 2], n_tasks=tasks, n_workers=workers, n_labels=labels)


ROWS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, WORKERS - 1), st.integers(0, LABELS - 1)), min_size=0, max_size=40
)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("name", FITS)
@FEW
@given(rows=ROWS)
def test_any_answers_give_probabilities(name: str, rows: list[tuple[int, int, int]]) -> None:
    posteriors, skills = FITS[name](a_table(rows))

    assert np.isfinite(posteriors).all() and np.isfinite(skills).all()
    assert posteriors.min() >= 0.0 and posteriors.max() <= 1.0 + CLOSE
    np.testing.assert_allclose(posteriors.sum(axis=1), 1.0, atol=CLOSE)
    assert skills.shape == (WORKERS,) and skills.min() >= 0.0 and skills.max() <= 1.0


@pytest.mark.parametrize("name", FITS)
@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_changes_nothing(name: str, rows: list[tuple[int, int, int]], seed: int) -> None:
    mixed = np.random.default_rng(seed).permutation(len(rows))

    one, two = FITS[name](a_table(rows)), FITS[name](a_table([rows[place] for place in mixed]))

    np.testing.assert_array_equal(one[0], two[0])
    np.testing.assert_array_equal(one[1], two[1])


@pytest.mark.parametrize("name", NAMELESS)
@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_other_names_change_nothing_but_names(name: str, rows: list[tuple[int, int, int]], seed: int) -> None:
    chance = np.random.default_rng(seed)
    tasks, workers, labels = (chance.permutation(size) for size in (8, WORKERS, LABELS))

    posteriors, skills = FITS[name](a_table(rows))
    renamed = [(int(tasks[task]), int(workers[worker]), int(labels[label])) for task, worker, label in rows]
    other_posteriors, other_skills = FITS[name](a_table(renamed))

    np.testing.assert_allclose(other_posteriors[np.ix_(tasks, labels)], posteriors, atol=CLOSE)
    np.testing.assert_allclose(other_skills[workers], skills, atol=CLOSE)


def a_crowd(*, seed: int, tasks: int = 300, workers: int = 20, each: int = 3) -> tuple[AnswerTable, Ints]:
    chance = np.random.default_rng(seed)
    truth, good = chance.integers(0, LABELS, tasks).astype(np.int32), chance.uniform(0.4, 0.95, workers)
    rows = []
    for task in range(tasks):
        for worker in chance.permutation(workers)[:each]:
            knows = chance.random() < good[worker]
            rows.append((task, int(worker), int(truth[task] if knows else chance.integers(0, LABELS))))
    return coded(rows, tasks=tasks, workers=workers + 1, labels=LABELS), truth


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_perfect_worker_more_never_makes_the_truth_less_likely(name: str, seed: int) -> None:
    table, truth = a_crowd(seed=seed)
    size = table.n_tasks
    more = replace(
        table,
        tasks=np.append(table.tasks, np.arange(size, dtype=np.int32)),
        workers=np.append(table.workers, np.full(size, table.n_workers - 1, dtype=np.int32)),
        labels=np.append(table.labels, truth),
    )

    before, after = (FITS[name](each)[0][np.arange(size), truth].mean() for each in (table, more))

    assert after >= before


@pytest.mark.parametrize("name", FITS)
def test_a_task_may_have_thousands_of_answers(name: str) -> None:
    rows = [(0, worker, 1 if worker % 3 else 0) for worker in range(1500)] + [(1, 0, 0), (1, 1, 1), (2, 2, 1)]
    table = coded(rows, tasks=3, workers=1500, labels=2)

    posteriors, skills = FITS[name](table)

    assert np.isfinite(posteriors).all() and np.isfinite(skills).all()
    assert posteriors[0, 1] > 0.6


@pytest.mark.parametrize("name", [*FITS, "kos"])
def test_a_lone_answer_is_believed_and_who_never_answered_is_unknown(name: str) -> None:
    posteriors, skills = {**FITS, "kos": a_kos}[name](a_table([(3, 2, 1)]))

    assert posteriors[3].argmax() == 1
    np.testing.assert_allclose(posteriors[[0, 7]], 1.0 / LABELS)
    if name != "pooled":  # which puts an unknown worker at the crowd's mean
        assert skills[0] == 0.5


@pytest.mark.parametrize("name", ["one_coin_dawid_skene", "majority_vote", "wawa", "pooled", "mace_mended"])
def test_ten_thousand_labels_need_no_matrix_for_each_worker(name: str) -> None:
    chance = np.random.default_rng(3)
    labels = chance.integers(0, 10_000, 400).astype(np.int32)
    table = AnswerTable(
        tasks=np.repeat(np.arange(200, dtype=np.int32), 2),
        workers=np.tile(np.arange(40, dtype=np.int32), 10),
        labels=labels,
        n_tasks=200,
        n_workers=40,
        n_labels=10_000,
    )
    tracemalloc.start()
    posteriors, _ = FITS[name](table)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 200_000_000  # the posteriors alone are 16 MB; a matrix for each worker would be 32 GB
    assert (posteriors[table.tasks, table.labels] > 0).all()


def test_dawid_skene_refuses_what_would_fill_the_memory() -> None:
    size = 30_000
    codes = np.arange(size, dtype=np.int32)
    table = AnswerTable(codes // 3, codes % 100, codes % 10_000, n_tasks=10_000, n_workers=100, n_labels=10_000)

    with pytest.raises(BadInput, match="one_coin_dawid_skene"):
        fit_dawid_skene(table, Stop())


def test_kos_refuses_three_labels() -> None:
    with pytest.raises(BadInput, match="two labels"):
        fit_kos(a_table([(0, 0, 0), (0, 1, 1), (0, 2, 2)]), iterations=10, seed=0)


def test_a_label_that_nobody_gave_has_no_chance_and_gold_is_certain() -> None:
    table = a_table([(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 1)])
    gold = np.array([1, -1, -1, -1, -1, -1, -1, -1], dtype=np.int32)

    posteriors, _ = fit_dawid_skene(replace(table, gold=gold), Stop())

    assert posteriors[0].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_the_cost_is_linear_in_the_answers() -> None:
    def seconds(tasks: int) -> float:
        chance = np.random.default_rng(0)
        size = tasks * 5
        table = AnswerTable(
            np.repeat(np.arange(tasks, dtype=np.int32), 5),
            chance.integers(0, 100, size).astype(np.int32),
            chance.integers(0, 3, size).astype(np.int32),
            n_tasks=tasks,
            n_workers=100,
            n_labels=3,
        )
        before = time.process_time()
        fit_dawid_skene(table, Stop(iterations=5, tolerance=-np.inf))
        return time.process_time() - before

    seconds(1_000)
    assert min(seconds(80_000) for _ in range(3)) < 16 * min(seconds(10_000) for _ in range(3))  # 8 times the answers
