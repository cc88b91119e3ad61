"""Pages: several tasks in one sitting, leased, answered and paid together."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, BadInput, NotFound
from crowd_hitl.services.assigning import expire, release
from crowd_hitl.services.paging import PagePart, PageReceipt, PageSubmission, submit_page, submit_page_at_once
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, SittingRow
from tests.services.published import NOON, PRICE, QUESTIONS, Site, a_batch, a_site, later, problems, standing_answers
from tests.services.test_hot_path import at_the_same_time, claimed, submitted


def page_sent(
    site: Site, page: list[Offered], worker: int = 0, *, key: str = "", at: datetime = NOON, **changed: Any
) -> PageReceipt:
    parts = [PagePart(offer.assignment_id, {"label": "cat"}, 1.5) for offer in page]
    submission = PageSubmission(parts, key or f"p{page[0].sitting_id}", next_count=1)
    return site.uow.run_short(
        submit_page_at_once,
        otherwise=submit_page,
        sitting_id=changed.get("sitting_id", page[0].sitting_id),
        worker_id=site.workers[worker],
        submission=changed.get("submission", submission),
        questions=QUESTIONS,
        now=at,
    )


def payments(site: Site) -> list[int]:
    statement = select(TransferRow.amount_micros).where(TransferRow.kind == "pay").order_by(TransferRow.id)
    return site.uow.read(lambda session: list(session.scalars(statement)))


def sitting_states(site: Site) -> list[str]:
    return site.uow.read(lambda session: list(session.scalars(select(SittingRow.state).order_by(SittingRow.id))))


def assignment_states(site: Site) -> list[str]:
    def read(session: Session) -> list[str]:
        return list(session.scalars(select(AssignmentRow.state).order_by(AssignmentRow.id)))

    return site.uow.read(read)


def test_a_claim_leases_one_page_whatever_is_asked_for_and_gives_it_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site, page_size=5)

    page = claimed(site, batch.id, count=2)

    assert len(page) == 5 and len({offer.sitting_id for offer in page}) == 1
    assert len({offer.lease_ends_at for offer in page}) == 1
    assert claimed(site, batch.id, count=10) == page
    assert problems(site) == []


def test_a_page_is_taken_paid_once_and_followed_by_the_next_in_one_request(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site, page_size=5)
    page = claimed(site, batch.id)

    receipt = page_sent(site, page)
    second = page_sent(site, receipt.next)
    last = page_sent(site, second.next)

    assert [len(one.next) for one in (receipt, second, last)] == [5, 2, 0]
    assert [one.earned_micros for one in (receipt, second, last)] == [5 * PRICE, 5 * PRICE, 2 * PRICE]
    assert payments(site) == [5 * PRICE, 5 * PRICE, 2 * PRICE]
    assert sitting_states(site) == ["settled"] * 3
    assert problems(site) == []


def test_the_same_page_again_gets_the_same_reply(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site, page_size=5)
    page = claimed(site, batch.id)
    receipt = page_sent(site, page)

    assert page_sent(site, page, at=later(3)) == receipt
    with pytest.raises(AlreadyDone):
        page_sent(site, page, key="another key", at=later(3))
    assert payments(site) == [5 * PRICE]
    assert problems(site) == []


def test_the_same_page_sent_several_times_at_once_counts_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site, page_size=4)
    page = claimed(site, batch.id)

    replies = at_the_same_time(4, lambda _: page_sent(site, page))

    assert replies == [replies[0]] * 4
    assert payments(site) == [4 * PRICE]
    assert problems(site) == []


def test_answers_one_by_one_are_paid_together_with_the_last(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, page_size=3)
    first, second, third = claimed(site, batch.id)

    assert submitted(site, first.assignment_id).next == []
    assert submitted(site, second.assignment_id).next == []
    assert assignment_states(site) == ["submitted", "submitted", "leased"] and payments(site) == []
    assert [offer.assignment_id for offer in claimed(site, batch.id)] == [third.assignment_id]
    receipt = submitted(site, third.assignment_id)

    assert len(receipt.next) == 3
    assert submitted(site, third.assignment_id) == receipt
    assert payments(site) == [3 * PRICE]
    assert problems(site) == []


def test_a_part_of_a_page_is_taken_and_the_rest_waits(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8)
    batch = a_batch(site, page_size=4)
    page = claimed(site, batch.id)

    half = page_sent(site, page[:2], key="half")
    rest = page_sent(site, page[2:], key="rest")

    assert len(half.answers) == 2 and half.next == []
    assert len(rest.next) == 4 and payments(site) == [4 * PRICE]
    assert problems(site) == []


@pytest.mark.parametrize("end", ["release", "expire"])
def test_what_was_answered_is_paid_when_the_rest_of_the_page_ends(unit_of_work: UnitOfWork, end: str) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site, page_size=3, lease_seconds=60)
    page = claimed(site, batch.id)
    page_sent(site, page[:2])
    if end == "release":
        arguments = {"worker_id": site.workers[0], "now": later(5)}
        site.uow.run(release, assignment_id=page[2].assignment_id, **arguments)
    else:
        site.uow.run(expire, now=later(61))

    assert payments(site) == [2 * PRICE]
    assert sitting_states(site) == ["settled"]
    assert problems(site) == []


def test_a_page_that_lapsed_whole_is_not_paid_and_its_places_open_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site, page_size=3, lease_seconds=60)
    claimed(site, batch.id)

    site.uow.run(expire, now=later(61))

    assert sitting_states(site) == ["lapsed"] and payments(site) == []
    assert len(claimed(site, batch.id, 1, at=later(62))) == 3
    assert problems(site) == []


def test_of_a_late_page_what_still_has_a_place_counts(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, page_size=2, lease_seconds=60, overlap_min=1, overlap_max=1)
    page = claimed(site, batch.id)
    others = claimed(site, batch.id, 1, at=later(61))
    gone = submitted(site, others[0].assignment_id, 1, at=later(62))
    site.uow.run(release, assignment_id=others[1].assignment_id, worker_id=site.workers[1], now=later(63))

    receipt = page_sent(site, page, at=later(64))

    assert len(receipt.answers) == 2 and gone.answer_id
    assert sorted(assignment_states(site)[:2]) == ["approved", "late"], "kept and paid, and not counted"
    assert sorted(one.late for one in receipt.answers) == [False, True]
    assert set(standing_answers(site).values()) == {1}


def test_pages_are_decided_by_people_where_approval_is_manual(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site, page_size=2, approval="manual")
    page_sent(site, claimed(site, batch.id))

    assert payments(site) == []
    assert sitting_states(site) == ["submitted", "open"]
    assert problems(site) == []


def test_a_page_of_somebody_else_or_of_nothing_is_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, page_size=2)
    page, other = claimed(site, batch.id), claimed(site, batch.id, 1)

    with pytest.raises(NotFound):
        page_sent(site, page, 1)
    with pytest.raises(NotFound):
        page_sent(site, [page[0], other[0]])
    with pytest.raises(NotFound):
        page_sent(site, page, sitting_id=999_999)
    with pytest.raises(BadInput, match="answers"):
        page_sent(site, [page[0], page[0]])
    with pytest.raises(BadInput):
        page_sent(site, page, submission=PageSubmission([PagePart(page[0].assignment_id, {"label": "cow"})], "k"))
    assert assignment_states(site) == ["leased"] * 4


@pytest.mark.parametrize("size", [0, 51])
def test_a_page_has_a_size_that_a_person_can_work_through(unit_of_work: UnitOfWork, size: int) -> None:
    site = a_site(unit_of_work)

    with pytest.raises(BadInput, match="page_size"):
        a_batch(site, page_size=size)


def test_many_with_pages_that_share_tasks_fill_every_place_exactly(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=40, workers=12)
    batch = a_batch(site, overlap_min=3, overlap_max=3, page_size=5)

    def work(worker: int) -> None:
        while page := claimed(site, batch.id, worker):
            while page:
                if worker % 3 == 0:
                    first = page_sent(site, page[:1], worker, key=f"first{page[0].sitting_id}")
                    page = page[1:] or first.next
                    continue
                receipt = page_sent(site, page, worker)
                assert page_sent(site, page, worker).answers == receipt.answers
                page = receipt.next

    at_the_same_time(12, work)

    assert set(standing_answers(site).values()) == {3}
    assert problems(site) == []
