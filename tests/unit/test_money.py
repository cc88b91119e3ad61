"""Money: whole micro-units, read and shown without loss, and nothing that is not an amount gets in."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.money import LARGEST_MICROS, MICROS, currency_code, micros, units

AMOUNTS = st.integers(min_value=0, max_value=LARGEST_MICROS)


@given(AMOUNTS)
def test_an_amount_survives_being_shown_and_read_again(amount: int) -> None:
    assert micros(units(amount)) == amount


@given(st.integers(min_value=-LARGEST_MICROS, max_value=LARGEST_MICROS))
def test_an_amount_is_shown_exactly_with_two_to_six_decimals(amount: int) -> None:
    shown = units(amount)

    assert Decimal(shown) * MICROS == amount
    assert 2 <= len(shown.partition(".")[2]) <= 6


@given(AMOUNTS)
def test_text_numbers_and_decimals_are_read_alike(amount: int) -> None:
    assert micros(Decimal(amount) / MICROS) == micros(f" {units(amount)} ") == amount
    assert micros(amount // MICROS) == amount // MICROS * MICROS


@pytest.mark.parametrize(
    "amount", ["", "abc", "-0.01", "0.0000001", "NaN", "Infinity", "1e13", "1,50", "$5", "0x10", 0.05, -1, None]
)
def test_what_is_no_amount_is_refused_by_name(amount: Any) -> None:
    with pytest.raises(BadInput, match="price") as refused:
        micros(amount, field="price")

    assert refused.value.problems[0].field == "price"


@pytest.mark.parametrize(("amount", "shown"), [(50_000, "0.05"), (0, "0.00"), (-1, "-0.000001"), (1_500_000, "1.50")])
def test_amounts_look_as_people_write_them(amount: int, shown: str) -> None:
    assert units(amount) == shown


def test_a_currency_is_three_letters() -> None:
    assert currency_code(" usd ") == "USD"
    for wrong in ("", "US", "EURO", "12A", "ÄÖÜ"):
        with pytest.raises(BadInput, match="three-letter"):
            currency_code(wrong)
