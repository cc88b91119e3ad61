"""How often gold is met: by the record on gold, and without a rhythm."""

import pytest

from crowd_hitl.domain.gold import FIRST_SHARE, draw, gold_share


def test_a_new_worker_meets_gold_in_one_of_three_and_it_decays_to_the_rate_of_the_batch() -> None:
    shares = [gold_share(0.05, seen=right, right=right) for right in range(12)]

    assert shares[0] == pytest.approx(FIRST_SHARE)
    assert shares == sorted(shares, reverse=True)
    assert (shares[6] > 0.05, shares[7]) == (True, 0.05)


def test_a_wrong_answer_weighs_two_right_ones() -> None:
    assert gold_share(0.05, seen=5, right=4) == gold_share(0.05, seen=2, right=2)
    assert gold_share(0.05, seen=9, right=1) == pytest.approx(FIRST_SHARE)


def test_a_batch_without_gold_mixes_none_in_and_a_high_rate_stays() -> None:
    assert gold_share(0.0, seen=0, right=0) == 0.0
    assert gold_share(0.5, seen=0, right=0) == 0.5


def test_draws_are_even_and_the_same_again_for_the_same_worker_and_answer() -> None:
    drawn = [draw(worker, answer) for worker in range(20) for answer in range(100)]

    assert drawn == [draw(worker, answer) for worker in range(20) for answer in range(100)]
    assert sum(drawn) / len(drawn) == pytest.approx(0.5, abs=0.02)
    assert all(0 <= number < 1 for number in drawn)
