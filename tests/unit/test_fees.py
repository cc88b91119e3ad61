"""Fees to the cent, from the dated table."""

from datetime import date

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.fees import TABLE, FeePart, FeeRule, answer_fee_micros, fee_rule
from crowd_hitl.domain.money import micros, payable, units

DAY = date(2026, 11, 22)
CASES = [
    # channel, day, price, overlap_max, fee
    ("inhouse", DAY, "0.05", 3, "0.00"),
    ("inhouse", DAY, "99.99", 100, "0.00"),
    ("mturk", DAY, "0.01", 3, "0.01"),
    ("mturk", DAY, "0.05", 3, "0.01"),
    ("mturk", DAY, "0.05", 10, "0.02"),
    ("mturk", DAY, "0.07", 9, "0.01"),
    ("mturk", DAY, "0.08", 9, "0.02"),
    ("mturk", DAY, "0.12", 9, "0.02"),
    ("mturk", DAY, "0.13", 9, "0.03"),
    ("mturk", DAY, "0.13", 10, "0.05"),
    ("mturk", DAY, "0.125", 9, "0.03"),
    ("mturk", DAY, "1.00", 9, "0.20"),
    ("mturk", DAY, "12.34", 9, "2.47"),
    # the marketplace's own examples of rounding: 0.104 down, 0.105 and 0.108 up
    ("mturk", DAY, "0.52", 9, "0.10"),
    ("mturk", DAY, "0.525", 9, "0.11"),
    ("mturk", DAY, "0.54", 9, "0.11"),
    ("mturk", DAY, "0.01", 10, "0.01"),
    ("mturk", DAY, "0.03", 10, "0.01"),
    ("mturk", DAY, "0.04", 10, "0.02"),
    ("mturk", DAY, "0.0001", 1, "0.01"),
    ("mturk", DAY, "2.50", 9, "0.50"),
    ("mturk", DAY, "2.50", 100, "1.00"),
    ("mturk", DAY, "12.34", 12, "4.94"),
    ("mturk", date(2015, 7, 21), "1.00", 9, "0.20"),
    ("mturk", date(2015, 7, 20), "1.00", 9, "0.10"),
    ("mturk", date(2015, 7, 20), "0.01", 9, "0.005"),
]


@pytest.mark.parametrize(("channel", "day", "price", "overlap", "fee"), CASES)
def test_a_fee_is_exact_to_the_cent(channel: str, day: date, price: str, overlap: int, fee: str) -> None:
    rule = fee_rule(channel, on=day)
    assert units(answer_fee_micros(rule, price_micros=micros(price), overlap_max=overlap)) == fee


def test_a_channel_or_day_without_fees_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match=r"channel: expected one of inhouse, mturk"):
        fee_rule("pigeon", on=DAY)
    with pytest.raises(BadInput, match="channel"):
        fee_rule("mturk", on=date(2001, 1, 1))


def test_on_every_day_a_channel_has_one_rule() -> None:
    for channel in {rule.channel for rule in TABLE}:
        rules = sorted((rule for rule in TABLE if rule.channel == channel), key=lambda rule: rule.valid_from)
        assert [rule.valid_until for rule in rules] == [*(rule.valid_from for rule in rules[1:]), None]


def test_a_new_row_changes_the_fee_from_its_day_on() -> None:
    first, second = date(2026, 1, 1), date(2026, 7, 1)
    table = (
        FeeRule("own", first, second, parts=(FeePart("commission", 1_250),)),
        FeeRule("own", second, None, parts=(FeePart("commission", 1_250), FeePart("tax", 333)), minimum_micros=7_000),
    )
    fees = [
        answer_fee_micros(fee_rule("own", on=day, table=table), price_micros=micros(price), overlap_max=1)
        for day, price in ((first, "0.10"), (date(2026, 6, 30), "0.10"), (second, "0.10"), (second, "0.01"))
    ]
    assert fees == [12_500, 12_500, 15_830, 7_000]


@pytest.mark.parametrize(
    ("amount", "currency", "sent"),
    [("1.239", "USD", "1.23"), ("0.009", "EUR", "0.00"), ("105.9", "JPY", "105.00"), ("1.2399", "KWD", "1.239")],
)
def test_a_payout_is_cut_to_what_the_currency_can_pay(amount: str, currency: str, sent: str) -> None:
    assert units(payable(micros(amount), currency=currency)) == sent
