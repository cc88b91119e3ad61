"""Requeueing: further answers for chosen tasks, priced first, paid from the budget, and provable afterwards."""

import pytest
from sqlalchemy import select

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Conflict, NotFound
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.requeueing import Requeue, RequeueQuote, quote_requeue, requeue_tasks
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow, TaskRow
from tests.services.published import PRICE, Site, a_batch, a_site, answer, broken, later, problems

NOW = later(60)


def an_agreed_batch(site: Site) -> BatchRow:
    batch = a_batch(site, overlap_min=1, overlap_max=1, aggregator="majority_vote", overlap_policy="fixed")
    for _ in site.items:
        answer(site, batch, site.workers[0], "cat")
    assert agree(site.uow, batch_id=batch.id, plugins=find_plugins()).batch_closed
    return batch


def requeue(site: Site, batch: BatchRow, answers: int = 2, *keys: str) -> RequeueQuote:
    wanted = Requeue(answers=answers, item_keys=keys or ("k0",))
    return site.uow.run(requeue_tasks, batch_id=batch.id, requeue=wanted, now=NOW)


def test_a_task_that_was_agreed_takes_further_answers_beyond_its_batchs_overlap(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = an_agreed_batch(site)
    before = site.uow.read(lambda session: session.get_one(BudgetRow, site.budget_id).available_micros)
    wanted = Requeue(answers=2, item_keys=("k0",))
    quoted = site.uow.read(quote_requeue, batch_id=batch.id, requeue=wanted, now=NOW)

    assert requeue(site, batch) == quoted == RequeueQuote(1, 2, 2 * PRICE, 0, "USD")

    task = site.uow.read(lambda session: session.scalars(select(TaskRow).order_by(TaskRow.item_id)).first())
    assert task is not None
    assert (task.overlap, task.places_left, task.state, task.requeued_to) == (3, 2, "open", 3)
    after = site.uow.read(lambda session: session.get_one(BudgetRow, site.budget_id).available_micros)
    assert after == before - 2 * PRICE
    assert problems(site) == []
    for worker_id in site.workers[1:3]:
        assert answer(site, batch, worker_id, "dog", at=NOW) is not None
    assert agree(site.uow, batch_id=batch.id, plugins=find_plugins()).batch_closed
    said = select(LabelRow.value).where(LabelRow.state == "current").order_by(LabelRow.item_id)
    assert site.uow.read(lambda session: session.scalars(said).all()) == ["dog", "cat"]
    assert problems(site) == []


def test_an_open_task_gets_more_places_and_may_be_requeued_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, workers=6)
    batch = a_batch(site)
    requeue(site, batch)
    requeue(site, batch, 1)
    task = site.uow.read(lambda session: session.scalars(select(TaskRow)).one())
    assert (task.overlap, task.places_left, task.requeued_to) == (5, 5, 5)
    assert problems(site) == []


def test_what_cannot_be_asked_is_refused_and_nothing_changes(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, workers=3, gold=1)
    batch = a_batch(site, gold_rate=0.5)
    with pytest.raises(NotFound, match="asks no task or item nosuch"):
        requeue(site, batch, 1, "nosuch")
    with pytest.raises(Conflict, match="is gold"):
        requeue(site, batch, 1, "k2")
    with pytest.raises(BadInput, match="can get 1 more answers"):
        requeue(site, batch, 2, "k0")
    with pytest.raises(BadInput, match="answers: expected 1 to 100"):
        requeue(site, batch, 0)
    with pytest.raises(BadInput, match="tasks: expected 1 to 1000"):
        site.uow.run(requeue_tasks, batch_id=batch.id, requeue=Requeue(answers=1), now=NOW)
    for worker_id in site.workers[:2]:
        for _ in range(3):
            broken(site, batch, worker_id)
    with pytest.raises(Conflict, match="cannot be answered"):
        requeue(site, batch, 1)
    assert problems(site) == []


def test_the_budget_is_asked_first(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, money=2 * PRICE)
    batch = a_batch(site)
    wanted = Requeue(answers=2, item_keys=("k0",))
    assert site.uow.read(quote_requeue, batch_id=batch.id, requeue=wanted, now=NOW).missing_micros == 2 * PRICE
    with pytest.raises(BudgetTooSmall):
        requeue(site, batch)
    assert problems(site) == []
