"""Agreement by hand, against crowd-kit's measures and on planted crowds."""

from importlib import import_module
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.ports import Floats, Ints
from crowd_hitl.inference.agreement import (
    METRICS,
    Longs,
    Metric,
    Tally,
    class_agreement,
    fleiss_kappa,
    item_agreement,
    item_entropy,
    krippendorff_alpha,
    percent_agreement,
    tally,
)
from crowd_hitl.inference.agreement_pairs import alpha_by_distance, count_pairs, total_pairs
from crowd_hitl.inference.crowdkit import quiet

# Fleiss' own kind of example: ten subjects, fourteen raters, five categories; kappa is .210.
FOURTEEN = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
# Krippendorff's example with four observers and twelve units, missing values as None (2004, p. 230).
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]


def columns(rows: list[tuple[int, int, int]]) -> tuple[Ints, Ints, Ints]:
    table = np.array(rows, dtype=np.int32).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def counted(rows: list[tuple[int, int, int]], *, labels: int) -> Tally:
    tasks, _, said = columns(rows)
    return tally(tasks, said, n_tasks=max(tasks, default=-1) + 1, n_labels=labels)


def krippendorffs() -> list[tuple[int, int, int]]:
    return [
        (unit, observer, value - 1)
        for observer, values in enumerate(OBSERVERS)
        for unit, value in enumerate(values)
        if value is not None
    ]


def a_crowd(
    *, tasks: int = 60, workers: int = 8, each: int = 3, labels: int = 4, seed: int = 0
) -> list[tuple[int, int, int]]:
    chance = np.random.default_rng(seed)
    return [
        (task, int(worker), int(task % labels if chance.random() < 0.7 else chance.integers(labels)))
        for task in range(tasks)
        for worker in chance.permutation(workers)[: int(chance.integers(1, each + 1))]
    ]


def as_frame(rows: list[tuple[int, int, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["task", "worker", "label"])


@pytest.mark.parametrize(("metric", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorffs_own_example(metric: Metric, alpha: float) -> None:
    found = krippendorff_alpha(counted(krippendorffs(), labels=5), metric)

    assert found is not None
    assert found.value == pytest.approx(alpha, abs=0.0006)
    assert found.low < found.value < found.high <= 1


@pytest.mark.parametrize("metric", ["nominal", "interval"])
def test_alpha_equals_crowd_kits(metric: Metric) -> None:
    rows = a_crowd()
    # crowd-kit and nltk take seconds to import: only the oracles need them.
    oracle = import_module("crowdkit.metrics.data").alpha_krippendorff
    distances = import_module("nltk.metrics.distance")
    distance = distances.binary_distance if metric == "nominal" else distances.interval_distance
    answered = as_frame(rows)
    twice = answered[answered.groupby("task").task.transform("size") > 1]

    found = krippendorff_alpha(counted(rows, labels=4), metric)

    assert found is not None
    assert found.value == pytest.approx(oracle(twice, distance=distance), abs=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_alpha_by_pairs_is_alpha_by_counts(metric: Metric) -> None:
    rows = a_crowd(tasks=30)
    tasks, workers, said = columns(rows)
    found = counted(rows, labels=4)
    sizes = np.bincount(tasks)
    pairable = np.bincount(said[sizes[tasks] > 1], minlength=4)
    places = pairable.cumsum() - pairable / 2 if metric == "ordinal" else np.arange(4.0)

    def distances(one: Longs, other: Longs) -> Floats:
        gaps = places[said[one]] - places[said[other]]
        squares: Floats = (gaps != 0).astype(np.float64) if metric == "nominal" else gaps**2
        return squares

    totals = total_pairs(tasks, workers, distances, n_tasks=30, n_workers=8)

    by_pairs = alpha_by_distance(tasks, totals, distances, seed=0, n_tasks=30)
    by_counts = krippendorff_alpha(found, metric)

    assert by_pairs is not None and by_counts is not None
    assert by_pairs.value == pytest.approx(by_counts.value, abs=1e-9)
    assert by_pairs.low == pytest.approx(by_counts.low, abs=1e-9)


def test_fleiss_kappa_is_that_of_the_textbook() -> None:
    rows = [
        (subject, worker, category)
        for subject, counts in enumerate(FOURTEEN)
        for worker, category in enumerate(np.repeat(np.arange(5), counts).tolist())
    ]

    found = counted(rows, labels=5)

    assert fleiss_kappa(found) == pytest.approx(0.210, abs=0.0005)
    assert item_agreement(found)[:3].tolist() == pytest.approx([1.0, 0.253, 0.308], abs=0.001)
    assert percent_agreement(found) == pytest.approx(0.378, abs=0.001)
    kappas = [each.kappa for each in class_agreement(found)]
    assert (
        min(kappa for kappa in kappas if kappa is not None) < 0.21 < max(kappa for kappa in kappas if kappa is not None)
    )


def test_entropy_equals_crowd_kits_uncertainty() -> None:
    rows = a_crowd()
    oracle = import_module("crowdkit.metrics.data").uncertainty
    with quiet():
        said = oracle(as_frame(rows), compute_by="task", aggregate=False).sort_index().to_numpy()

    np.testing.assert_allclose(item_entropy(counted(rows, labels=4)), said, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rows", [[], [(0, 0, 1)], [(0, 0, 1), (1, 0, 0)], [(0, 0, 1), (0, 1, 1), (1, 0, 1)]])
def test_what_cannot_be_measured_is_none_and_not_nan(metric: Metric, rows: list[tuple[int, int, int]]) -> None:
    found = counted(rows, labels=2)

    assert krippendorff_alpha(found, metric) is None
    assert fleiss_kappa(found) is None
    assert percent_agreement(found) in (None, 1.0)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 3)), max_size=30), st.randoms())
def test_measures_stay_in_range_and_know_no_order(rows: list[tuple[int, int, int]], random: object) -> None:
    rows = list({(task, worker): (task, worker, label) for task, worker, label in rows}.values())
    turned = rows[::-1]
    for metric in METRICS:
        one = krippendorff_alpha(counted(rows, labels=4), metric)
        assert one == krippendorff_alpha(counted(turned, labels=4), metric)
        assert one is None or (np.isfinite([one.value, one.low, one.high]).all() and one.value <= 1)
    share = percent_agreement(counted(rows, labels=4))
    assert share is None or 0 <= share <= 1
    kappa = fleiss_kappa(counted(rows, labels=4))
    assert kappa is None or -1 <= kappa <= 1
    for each in class_agreement(counted(rows, labels=4)):
        assert each.agreement is None or 0 <= each.agreement <= 1


def test_large_values_that_differ_little_keep_their_alpha() -> None:
    rows = a_crowd()
    levels = np.arange(4.0)

    near = krippendorff_alpha(counted(rows, labels=4), "interval", levels=levels)
    far = krippendorff_alpha(counted(rows, labels=4), "interval", levels=levels * 1e-3 + 1e9)

    assert near is not None and far is not None
    assert far.value == pytest.approx(near.value, abs=1e-4)


def test_pairs_of_workers_are_counted_one_by_one() -> None:
    rows = a_crowd(tasks=40, each=5)
    tasks, workers, said = columns(rows)

    def distances(one: Longs, other: Longs) -> Floats:
        apart: Floats = (said[one] != said[other]).astype(np.float64)
        return apart

    found = total_pairs(tasks, workers, distances, n_tasks=40, n_workers=8)

    met: dict[tuple[int, int], list[bool]] = {}
    for one, other in combinations(rows, 2):
        if one[0] == other[0]:
            met.setdefault((min(one[1], other[1]), max(one[1], other[1])), []).append(one[2] != other[2])
    ours = {
        (int(first), int(second)): (int(shared), int(apart))
        for first, second, shared, apart in zip(found.first, found.second, found.shared, found.apart, strict=True)
    }
    assert ours == {pair: (len(each), sum(each)) for pair, each in met.items()}
    assert found.worker_pairs.sum() == 2 * count_pairs(tasks)
    np.testing.assert_allclose(found.task_apart.sum(), found.apart.sum())


def test_the_interval_of_alpha_is_as_wide_as_alpha_varies() -> None:
    found = [krippendorff_alpha(counted(a_crowd(tasks=200, seed=seed), labels=4), "nominal") for seed in range(60)]
    values = np.array([each.value for each in found if each is not None])
    widths = np.array([each.high - each.low for each in found if each is not None])

    assert 0.7 < widths.mean() / (2 * 1.96 * values.std()) < 1.4
