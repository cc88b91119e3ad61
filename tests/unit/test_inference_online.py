"""A task weighed by itself has the posterior that the pass over all gave it, whatever the order of its answers."""

import numpy as np
import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.calibrating import GOLD_FREE, Calibration, calibrate
from crowd_hitl.inference.online import posterior, row, take_snapshot
from crowd_hitl.inference.pooled import Fitted, PooledSettings, fit_answers, soften

SETTINGS = PooledSettings()


def a_table(seed: int, *, tasks: int = 40, workers: int = 9, n_labels: int = 3, each: int = 4) -> AnswerTable:
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, n_labels, tasks)
    asked = np.repeat(np.arange(tasks), each)
    who = np.concatenate([chance.choice(workers, each, replace=False) for _ in range(tasks)])
    said = np.where(chance.random(len(asked)) < 0.75, truth[asked], chance.integers(0, n_labels, len(asked)))
    columns = (asked.astype(np.int32), who.astype(np.int32), said.astype(np.int32))
    return AnswerTable(*columns, n_tasks=tasks, n_workers=workers, n_labels=n_labels)


def fitted_to(table: AnswerTable) -> Fitted:
    fitted = fit_answers(table, SETTINGS)
    assert fitted is not None
    return fitted


def said_of_each(table: AnswerTable, order: np.ndarray) -> list[list[tuple[int | None, int]]]:
    said: list[list[tuple[int | None, int]]] = [[] for _ in range(table.n_tasks)]
    for at in order.tolist():
        said[table.tasks[at]].append((int(table.workers[at]), int(table.labels[at])))
    return said


@pytest.mark.parametrize("n_labels", [1, 2, 3, 10])
@pytest.mark.parametrize("seed", range(5))
def test_a_task_by_itself_has_the_posterior_of_the_pass_in_any_order(seed: int, n_labels: int) -> None:
    table = a_table(seed, n_labels=n_labels)
    fitted = fitted_to(table)
    snapshot = take_snapshot(fitted)
    order = np.random.default_rng(seed).permutation(len(table.tasks))

    online = [posterior(snapshot, said, temperature=1.15) for said in said_of_each(table, order)]

    np.testing.assert_allclose(online, soften(fitted.posteriors, 1.15), atol=1e-12)


@pytest.mark.parametrize("calibration", [GOLD_FREE, Calibration(base=2.5, mixing=0.1)])
def test_confidence_is_calibrated_as_in_the_pass(calibration: Calibration) -> None:
    table = a_table(1, each=5)
    fitted = fitted_to(table)
    counts = np.bincount(table.tasks, minlength=table.n_tasks)
    said = said_of_each(table, np.arange(len(table.tasks)))

    online = [posterior(take_snapshot(fitted), one, calibration=calibration) for one in said]

    np.testing.assert_allclose(online, calibrate(fitted.posteriors, counts, calibration), atol=1e-9)


def test_a_worker_nobody_knows_counts_as_the_crowd_and_a_label_nobody_knows_is_refused() -> None:
    snapshot = take_snapshot(fitted_to(a_table(3)))

    assert row(snapshot, None, 1) == row(snapshot, 99, 1) == snapshot.log_crowd[1].tolist()
    with pytest.raises(BadInput, match="label"):
        row(snapshot, 0, 3)


def test_more_labels_than_matrices_can_hold_leave_no_snapshot() -> None:
    assert fit_answers(a_table(3, n_labels=5_000), SETTINGS) is None


def test_a_task_without_answers_is_uniform() -> None:
    assert posterior(take_snapshot(fitted_to(a_table(3, n_labels=4))), []) == [0.25] * 4
