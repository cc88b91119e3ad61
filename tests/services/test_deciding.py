"""Decisions on answers: paid and not used, rejected and taken back, appealed; the books stay exact throughout."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.errors import AlreadyDone, BadInput, BudgetTooSmall, NotFound
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.deciding import reverse, soft_reject
from crowd_hitl.services.paying import approve, reject, reserve
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, answer, later, problems
from tests.services.test_reviewing import paid_micros

REASON = "This shows no cat at all."
PLEA = "Look again: there is a cat behind the tree."
DAY = 24 * 3600


def answered(site: Site, batch: BatchRow, worker: int = 0, value: str = "cat") -> int:
    receipt = answer(site, batch, site.workers[worker], value)
    assert receipt is not None
    return receipt.answer_id


def assignment_of(site: Site, answer_id: int) -> AssignmentRow:
    def read(session: Session) -> AssignmentRow:
        return session.get_one(AssignmentRow, session.get_one(AnswerRow, answer_id).assignment_id)

    return site.uow.read(read)


def task_of(site: Site, answer_id: int) -> TaskRow:
    def read(session: Session) -> TaskRow:
        return session.get_one(TaskRow, session.get_one(AnswerRow, answer_id).task_id)

    return site.uow.read(read)


def available(site: Site) -> int:
    found: int = site.uow.read(lambda session: session.get_one(BudgetRow, site.budget_id).available_micros)
    return found


def decide(site: Site, service: Any, answer_id: int, at: datetime = NOON, **values: Any) -> None:
    site.uow.run(service, answer_id=answer_id, decided_by=None, now=at, **values)


def fill_line(site: Site, batch: BatchRow, places: int) -> None:
    def fill(session: Session, *, now: datetime) -> None:
        from_budget = session.get_one(BatchRow, batch.id)
        from_budget.compensation_micros += places * PRICE
        reserve(session, batch=from_budget, amount_micros=places * PRICE, kind=TransferKind.EXTEND, now=now)

    site.uow.run(fill, now=NOON)


def test_a_soft_rejected_answer_is_paid_from_the_line_and_its_place_opens(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual")
    fill_line(site, batch, places=1)
    first = answered(site, batch)

    decide(site, soft_reject, first, reason=REASON)

    row, task = assignment_of(site, first), task_of(site, first)
    assert (row.state, row.reason, row.decided_at) == (AssignmentState.SOFT_REJECTED, REASON, NOON)
    assert (task.answers_count, task.places_left, task.state) == (0, 2, "open")
    assert paid_micros(site) == PRICE
    assert answer(site, batch, site.workers[0]) is None  # nobody answers the same twice
    assert problems(site) == []


def test_what_the_line_cannot_pay_is_owed_and_shown(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual")
    first = answered(site, batch)

    decide(site, soft_reject, first, reason=REASON)

    sitting_id = assignment_of(site, first).sitting_id
    assert site.uow.read(lambda session: session.get_one(SittingRow, sitting_id).state) == SittingState.OWED
    assert paid_micros(site) == 0
    assert problems(site) == []


def test_a_paid_answer_is_set_aside_without_a_second_pay_and_its_place_is_reserved_anew(
    unit_of_work: UnitOfWork,
) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site)
    first = answered(site, batch)
    before = available(site)

    decide(site, soft_reject, first, reason=REASON)

    assert available(site) == before - PRICE
    assert paid_micros(site) == PRICE
    assert task_of(site, first).places_left == 2
    assert problems(site) == []


def test_setting_a_paid_answer_aside_says_what_the_budget_lacks(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, money=2 * PRICE)
    first = answered(site, a_batch(site))
    with pytest.raises(BudgetTooSmall, match=r"Top it up by 0\.05"):
        decide(site, soft_reject, first, reason=REASON)
    assert assignment_of(site, first).state == AssignmentState.APPROVED
    assert problems(site) == []


def test_when_the_place_cannot_open_its_own_money_pays(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual")
    first = answered(site, batch)
    site.uow.run(close_batch, batch_id=batch.id, now=NOON)
    before = available(site)

    decide(site, soft_reject, first, reason=REASON)

    assert paid_micros(site) == PRICE
    assert (available(site), task_of(site, first).overlap) == (before, 0)
    assert problems(site) == []


def test_an_agreed_task_is_asked_again_and_a_label_nobody_stands_behind_is_taken_back(
    unit_of_work: UnitOfWork,
) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    first = answered(site, batch)
    agree(site.uow, batch_id=batch.id, plugins=find_plugins())
    assert task_of(site, first).state == "retired"

    decide(site, soft_reject, first, reason=REASON)

    assert task_of(site, first).state == "open"
    current = select(LabelRow).where(LabelRow.state == "current")
    assert site.uow.read(lambda session: session.scalars(current).all()) == []
    assert problems(site) == []


def test_a_decision_is_taken_once_and_needs_a_reason(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    first = answered(site, a_batch(site, approval="manual"))
    with pytest.raises(BadInput, match="at least 10 characters"):
        decide(site, soft_reject, first, reason="no")
    decide(site, reject, first, reason=REASON)
    assert assignment_of(site, first).decided_at == NOON
    with pytest.raises(AlreadyDone):
        decide(site, soft_reject, first, reason=REASON)
    with pytest.raises(NotFound):
        decide(site, reverse, 999)


def test_a_rejection_taken_back_counts_in_its_open_place(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual")
    first = answered(site, batch)
    decide(site, reject, first, reason=REASON)
    before = available(site)

    decide(site, reverse, first, later(60))

    assert assignment_of(site, first).state == AssignmentState.APPROVED
    assert (task_of(site, first).answers_count, task_of(site, first).places_left) == (1, 1)
    assert (available(site), paid_micros(site)) == (before, PRICE)
    assert problems(site) == []
    with pytest.raises(AlreadyDone, match="it is approved"):
        decide(site, reverse, first)


def test_taken_back_after_the_batch_was_closed_it_counts_again_from_the_budget(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual")
    first = answered(site, batch)
    site.uow.run(close_batch, batch_id=batch.id, now=NOON)
    decide(site, reject, first, reason=REASON)
    before = available(site)

    decide(site, reverse, first)

    assert assignment_of(site, first).state == AssignmentState.APPROVED
    assert (available(site), paid_micros(site)) == (before - PRICE, PRICE)
    assert problems(site) == []


def refilled(site: Site) -> tuple[BatchRow, int]:
    """Reject an answer whose place another worker has filled since."""
    batch = a_batch(site, approval="manual", overlap_min=1, overlap_max=1)
    first = answered(site, batch)
    decide(site, reject, first, reason=REASON)
    decide(site, approve, answered(site, batch, worker=1))
    return batch, first


def test_taken_back_when_its_place_is_filled_it_is_paid_and_not_used(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    _, first = refilled(site)
    before = available(site)

    decide(site, reverse, first)

    assert assignment_of(site, first).state == AssignmentState.SOFT_REJECTED
    assert (available(site), paid_micros(site)) == (before - PRICE, 2 * PRICE)
    assert task_of(site, first).answers_count == 1
    assert problems(site) == []
