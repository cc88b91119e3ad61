"""Gold cannot be told from work: by no number, by no place on a page; and nobody waits for somebody else's gold."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.gold import draw
from crowd_hitl.services import mixing
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.assigning import claim, claim_at_once
from crowd_hitl.services.paging import PagePart, PageSubmission, submit_page, submit_page_at_once
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.project_rows import GoldRow, ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow, TaskRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, problems
from tests.services.test_mixing import PLUGINS, claimed, gold_tasks


def test_neither_the_numbers_of_tasks_nor_those_of_leases_tell_gold_from_work(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = draw
    monkeypatch.setattr(mixing, "draw", lambda *seed: real(*seed) / 2)  # two of three draws say gold
    site = a_site(unit_of_work, items=40, workers=30, gold=20)
    known = site.uow.run(gold_for_every_third)
    batch = a_batch(site, overlap_min=10, overlap_max=10, gold_rate=0.5)
    gold = gold_tasks(site)
    assert {item for item in site.uow.read(items_of, task_ids=gold)} == known
    by_item = site.uow.read(lambda session: session.scalars(select(TaskRow.id).order_by(TaskRow.item_id)).all())
    assert by_item == sorted(by_item)  # an item's place in the import is all that a task's number says

    ranks = []
    for worker_id in site.workers:
        offers = claimed(site, batch, worker_id, count=5)
        assert [offer.assignment_id for offer in offers] == sorted(offer.assignment_id for offer in offers)
        ranks += [rank for rank, offer in enumerate(offers) if offer.task_id in gold]

    assert min(ranks.count(rank) for rank in range(5)) >= len(ranks) / 5 * 0.5
    assert problems(site) == []


def gold_for_every_third(session: Session) -> set[int]:
    """Have the known answers lie evenly among the items, as in a file in which they were mixed."""
    rows = session.scalars(select(GoldRow).order_by(GoldRow.id)).all()
    items = session.scalars(select(ItemRow.id).order_by(ItemRow.id)).all()[::3]
    for row, item_id in zip(rows, items, strict=True):
        row.item_id = item_id
        session.flush()
    return set(items)


def items_of(session: Session, *, task_ids: set[int]) -> list[int]:
    return list(session.scalars(select(TaskRow.item_id).where(TaskRow.id.in_(task_ids))))


def test_pages_hold_gold_less_often_with_each_right_answer_and_at_no_fixed_place(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=200, workers=1, gold=60)
    batch = a_batch(site, overlap_min=1, overlap_max=1, gold_rate=0.3, page_size=10)
    unit_of_work.run(lambda session: setattr(session.get_one(BatchRow, batch.id), "gold_rate", 0.02))
    gold = gold_tasks(site)

    found: list[list[bool]] = []
    page = claimed(site, batch, site.workers[0])
    while len(found) < 20:
        assert (len(page), len({offer.sitting_id for offer in page})) == (10, 1)
        found.append([offer.task_id in gold for offer in page])
        page = page_answered(site, page, site.workers[0])
        agree(site.uow, batch_id=batch.id, plugins=PLUGINS)

    assert sum(map(sum, found[:3])) >= 4
    assert sum(map(sum, found[10:])) <= 8
    assert len({place for one in found for place, is_gold in enumerate(one) if is_gold}) > 4
    assert problems(site) == []


def page_answered(site: Site, page: list[Offered], worker_id: int) -> list[Offered]:
    """Submit a page twice, as a client that lost the first reply does: the next one is the same."""
    sent = PageSubmission([PagePart(one.assignment_id, {"label": "cat"}) for one in page], f"p{page[0].sitting_id}", 1)
    terms = {"sitting_id": page[0].sitting_id, "worker_id": worker_id, "questions": QUESTIONS, "now": NOON}
    first = site.uow.run_short(submit_page_at_once, otherwise=submit_page, submission=sent, **terms)
    again = site.uow.run_short(submit_page_at_once, otherwise=submit_page, submission=sent, **terms)
    assert [one.assignment_id for one in again.next] == [one.assignment_id for one in first.next]
    return first.next


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_who_draw_what_the_other_just_answered_do_not_wait_for_each_other(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mixing, "draw", lambda *_: 0.0)
    site = a_site(unit_of_work, items=4, workers=3, gold=2)
    batch = a_batch(site, overlap_min=3, overlap_max=3, gold_rate=0.5)
    (first,) = claimed(site, batch, site.workers[0])
    terms = {"batch_id": batch.id, "worker_id": site.workers[1], "now": NOON}

    def lock_other(session: Session) -> list[Offered]:
        session.scalars(select(TaskRow).where(TaskRow.id == first.task_id).with_for_update(key_share=True)).one()
        return site.uow.run_short(claim_at_once, otherwise=claim, count=1, **terms)

    (offer,) = site.uow.run(lock_other)  # would wait for ever, if it waited

    assert offer.task_id != first.task_id
