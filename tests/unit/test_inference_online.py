"""One answer more equals the batch's E-step, whatever the order; and it takes microseconds."""

from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.calibrating import GOLD_FREE, Calibration, calibrate
from crowd_hitl.inference.online import (
    Evidence,
    Snapshot,
    hear,
    nothing_yet,
    posterior,
    refresh,
    unhear,
    weigh_all,
)
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled

RAW = PooledSettings(temperature=1.0)


def a_table(seed: int, *, tasks: int = 40, workers: int = 9, n_labels: int = 3, each: int = 4) -> AnswerTable:
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, n_labels, tasks)
    asked = np.repeat(np.arange(tasks), each)
    who = np.concatenate([chance.choice(workers, each, replace=False) for _ in range(tasks)])
    said = np.where(chance.random(len(asked)) < 0.75, truth[asked], chance.integers(0, n_labels, len(asked)))
    columns = (asked.astype(np.int32), who.astype(np.int32), said.astype(np.int32))
    return AnswerTable(*columns, n_tasks=tasks, n_workers=workers, n_labels=n_labels)


def heard_one_by_one(table: AnswerTable, snapshot: Snapshot, order: np.ndarray) -> list[Evidence]:
    found = [nothing_yet(table.n_labels) for _ in range(table.n_tasks)]
    for at in order.tolist():
        task = int(table.tasks[at])
        found[task] = hear(found[task], snapshot.row(int(table.workers[at]), int(table.labels[at])))
    return found


@pytest.mark.parametrize("n_labels", [1, 2, 3, 10])
@pytest.mark.parametrize("seed", range(5))
def test_answers_one_by_one_equal_the_batch_in_any_order(seed: int, n_labels: int) -> None:
    table = a_table(seed, n_labels=n_labels)
    _, snapshot = refresh(table, RAW)
    order = np.random.default_rng(seed).permutation(len(table.tasks))

    found = heard_one_by_one(table, snapshot, order)

    online = [posterior(one, snapshot.log_prior.tolist(), calibration=None) for one in found]
    np.testing.assert_allclose(online, weigh_all(table, snapshot), atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_snapshot_reproduces_the_pass_that_left_it(seed: int) -> None:
    table = a_table(seed)
    fitted, snapshot = refresh(table, RAW)

    np.testing.assert_allclose(weigh_all(table, snapshot), fitted.posteriors, atol=1e-12)
    np.testing.assert_allclose(fit_pooled(table, RAW)[0], fitted.posteriors, atol=1e-12)


@pytest.mark.parametrize("calibration", [GOLD_FREE, Calibration(base=2.5, mixing=0.1)])
def test_confidence_is_calibrated_as_in_the_batch(calibration: Calibration) -> None:
    table = a_table(1, each=5)
    fitted, snapshot = refresh(table, RAW)
    counts = np.bincount(table.tasks, minlength=table.n_tasks)

    found = heard_one_by_one(table, snapshot, np.arange(len(table.tasks)))

    online = [posterior(one, snapshot.log_prior.tolist(), calibration=calibration) for one in found]
    np.testing.assert_allclose(online, calibrate(fitted.posteriors, counts, calibration), atol=1e-9)


def test_what_was_heard_can_be_taken_out_again() -> None:
    _, snapshot = refresh(a_table(2), RAW)
    once = hear(nothing_yet(3), snapshot.row(0, 1))

    back = unhear(hear(once, snapshot.row(4, 2)), snapshot.row(4, 2))

    assert back.answers == 1
    np.testing.assert_allclose(back.said, once.said, atol=1e-12)


def test_a_worker_nobody_knows_counts_as_the_crowd_and_a_label_nobody_knows_is_refused() -> None:
    _, snapshot = refresh(a_table(3), RAW)

    assert snapshot.row(None, 1) == snapshot.row(99, 1) == snapshot.log_crowd[1].tolist()
    with pytest.raises(BadInput, match="label"):
        snapshot.row(0, 3)


def test_more_labels_than_matrices_can_hold_are_refused() -> None:
    with pytest.raises(BadInput, match="n_labels: expected at most"):
        refresh(replace(a_table(3), n_labels=5_000), RAW)


def test_a_task_without_answers_is_uniform() -> None:
    assert posterior(nothing_yet(4), [-1.0, -2.0, -3.0, -4.0]) == [0.25] * 4


def test_a_pass_starts_warm_after_few_answers_and_from_the_votes_after_many() -> None:
    table = a_table(4, tasks=100)
    _, first = refresh(table, RAW)
    few, many = a_table(4, tasks=105), a_table(4, tasks=150)

    _, warm = refresh(few, RAW, last=first)
    cold, second = refresh(many, RAW, last=first)

    assert (warm.started_from, second.started_from) == (len(table.tasks), len(many.tasks))
    np.testing.assert_allclose(cold.posteriors, fit_pooled(many, RAW)[0], atol=1e-12)
    # warm or not, what the pass says is nearly the same
    fresh = fit_pooled(few, RAW)[0]
    assert (weigh_all(few, warm).argmax(axis=1) == fresh.argmax(axis=1)).mean() >= 0.95


def test_an_update_takes_at_most_50_microseconds_for_ten_classes() -> None:
    _, snapshot = refresh(a_table(5, n_labels=10), RAW)
    prior = snapshot.log_prior.tolist()
    evidence, quickest = nothing_yet(10), 1.0
    # the quickest of many: a busy machine must not fail a test
    for _ in range(200):
        started = perf_counter()
        posterior(hear(evidence, snapshot.row(3, 7)), prior)
        quickest = min(quickest, perf_counter() - started)

    assert quickest <= 50e-6
