"""Every strategy keeps the port's promises."""

from random import Random
from typing import cast

import numpy as np
import pytest

from crowd_hitl.domain.ports import Strategy
from crowd_hitl.plugins.finding import find

FOUND = find("strategies")
NAMES = sorted(FOUND)
UNSURE = np.array([[0.9, 0.1], [0.5, 0.5], [0.6, 0.4], [0.99, 0.01]])


def strategy(name: str) -> Strategy:
    return cast(Strategy, FOUND[name])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("probabilities", [None, UNSURE])
def test_picks_are_distinct_with_a_reason_and_a_propensity(name: str, probabilities: None) -> None:
    picks = strategy(name).choose(probabilities, size=4, count=3, random=Random(1))

    assert len({pick.index for pick in picks}) == 3
    assert all(0 < pick.propensity <= 1 and pick.reason for pick in picks)


@pytest.mark.parametrize("name", NAMES)
def test_a_pool_smaller_than_wanted_is_taken_whole(name: str) -> None:
    picks = strategy(name).choose(UNSURE, size=4, count=9, random=Random(1))

    assert sorted(pick.index for pick in picks) == [0, 1, 2, 3]


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_pool_gives_no_picks(name: str) -> None:
    assert strategy(name).choose(None, size=0, count=5, random=Random(1)) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name: str) -> None:
    one, two = (strategy(name).choose(None, size=50, count=9, random=Random(4)) for _ in range(2))

    assert one == two


def test_margin_takes_the_most_doubtful_first() -> None:
    picks = strategy("margin").choose(UNSURE, size=4, count=2, random=Random(1))

    assert [pick.index for pick in picks] == [1, 2]


def test_random_gives_every_item_the_same_chance() -> None:
    random = Random(2)
    drawn = [
        pick.index for _ in range(2000) for pick in strategy("random").choose(None, size=4, count=1, random=random)
    ]

    assert min(drawn.count(index) for index in range(4)) > 400
