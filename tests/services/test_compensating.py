"""Late answers are kept and paid from a line of their own; what that cannot pay is owed, seen, and paid when it can."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BudgetTooSmall, TooLate
from crowd_hitl.services.answering import Receipt
from crowd_hitl.services.assigning import claim, expire
from crowd_hitl.services.balances import batch_balance, worker_earnings
from crowd_hitl.services.compensating import compensate, owed_in_batches, owed_to_worker, pay_aside, return_lines
from crowd_hitl.services.extending_leases import extend_lease
from crowd_hitl.services.paying import give_up_place
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, later, problems, standing_answers
from tests.services.sat import available, claimed, moved, sittings, states, submitted

START = 100_000_000


def a_short_batch(site: Site, **terms: object) -> BatchRow:
    return a_batch(site, **{"overlap_min": 1, "overlap_max": 1, "lease_seconds": 60, **terms})


def late_by(site: Site, batch: BatchRow, worker: int) -> Receipt:
    """Let a worker's lease lapse, another one answer in its place, and the first one submit after that."""
    (offer,) = claimed(site, batch, worker)
    (taken,) = claimed(site, batch, 3, at=61)
    assert taken.task_id == offer.task_id
    submitted(site, taken.assignment_id, 3, at=62)
    return submitted(site, offer.assignment_id, worker, at=63)


def test_a_late_answer_is_kept_paid_from_its_line_and_not_used(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, compensation_share=0.02)
    assert batch.compensation_micros == PRICE

    receipt = late_by(site, batch, 0)

    assert (receipt.late, receipt.owed, receipt.earned_micros) == (True, False, PRICE)
    assert states(site) == ["late", "approved"]
    assert set(standing_answers(site).values()) == {1}
    assert moved(site) == [("pay", PRICE), ("pay", PRICE)]
    assert site.uow.read(batch_balance, batch_id=batch.id).held_micros == 0
    assert problems(site) == []


def test_the_same_late_submit_again_gets_the_same_receipt(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site)

    receipt = late_by(site, batch, 0)

    assert submitted(site, receipt.assignment_id, 0, at=64) == receipt
    assert receipt.owed
    assert len(sittings(site)) == 2


def test_what_the_line_cannot_pay_is_owed_and_paid_oldest_first_when_it_is_filled(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site)
    offers = [claimed(site, batch, worker)[0] for worker in (0, 1)]
    for taken in claimed(site, batch, 3, count=2, at=61):
        submitted(site, taken.assignment_id, 3, at=62)
    for worker, offer in enumerate(offers):
        assert submitted(site, offer.assignment_id, worker, at=63 + worker).owed
    owed = site.uow.read(owed_in_batches, batch_ids=[batch.id])[batch.id]
    assert (owed.answers, owed.cost_micros) == (2, 2 * PRICE)
    assert site.uow.read(worker_earnings, worker_id=site.workers[0]).owed_micros == PRICE
    assert problems(site) == []

    site.uow.run(compensate, batch_id=batch.id, amount_micros=PRICE + 1)

    assert [row.answers for row in site.uow.read(owed_to_worker, worker_id=site.workers[1])] == [1]
    assert site.uow.read(owed_to_worker, worker_id=site.workers[0]) == []
    assert problems(site) == []
    site.uow.run(compensate, batch_id=batch.id, amount_micros=2 * PRICE)
    assert site.uow.read(owed_in_batches, batch_ids=[batch.id]) == {}
    assert len(moved(site)) == 4
    assert problems(site) == []


def test_a_line_is_filled_only_with_what_the_budget_has(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, money=PRICE)
    batch = a_short_batch(site)

    with pytest.raises(BudgetTooSmall):
        site.uow.run(compensate, batch_id=batch.id, amount_micros=PRICE)

    assert problems(site) == []


def test_the_line_goes_home_at_the_close_when_nothing_can_come_late(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site, compensation_share=0.5)
    submitted(site, claimed(site, batch)[0].assignment_id)

    site.uow.run(close_batch, batch_id=batch.id, now=later(1))

    assert available(site) == START - PRICE
    assert problems(site) == []


def test_the_line_is_kept_while_somebody_works_and_for_a_leases_time_after_a_lapse(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site, compensation_share=0.5)
    (offer,) = claimed(site, batch)
    site.uow.run(close_batch, batch_id=batch.id, now=later(1))
    assert site.uow.run(return_lines, now=later(2)) == []
    site.uow.run(expire, now=later(61))

    assert site.uow.run(return_lines, now=later(120)) == []
    receipt = submitted(site, offer.assignment_id, at=120)
    assert (receipt.late, receipt.owed) == (True, False)
    assert problems(site) == []

    assert site.uow.run(return_lines, now=later(121)) == []  # all of it is spent
    assert available(site) == START - PRICE


def test_an_unused_line_goes_home_with_the_pass(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site, compensation_share=0.5)
    claimed(site, batch)
    site.uow.run(close_batch, batch_id=batch.id, now=later(1))
    site.uow.run(expire, now=later(61))

    assert site.uow.run(return_lines, now=later(122)) == [batch.id]
    assert available(site) == START
    assert problems(site) == []


def test_an_answer_late_on_a_page_that_was_paid_gets_a_sitting_of_its_own(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site, page_size=2, compensation_share=0.02)
    first, second = claimed(site, batch)
    submitted(site, first.assignment_id, at=5)
    for offer in claimed(site, batch, 1, at=61):
        submitted(site, offer.assignment_id, 1, at=62)

    assert submitted(site, second.assignment_id, at=63).late
    assert moved(site) == [("pay", PRICE)] * 3
    assert problems(site) == []


def test_a_late_answer_by_the_hour_is_paid_by_its_time(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, hourly_micros=12_000_000, compensation_share=0.02)
    (offer,) = claimed(site, batch)
    submitted(site, claimed(site, batch, 1, at=61)[0].assignment_id, 1, at=62)

    receipt = submitted(site, offer.assignment_id, seconds=9, at=63)

    assert (receipt.late, receipt.earned_micros) == (True, 30_000)
    assert moved(site) == [("pay", 30_000)]
    assert problems(site) == []


def test_who_answered_the_task_again_is_not_paid_twice(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, compensation_share=1)
    (old,) = claimed(site, batch)
    (again,) = claimed(site, batch, at=61)
    submitted(site, again.assignment_id, at=62)

    with pytest.raises(TooLate):
        submitted(site, old.assignment_id, at=63)


def test_an_answer_that_is_not_used_is_paid_aside_while_its_place_opens_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, approval="manual", compensation_share=0.02)
    submitted(site, claimed(site, batch)[0].assignment_id)

    def soft_reject(session: Session) -> bool:
        assignment = session.scalars(select(AssignmentRow)).one()
        assignment.state = "soft_rejected"
        give_up_place(session, assignment=assignment, now=later(5))
        return pay_aside(session, assignment=assignment, now=later(5))

    assert site.uow.run(soft_reject)
    assert moved(site) == [("pay", PRICE)]
    assert len(claimed(site, batch, 1, at=6)) == 1
    assert problems(site) == []


def test_a_lease_is_extended_up_to_four_times_its_length(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site)
    (offer,) = claimed(site, batch)

    def more(at: float) -> float:
        row = site.uow.run(extend_lease, assignment_id=offer.assignment_id, worker_id=site.workers[0], now=later(at))
        return (row.lease_ends_at - NOON).total_seconds()

    assert [more(50), more(100), more(150), more(200)] == [110, 160, 210, 240]
    with pytest.raises(TooLate):
        more(230)
    assert site.uow.run(expire, now=later(239)) == 0
    assert problems(site) == []


def test_a_lapsed_lease_is_taken_again_only_while_its_place_is_open(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site)
    (offer,) = claimed(site, batch)
    mine = {"assignment_id": offer.assignment_id, "worker_id": site.workers[0]}
    site.uow.run(expire, now=later(61))

    assert site.uow.run(extend_lease, **mine, now=later(62)).state == "leased"
    assert site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[1], count=1, now=later(63)) == []
    claimed(site, batch, 1, at=130)
    with pytest.raises(TooLate):
        site.uow.run(extend_lease, **mine, now=later(131))
    assert problems(site) == []


def test_no_lease_goes_past_the_deadline(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, deadline=later(90))
    (offer,) = claimed(site, batch)

    row = site.uow.run(extend_lease, assignment_id=offer.assignment_id, worker_id=site.workers[0], now=later(50))

    assert row.lease_ends_at == later(90)
