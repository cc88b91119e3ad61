"""Two ways to label the same tasks: who is right where, and how sure the difference is."""

import math

import numpy as np
import pytest

from crowd_hitl.inference.comparing import paired_bounds, right_shares


def test_a_tie_counts_in_part_and_a_label_nobody_gave_is_wrong() -> None:
    posteriors = np.array([[0.9, 0.1, 0.0], [0.5, 0.5, 0.0], [0.2, 0.2, 0.6], [1.0, 0.0, 0.0]])

    found = right_shares(posteriors, np.array([0, 1, -2, -1], dtype=np.int32))

    assert found.tolist() == [1.0, 0.5, 0.0]


def test_bounds_hold_the_mean_and_narrow_with_the_tasks() -> None:
    few = np.array([1.0, -1.0, 0.0, 1.0] * 10)

    low, high = paired_bounds(few, seed=1)
    closer, nearer = paired_bounds(np.tile(few, 100), seed=1)

    assert low < few.mean() < high
    assert low < closer < few.mean() < nearer < high
    assert paired_bounds(few, seed=1) == (low, high)


def test_no_difference_has_no_spread_and_no_task_no_bounds() -> None:
    assert paired_bounds(np.zeros(50), seed=1) == (0.0, 0.0)
    assert all(math.isnan(bound) for bound in paired_bounds(np.empty(0), seed=1))


def test_the_bounds_are_those_of_the_normal_law_where_tasks_are_many() -> None:
    differences = np.random.default_rng(2).choice([-1.0, 0.0, 1.0], 4000, p=[0.1, 0.8, 0.1])

    low, high = paired_bounds(differences, seed=3)

    error = differences.std() / np.sqrt(4000)
    assert low == pytest.approx(differences.mean() - 1.96 * error, abs=0.25 * error)
    assert high == pytest.approx(differences.mean() + 1.96 * error, abs=0.25 * error)
