"""Answers survive repeats, undo and rejection, and each is paid exactly once."""

import pytest

from crowd_hitl.domain.errors import AlreadyDone, BadInput, KeyReused, TooLate
from crowd_hitl.domain.money import units
from crowd_hitl.services.answering import Receipt, Submission, replace, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.balances import batch_balance, worker_earnings
from crowd_hitl.services.paying import approve, reject
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow
from tests.services.published import NOON, PRICE, QUESTIONS, Site, a_batch, a_site, answer, later, problems


def submitted(
    site: Site, assignment_id: int, *, worker: int = 0, key: str = "k", value: object = None, next_count: int = 0
) -> Receipt:
    submission = Submission(value=value or {"label": "cat"}, client_key=key, next_count=next_count)
    return site.uow.run(
        submit,
        assignment_id=assignment_id,
        worker_id=site.workers[worker],
        submission=submission,
        questions=QUESTIONS,
        now=NOON,
    )


def an_assignment(site: Site, batch: BatchRow, *, worker: int = 0) -> int:
    return site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[worker], count=1, now=NOON)[0].assignment_id


def test_a_submit_repeated_under_its_key_gives_the_same_receipt_and_one_answer(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    assignment_id = an_assignment(site, batch)

    first = submitted(site, assignment_id, next_count=1)
    again = submitted(site, assignment_id, next_count=1)

    assert again == first
    assert len(first.next) == 1
    assert site.uow.read(batch_balance, batch_id=batch.id).spent_micros == PRICE
    assert problems(site) == []


def test_a_key_used_for_another_assignment_is_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    submitted(site, an_assignment(site, batch))

    with pytest.raises(KeyReused):
        submitted(site, an_assignment(site, batch))


def test_a_second_answer_to_an_assignment_under_a_new_key_is_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    assignment_id = an_assignment(site, a_batch(site))
    submitted(site, assignment_id)

    with pytest.raises(AlreadyDone):
        submitted(site, assignment_id, key="other")


@pytest.mark.parametrize("value", [{"label": "cow"}, {"labels": "cat"}, {}, "cat", {"label": ["cat"]}, 7])
def test_an_answer_the_question_does_not_know_changes_nothing(unit_of_work: UnitOfWork, value: object) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    assignment_id = an_assignment(site, batch)

    with pytest.raises(BadInput):
        submitted(site, assignment_id, value=value or {"nothing": 1})

    assert site.uow.read(batch_balance, batch_id=batch.id).spent_micros == 0
    assert problems(site) == []


def test_an_answer_may_be_replaced_for_a_minute_and_what_it_said_is_kept(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    receipt = submitted(site, an_assignment(site, a_batch(site)))

    def change(seconds: float, value: str) -> Receipt:
        return site.uow.run(
            replace,
            answer_id=receipt.answer_id,
            worker_id=site.workers[0],
            value={"label": value},
            questions=QUESTIONS,
            now=later(seconds),
        )

    change(59, "dog")
    with pytest.raises(TooLate):
        change(61, "cat")

    stored = site.uow.read(lambda session: session.get_one(AnswerRow, receipt.answer_id).value)
    assert stored == {"label": "dog"}


def test_an_approved_answer_is_paid_once_and_shows_in_the_workers_earnings(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site, approval="manual")
    receipt = submitted(site, an_assignment(site, batch))
    assert site.uow.read(worker_earnings, worker_id=site.workers[0]).total_micros == 0

    site.uow.run(approve, answer_id=receipt.answer_id, decided_by=None, now=NOON)
    with pytest.raises(AlreadyDone):
        site.uow.run(approve, answer_id=receipt.answer_id, decided_by=None, now=NOON)

    earned = site.uow.read(worker_earnings, worker_id=site.workers[0])
    assert units(earned.total_micros) == "0.05"
    assert earned.by_day[0][1:] == (1, PRICE)
    assert problems(site) == []


def test_a_rejected_answer_needs_a_reason_is_not_paid_and_opens_its_place_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual", overlap_min=1, overlap_max=1)
    receipt = submitted(site, an_assignment(site, batch))
    assert answer(site, batch, site.workers[1]) is None

    with pytest.raises(BadInput, match="reason"):
        site.uow.run(reject, answer_id=receipt.answer_id, reason="bad", decided_by=None, now=NOON)
    site.uow.run(reject, answer_id=receipt.answer_id, reason="All answers were cat.", decided_by=None, now=NOON)

    assert answer(site, batch, site.workers[1]) is not None
    assert site.uow.read(worker_earnings, worker_id=site.workers[0]).rejected == 1
    assert problems(site) == []


def test_an_answer_keeps_the_question_version_and_item_it_was_given_to(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    receipt = submitted(site, an_assignment(site, a_batch(site)))

    row = site.uow.read(lambda session: session.get_one(AnswerRow, receipt.answer_id))
    item = site.uow.read(lambda session: session.get_one(ItemRow, row.item_id))

    assert row.question_version_id == 1
    assert item.project_id == site.project_id
