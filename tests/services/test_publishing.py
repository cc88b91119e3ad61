"""A batch is priced before it is published, never beyond its budget, and gives back what it did not need."""

from datetime import timedelta
from random import Random

import pytest

from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Conflict, KeyReused, NotFound
from crowd_hitl.domain.money import micros
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.publishing import BatchRequest, close_batch, publish_batch, quote_batch
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, PRICE, a_batch, a_site, answer, problems


def test_a_quote_shows_minimum_expected_and_maximum(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=10)
    request = BatchRequest(name="b", budget_id=site.budget_id, price_micros=PRICE, overlap_min=2, overlap_max=5)

    quote = unit_of_work.read(quote_batch, project_id=site.project_id, request=request)

    line = PRICE  # 2% of twenty places, rounded up to one
    assert quote.compensation_micros == line
    assert quote.minimum_micros == 10 * 2 * PRICE + line
    assert quote.maximum_micros == 10 * 5 * PRICE + line
    assert quote.minimum_micros < quote.expected_micros < quote.maximum_micros
    assert quote.reserve_micros == quote.minimum_micros


def test_publishing_reserves_the_minimum_and_closing_returns_what_is_left(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3, money=micros("1.00"))
    batch = a_batch(site)
    answer(site, batch, site.workers[0])
    open_balance = unit_of_work.read(budget_balance, budget_id=site.budget_id)

    unit_of_work.run(close_batch, batch_id=batch.id, now=NOON)
    closed_balance = unit_of_work.read(budget_balance, budget_id=site.budget_id)

    assert (open_balance.spent_micros, open_balance.reserved_micros) == (PRICE, 5 * PRICE)
    assert (closed_balance.spent_micros, closed_balance.reserved_micros) == (PRICE, 0)
    assert closed_balance.available_micros == micros("0.95")
    assert problems(site) == []


def test_a_batch_beyond_its_budget_is_refused_with_what_is_missing_and_leaves_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3, money=micros("0.25"))

    with pytest.raises(BudgetTooSmall, match=r"Top it up by 0\.05") as refused:
        a_batch(site)

    assert refused.value.missing_micros == PRICE
    assert unit_of_work.read(budget_balance, budget_id=site.budget_id).available_micros == micros("0.25")
    assert problems(site) == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"price_micros": 0}, "price"),
        ({"overlap_min": 0}, "overlap_min"),
        ({"overlap_min": 3, "overlap_max": 2}, "overlap_max"),
        ({"overlap_min": 5, "overlap_max": 5}, "overlap_min"),
        ({"confidence_target": 1.5}, "confidence_target"),
        ({"lease_seconds": 1}, "lease_seconds"),
        ({"gold_rate": 0.9}, "gold_rate"),
        ({"deadline": NOON - timedelta(seconds=1)}, "deadline"),
    ],
)
def test_terms_that_cannot_work_are_refused_by_name(
    unit_of_work: UnitOfWork, wrong: dict[str, object], field: str
) -> None:
    site = a_site(unit_of_work, workers=4)

    with pytest.raises(BadInput, match=field):
        a_batch(site, **wrong)


def test_items_in_an_open_batch_are_not_published_twice(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    a_batch(site)

    with pytest.raises(BadInput, match="nothing to ask"):
        a_batch(site, name="second")


def test_a_budget_of_another_organisation_is_not_found(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    request = BatchRequest(name="b", budget_id=999, price_micros=PRICE)

    with pytest.raises(NotFound):
        unit_of_work.run(publish_batch, project_id=site.project_id, request=request, random=Random(1), now=NOON)


def test_a_top_up_is_counted_once_under_its_key(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, money=0)

    def put(amount: str) -> int:
        budget = unit_of_work.run(
            top_up, budget_id=site.budget_id, amount_micros=micros(amount), key="march", note=None, now=NOON
        )
        return budget.available_micros

    assert (put("10"), put("10")) == (micros("10"), micros("10"))
    with pytest.raises(KeyReused):
        put("20")
    assert problems(site) == []


def test_a_budget_name_is_taken_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)

    with pytest.raises(Conflict):
        unit_of_work.run(create_budget, organisation_id=site.organisation_id, name="main", currency="USD", now=NOON)
