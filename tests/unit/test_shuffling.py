"""A shuffle gives every number a place of its own, without a list."""

from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.shuffling import draw_shuffle


@given(seed=st.integers(0, 1_000), low=st.integers(0, 2**40), count=st.integers(1, 3_000))
def test_every_number_has_a_place_of_its_own(seed: int, low: int, count: int) -> None:
    shuffle = draw_shuffle(Random(seed), low=low, high=low + count - 1)

    places = {shuffle.place(number) for number in range(low, low + count)}

    assert len(places) == count
    assert min(places) >= 0
    assert max(places) < shuffle.size < 2 * count + 2


@given(seed=st.integers(0, 1_000), bits=st.integers(1, 55))
def test_no_product_is_larger_than_a_database_counts(seed: int, bits: int) -> None:
    shuffle = draw_shuffle(Random(seed), low=0, high=2**bits - 1)

    assert all(factor * (shuffle.size - 1) + shift < 2**63 for factor, shift in shuffle.rounds)


def test_neighbours_come_to_lie_apart_and_the_same_seed_gives_the_same() -> None:
    first, again = (draw_shuffle(Random(5), low=1, high=1_000) for _ in range(2))
    places = [first.place(number) for number in range(1, 1_001)]

    assert places == [again.place(number) for number in range(1, 1_001)]
    assert places != [draw_shuffle(Random(6), low=1, high=1_000).place(number) for number in range(1, 1_001)]
    rising = sum(a < b for a, b in pairwise(places))
    assert 400 < rising < 600
