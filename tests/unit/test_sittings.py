"""What a sitting earns, to the micro-unit: time, rates, and the line for late answers."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.quotes import BatchTerms, affordable_places, compensation_places, quote
from crowd_hitl.domain.requirements import Standing
from crowd_hitl.domain.sittings import active_seconds, rate_for, time_pay_micros
from crowd_hitl.domain.tasks import OverlapRule

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CENT = 10_000


@pytest.mark.parametrize(
    ("seconds", "hourly", "answers", "price", "pay"),
    [
        (3600, 12_000_000, 500, 50_000, 12_000_000),
        (90, 12_000_000, 10, 50_000, 300_000),
        (0.5, 12_000_000, 1, 50_000, 1_667),  # 1666.67, half up
        (1.5, 12_000_000, 1, 50_000, 5_000),
        (3600, 12_000_000, 3, 50_000, 150_000),  # no more than the price of the answers
        (0, 12_000_000, 3, 50_000, 1),  # something was approved, so something is paid
        (3600, 12_000_000, 0, 50_000, 0),
        (0.0018, 1_000_000, 1, 50_000, 1),
    ],
)
def test_active_time_is_paid_to_the_micro_unit(seconds: float, hourly: int, answers: int, price: int, pay: int) -> None:
    assert time_pay_micros(seconds, hourly_micros=hourly, answers=answers, price_micros=price) == pay


@given(st.floats(0, 1e6), st.integers(1, 10**9), st.integers(1, 1000), st.integers(1, 10**9))
def test_time_never_pays_beyond_what_its_places_hold(seconds: float, hourly: int, answers: int, price: int) -> None:
    assert 1 <= time_pay_micros(seconds, hourly_micros=hourly, answers=answers, price_micros=price) <= answers * price


def test_only_time_that_went_by_counts() -> None:
    assert active_seconds(9.5, since=NOON, until=NOON + timedelta(seconds=20)) == 9.5
    assert active_seconds(95, since=NOON, until=NOON + timedelta(seconds=20)) == 20
    assert active_seconds(5, since=NOON, until=NOON - timedelta(seconds=1)) == 0


def test_the_first_rate_that_is_met_is_the_price() -> None:
    rates = [
        {"price_micros": 3 * CENT, "requirement": {"skill_min": 0.9}},
        {"price_micros": 2 * CENT, "requirement": {"has": "spanish"}},
    ]
    standings = (Standing({}), Standing({"spanish": None}), Standing({"spanish": None}, accuracy=0.95))

    assert [rate_for(one, rates, price_micros=5 * CENT) for one in standings] == [5 * CENT, 2 * CENT, 3 * CENT]


@pytest.mark.parametrize(
    ("places", "share", "late"), [(0, 0.02, 0), (1, 0.02, 1), (50, 0.02, 1), (51, 0.02, 2), (300, 0.02, 6), (10, 0, 0)]
)
def test_the_line_is_a_share_of_the_places_rounded_up(places: int, share: float, late: int) -> None:
    assert compensation_places(places, share=share) == late


@given(st.integers(0, 10**6), st.floats(0, 1))
def test_as_many_places_are_affordable_as_fit_with_their_line_and_no_more(places: int, share: float) -> None:
    found = affordable_places(places, share=share)

    assert found + compensation_places(found, share=share) <= places
    assert found + 1 + compensation_places(found + 1, share=share) > places


@pytest.mark.parametrize(
    ("share", "fee", "least", "expected", "most", "fees"),
    [
        (0.0, 0, 2_000_000, 2_400_000, 3_000_000, 0),
        (0.02, 0, 2_040_000, 2_440_000, 3_040_000, 0),
        (0.02, 2_000, 2_448_000, 2_928_000, 3_648_000, 408_000),
    ],
)
def test_a_quote_is_exact(share: float, fee: int, least: int, expected: int, most: int, fees: int) -> None:
    terms = BatchTerms(
        price_micros=CENT, currency="USD", overlap=OverlapRule(2, 3, 0.95), fee_micros=fee, compensation_share=share
    )

    priced = quote(terms, tasks=100, gold_items=0)

    assert (priced.minimum_micros, priced.expected_micros, priced.maximum_micros) == (least, expected, most)
    assert (priced.reserve_micros, priced.fees_micros) == (least, fees)
