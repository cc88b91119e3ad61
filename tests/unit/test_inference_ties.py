"""Ties are settled by the seed, and shared in scores."""

import math

import numpy as np
import pytest

from crowd_hitl.inference.ties import accuracy, winners

TIED = np.array([[0.5, 0.5, 0.0], [0.2, 0.2, 0.6]])


def test_a_clear_winner_wins_whatever_the_seed() -> None:
    assert {int(winners(TIED, seed=seed)[1]) for seed in range(9)} == {2}


def test_a_tie_goes_by_seed_to_one_of_the_level() -> None:
    assert {int(winners(TIED, seed=seed)[0]) for seed in range(9)} == {0, 1}
    assert winners(TIED, seed=4).tolist() == winners(TIED, seed=4).tolist()


@pytest.mark.parametrize(("truth", "expected"), [([0, 2], 0.75), ([2, 2], 0.5), ([1, -1], 0.5), ([-2, 2], 0.5)])
def test_a_tie_between_two_counts_half(truth: list[int], expected: float) -> None:
    assert accuracy(TIED, np.array(truth, dtype=np.int32)) == expected


def test_accuracy_without_truth_is_not_a_number() -> None:
    assert math.isnan(accuracy(TIED, np.array([-1, -1], dtype=np.int32)))
