"""A quote: its three prices are in order, what is set aside pays the first places."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.quotes import BatchTerms, check_terms, expected_overlap, place_cost_micros, quote
from crowd_hitl.domain.tasks import OverlapRule

PLAIN = BatchTerms(price_micros=50_000, currency="USD", overlap=OverlapRule(2, 6, 0.95))


@st.composite
def terms(draw: st.DrawFn) -> BatchTerms:
    least = draw(st.integers(1, 20))
    return BatchTerms(
        price_micros=draw(st.integers(1, 10**9)),
        currency="USD",
        overlap=OverlapRule(least, draw(st.integers(least, 100)), draw(st.floats(min_value=0.01, max_value=1))),
        gold_rate=draw(st.floats(min_value=0, max_value=0.5)),
        fee_micros=draw(st.integers(0, 10**9)),
    )


@given(terms(), st.integers(0, 10**5), st.integers(0, 500))
def test_minimum_expected_and_maximum_are_in_order(asked: BatchTerms, tasks: int, gold_items: int) -> None:
    priced = quote(asked, tasks=tasks, gold_items=gold_items)

    assert priced.minimum_micros <= priced.expected_micros <= priced.maximum_micros


@given(terms(), st.integers(0, 10**5), st.integers(0, 500))
def test_what_is_reserved_pays_exactly_the_first_places(asked: BatchTerms, tasks: int, gold_items: int) -> None:
    priced = quote(asked, tasks=tasks, gold_items=gold_items)

    places = tasks * asked.overlap.overlap_min + priced.gold_places
    assert priced.reserve_micros == priced.minimum_micros == places * place_cost_micros(asked)
    assert priced.fees_micros == places * asked.fee_micros
    assert priced.gold_places <= gold_items * asked.overlap.overlap_min


@given(terms())
def test_the_expected_overlap_lies_between_the_least_and_the_greatest(asked: BatchTerms) -> None:
    rule = asked.overlap

    assert rule.overlap_min <= expected_overlap(rule) <= rule.overlap_max


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"price_micros": 0}, "price"),
        ({"price_micros": -1}, "price"),
        ({"overlap": OverlapRule(0, 3, 0.9)}, "overlap_min"),
        ({"overlap": OverlapRule(101, 101, 0.9)}, "overlap_min"),
        ({"overlap": OverlapRule(3, 2, 0.9)}, "overlap_max"),
        ({"overlap": OverlapRule(3, 101, 0.9)}, "overlap_max"),
        ({"overlap": OverlapRule(1, 1, 0.0)}, "confidence_target"),
        ({"overlap": OverlapRule(1, 1, 1.01)}, "confidence_target"),
        ({"lease_seconds": 4}, "lease_seconds"),
        ({"lease_seconds": 31 * 24 * 3600}, "lease_seconds"),
        ({"gold_rate": 0.51}, "gold_rate"),
        ({"gold_rate": -0.1}, "gold_rate"),
    ],
)
def test_terms_that_cannot_be_published_are_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_terms(replace(PLAIN, **change))

    assert [problem.field for problem in refused.value.problems] == [field]
