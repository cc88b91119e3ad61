"""Half-way through a batch that a simulated crowd works off, the forecast is within a tenth of the final cost."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, NotFound
from crowd_hitl.plugins.aggregators.pooled import plugin as pooled
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.services.forecasting import Forecast, Wish, forecast
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow
from tests.services.published import NOON, PRICE, QUESTIONS, Site, a_batch, a_site, answer, later, problems
from tests.services.test_extending import plugins

ITEMS, WORKERS = 60, 8


def ask(site: Site, batch: BatchRow, seconds: float = 0, **wish: object) -> Forecast:
    wanted = replace(Wish(), **wish)  # type: ignore[arg-type]  # the fields of Wish, by name
    return site.uow.read(forecast, batch_id=batch.id, wish=wanted, questions=QUESTIONS, now=later(seconds))


def answers(site: Site) -> int:
    def count(session: Session) -> int:
        return session.scalar(select(func.count(AnswerRow.id))) or 0

    return site.uow.read(count)


def test_half_way_the_forecast_is_within_a_tenth_of_the_final_cost(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=ITEMS, workers=WORKERS)
    batch = a_batch(site, overlap_min=2, overlap_max=5)
    tools = replace(plugins(), aggregators={"pooled": pooled})
    draw, second = Random(7), 0
    forecasts: list[tuple[int, Forecast]] = []
    closed = False
    while not closed:
        for worker in site.workers:
            for _ in range(3):
                second += 30
                answer(site, batch, worker, "cat" if draw.random() < 0.82 else "dog", at=later(second))
        closed = agree(unit_of_work, batch_id=batch.id, plugins=tools).batch_closed
        forecasts.append((answers(site), ask(site, batch, second)))
    final = unit_of_work.read(batch_balance, batch_id=batch.id).spent_micros
    given = answers(site)
    half = next(found for count, found in forecasts if count >= given / 2)

    assert abs(half.total.expected - final) / final <= 0.10, (half, final)
    assert half.total.low <= half.total.expected <= half.total.high
    assert half.done_from is not None and half.done_at is not None and half.done_by is not None
    assert half.done_from < half.done_at < half.done_by
    last = forecasts[-1][1]
    assert (last.items_left, last.cost.expected, last.total.expected) == (0, 0, final)
    assert problems(site) == []


def test_without_answers_the_forecast_has_a_cost_and_no_date(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3, money=7 * PRICE)
    batch = a_batch(site)
    found = ask(site, batch)
    assert (found.items_left, found.answers.expected, found.cost.expected) == (3, 6, 6 * PRICE)
    assert (found.answers_per_hour, found.done_at, found.short_micros) == (None, None, 0)
    assert ask(site, batch, more_items=2).short_micros == 3 * PRICE


def test_a_steady_pace_gives_the_date(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=10)
    batch = a_batch(site)
    for minute in range(10):
        answer(site, batch, site.workers[0], at=NOON + timedelta(minutes=minute))
    found = ask(site, batch, seconds=600)
    assert found.answers_per_hour == pytest.approx(60)
    assert found.done_at == later(600) + timedelta(minutes=10)


def test_wishes_that_cannot_be_are_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    for wish in ({"confidence": 0.0}, {"overlap_max": 1}, {"more_items": -1}):
        with pytest.raises(BadInput, match=next(iter(wish))):
            ask(site, batch, **wish)
    with pytest.raises(NotFound):
        unit_of_work.read(forecast, batch_id=99, wish=Wish(), questions=QUESTIONS, now=NOON)
