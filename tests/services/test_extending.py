"""A batch is extended by items or answers: priced first, reserved before anything opens, and the books stay right."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, BudgetTooSmall
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.plugins.aggregators.majority_vote import plugin as majority
from crowd_hitl.plugins.policies.posterior import plugin as posterior
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.services.extending import Extension, extend_batch, quote_extension
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow, TaskRow
from tests.services.published import NOON, PRICE, QUESTIONS, Site, a_batch, a_site, answer, problems, standing_answers


def plugins() -> Plugins:
    return Plugins(
        questions=QUESTIONS,
        aggregators={"pooled": majority},
        fusers={},
        policies={"posterior": posterior},
        strategies={},
        learners={},
        certifiers={},
        formats={},
        label_formats={},
    )


def extend(site: Site, batch: BatchRow, **wanted: Any) -> BatchRow:
    return site.uow.run(extend_batch, batch_id=batch.id, extension=Extension(**wanted), random=Random(2), now=NOON)


def test_further_items_are_quoted_reserved_and_asked(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, limit=2)
    quoted = unit_of_work.read(quote_extension, batch_id=batch.id, extension=Extension(limit=3))
    before = unit_of_work.read(batch_balance, batch_id=batch.id).held_micros

    extended = extend(site, batch, limit=3)

    assert (quoted.tasks, quoted.reserve_micros, quoted.maximum_micros) == (3, 6 * PRICE, 6 * PRICE)
    assert unit_of_work.read(batch_balance, batch_id=batch.id).held_micros == before + quoted.reserve_micros
    assert extended.quote["tasks"] == 5
    for worker in site.workers[:2]:
        while answer(site, batch, worker):
            pass
    assert sorted(standing_answers(site).values()) == [2] * 5
    assert problems(site) == []


def test_gold_is_mixed_into_further_items(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4, gold=3)
    batch = a_batch(site, limit=2, gold_rate=0.5)

    extend(site, batch, limit=2)

    with unit_of_work.reading() as session:
        gold = session.scalars(select(TaskRow.item_id).where(TaskRow.is_gold)).all()
    assert len(gold) == len(set(gold)) == 2
    assert problems(site) == []


def test_more_answers_reopen_what_people_could_not_agree_on_even_when_the_batch_had_ended(
    unit_of_work: UnitOfWork,
) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site)
    for worker, value in zip(site.workers[:2], ("cat", "dog"), strict=True):
        while answer(site, batch, worker, value):
            pass
    assert agree(unit_of_work, batch_id=batch.id, plugins=plugins()).batch_closed

    extended = extend(site, batch, overlap_max=3)

    assert (extended.state, extended.closed_at, extended.overlap_max) == ("open", None, 3)
    assert problems(site) == []
    while answer(site, batch, site.workers[2], "cat"):
        pass
    assert sorted(standing_answers(site).values()) == [3, 3]
    assert agree(unit_of_work, batch_id=batch.id, plugins=plugins()).batch_closed
    assert problems(site) == []


def test_an_extension_beyond_the_budget_changes_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6, money=5 * PRICE)
    batch = a_batch(site, limit=2)

    with pytest.raises(BudgetTooSmall, match=r"Top it up by 0\.05"):
        extend(site, batch, limit=1)

    with unit_of_work.reading() as session:
        assert len(session.scalars(select(TaskRow.id)).all()) == 2
    assert problems(site) == []


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"overlap_max": 1}, "overlap_max: expected at least 2"),
        ({"overlap_max": 999}, "overlap_max"),
        ({"overlap_max": 2}, "nothing to add"),
        ({"items": "those"}, "items that are not in the batch"),
    ],
)
def test_what_cannot_be_added_is_refused_by_name(unit_of_work: UnitOfWork, wanted: dict[str, Any], said: str) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site)
    if wanted.get("items"):
        wanted = {"items": site.items}
    with pytest.raises(BadInput, match=said):
        extend(site, batch, **wanted)


def test_a_closed_batch_opens_again_for_further_items(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site, limit=1)
    unit_of_work.run(close_batch, batch_id=batch.id, now=NOON)

    extend(site, batch, limit=1)

    def state(session: Session) -> str:
        return session.get_one(BatchRow, batch.id).state

    assert unit_of_work.read(state) == "open"
    assert answer(site, batch, site.workers[0]) is not None
    assert problems(site) == []
