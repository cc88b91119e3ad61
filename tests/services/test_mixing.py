"""Gold mixed in by chance: often for new workers, then at the batch's rate; what is not drawn is given back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.gold import draw
from crowd_hitl.services import mixing
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Receipt, Submission, submit, submit_at_once
from crowd_hitl.services.assigning import claim, claim_at_once
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow, TaskRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, later, problems, standing_answers

PLUGINS = find_plugins()


def gold_tasks(site: Site) -> set[int]:
    return set(site.uow.read(lambda session: session.scalars(select(TaskRow.id).where(TaskRow.is_gold)).all()))


def claimed(site: Site, batch: BatchRow, worker_id: int, *, count: int = 1) -> list[Offered]:
    terms = {"batch_id": batch.id, "worker_id": worker_id, "count": count, "now": NOON}
    return site.uow.run_short(claim_at_once, otherwise=claim, **terms)


def answered(site: Site, offer: Offered, worker_id: int, *, says: str = "cat", now: int = 0) -> Receipt:
    """Submit as a client does: what comes next is handed out with it."""
    return site.uow.run_short(
        submit_at_once,
        otherwise=submit,
        assignment_id=offer.assignment_id,
        worker_id=worker_id,
        submission=Submission({"label": says}, f"k{offer.assignment_id}", next_count=1),
        questions=QUESTIONS,
        now=later(now),
    )


def met(site: Site, batch: BatchRow, worker_id: int, *, passes: int = 10, says: str = "cat") -> list[bool]:
    """Let a worker answer all there is, with a pass every so many answers: say which of the tasks were gold."""
    gold, found = gold_tasks(site), []
    offers = claimed(site, batch, worker_id)
    while offers:
        found.append(offers[0].task_id in gold)
        offers = answered(site, offers[0], worker_id, says=says).next or claimed(site, batch, worker_id)
        if len(found) % passes == 0:
            agree(site.uow, batch_id=batch.id, plugins=PLUGINS)
    return found


def test_a_worker_meets_gold_often_at_first_then_rarely_and_in_no_rhythm(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=150, workers=1, gold=30)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.1)

    found = met(site, batch, site.workers[0])

    assert sum(found[:15]) >= 3
    assert sum(found[30:150]) <= 0.2 * 120
    places = [place for place, is_gold in enumerate(found) if is_gold]
    assert len({after - before for before, after in pairwise(places)}) > 3
    assert problems(site) == []


def test_who_errs_on_gold_meets_more_of_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=100, workers=1, gold=60)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.5)
    unit_of_work.run(lambda session: setattr(session.get_one(BatchRow, batch.id), "gold_rate", 0.02))

    found = met(site, batch, site.workers[0], passes=5, says="dog")

    assert sum(found[30:90]) >= 0.2 * 60


def test_gold_that_nobody_drew_is_given_back_when_all_other_work_is_done(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "draw", lambda *_: 0.9)
    site = a_site(unit_of_work, items=4, workers=1, gold=2)
    before = site.uow.read(available)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.5)
    for _ in range(4):
        (offer,) = claimed(site, batch, site.workers[0])
        answered_alone(site, offer, site.workers[0])

    assert agree(site.uow, batch_id=batch.id, plugins=PLUGINS).batch_closed

    assert before - site.uow.read(available) == 4 * batch.price_micros
    assert problems(site) == []


def test_a_repeated_submit_shows_the_gold_it_handed_out(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "draw", lambda *_: 0.0)
    site = a_site(unit_of_work, items=4, workers=1, gold=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.5)
    (first,) = claimed(site, batch, site.workers[0])
    assert first.task_id in gold_tasks(site)

    receipt = answered(site, first, site.workers[0])
    again = answered(site, first, site.workers[0])

    assert [offer.task_id in gold_tasks(site) for offer in receipt.next] == [True]
    assert [offer.assignment_id for offer in again.next] == [offer.assignment_id for offer in receipt.next]
    third = answered(site, receipt.next[0], site.workers[0])
    assert [offer.task_id in gold_tasks(site) for offer in third.next] == [False]  # this worker has seen all gold
    assert problems(site) == []


def test_a_draw_that_says_no_costs_no_statement(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "draw", lambda *_: 0.9)
    site = a_site(unit_of_work, items=8, workers=1, gold=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.2)
    (offer,) = claimed(site, batch, site.workers[0])
    (offer,) = answered(site, offer, site.workers[0]).next

    with statements(unit_of_work) as seen:
        for _ in range(3):
            (offer,) = answered(site, offer, site.workers[0]).next

    assert seen == []  # the one statement of the hot path goes to the driver itself


def test_on_pages_gold_lies_among_the_other_tasks(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8, workers=1, gold=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.25, page_size=10)

    offers = claimed(site, batch, site.workers[0])

    assert len([offer for offer in offers if offer.task_id in gold_tasks(site)]) == 2


def test_gold_is_drawn_in_special_batches_too(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "draw", lambda *_: 0.0)
    site = a_site(unit_of_work, items=4, workers=1, gold=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.5, cap_answers=3)

    offers = claimed(site, batch, site.workers[0], count=5)

    assert len(offers) == 3
    assert len([offer for offer in offers if offer.task_id in gold_tasks(site)]) == 2
    assert problems(site) == []


def available(session: Session) -> int:
    return session.scalars(select(BudgetRow.available_micros)).one()


def answered_alone(site: Site, offer: Offered, worker_id: int) -> None:
    terms = {"assignment_id": offer.assignment_id, "worker_id": worker_id, "questions": QUESTIONS, "now": NOON}
    site.uow.run(submit, submission=Submission({"label": "cat"}, f"k{offer.assignment_id}"), **terms)


@contextmanager
def statements(uow: UnitOfWork) -> Iterator[list[str]]:
    """List what goes through SQLAlchemy meanwhile."""
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    engines = {uow.engine, uow._short}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def test_no_gold_is_drawn_past_its_deadline(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "draw", lambda *_: 0.0)
    site = a_site(unit_of_work, items=4, workers=1, gold=3)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.5, deadline=later(60))
    (offer,) = claimed(site, batch, site.workers[0])
    assert offer.task_id in gold_tasks(site)

    assert answered(site, offer, site.workers[0], now=59).next != []
    (held,) = site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[0], count=1, now=later(59))
    assert answered(site, held, site.workers[0], now=60).next == []


def test_many_who_draw_gold_at_once_fill_its_places_exactly(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = draw
    monkeypatch.setattr(mixing, "draw", lambda *seed: real(*seed) / 2)  # two of three draws say gold
    site = a_site(unit_of_work, items=12, workers=6, gold=6)
    batch = a_batch(site, overlap_min=3, overlap_max=3, gold_rate=0.5)

    def work(worker_id: int) -> int:
        given, offers = 0, claimed(site, batch, worker_id)
        while offers:
            offers = answered(site, offers[0], worker_id).next or claimed(site, batch, worker_id)
            given += 1
        return given

    with ThreadPoolExecutor(max_workers=6) as pool:
        given = sum(pool.map(work, site.workers))

    assert given == 18 * 3
    assert set(standing_answers(site).values()) == {3}
    assert problems(site) == []
