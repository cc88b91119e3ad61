"""Broken items: paid, never a label, retired after two voices, and not asked again before somebody mends them."""

from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import AlreadyDone, BadInput, Conflict
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.answering import replace
from crowd_hitl.services.assigning import claim, release
from crowd_hitl.services.breaking import mend
from crowd_hitl.services.exporting import answer_rows
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow, TaskRow
from tests.services.published import NOON, PRICE, QUESTIONS, Site, a_batch, a_site, answer, broken, later, problems
from tests.services.test_reviewing import paid_micros


def tasks(site: Site) -> list[tuple[str, str | None, int, int]]:
    rows = site.uow.read(lambda session: session.scalars(select(TaskRow).order_by(TaskRow.id)).all())
    return [(row.state, row.retire_reason, row.answers_count, row.places_left) for row in rows]


def item(site: Site) -> ItemRow:
    row: ItemRow = site.uow.read(lambda session: session.get_one(ItemRow, site.items[0]))
    return row


def labels(site: Site) -> list[str]:
    current = select(LabelRow.value).where(LabelRow.state == "current")
    return list(site.uow.read(lambda session: session.scalars(current).all()))


def available(site: Site) -> int:
    found: int = site.uow.read(lambda session: session.get_one(BudgetRow, site.budget_id).available_micros)
    return found


def test_a_broken_answer_is_paid_and_stands_in_its_place(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site)

    receipt = broken(site, batch, site.workers[0], "  It is empty ")

    assert receipt is not None and receipt.earned_micros == PRICE
    row = site.uow.read(lambda session: session.get_one(AnswerRow, receipt.answer_id))
    assert (row.is_broken, row.value) == (True, {"broken": "It is empty"})
    assert paid_micros(site) == PRICE
    assert tasks(site) == [("open", None, 1, 1)]
    assert item(site).broken_at is None
    assert problems(site) == []


@pytest.mark.parametrize("why", ["", "no", " x ", "x" * 501])
def test_a_reason_that_says_nothing_is_refused(unit_of_work: UnitOfWork, why: str) -> None:
    site = a_site(unit_of_work, items=1)
    with pytest.raises(BadInput, match="3 to 500 characters"):
        broken(site, a_batch(site), site.workers[0], why)
    assert problems(site) == []


def test_the_second_voice_retires_the_item_everywhere_and_money_goes_back(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, workers=6)
    first = a_batch(site, overlap_min=4, overlap_max=4)
    other = a_batch(site, name="other", overlap_min=3, overlap_max=3, items=site.items)
    held = unit_of_work.run(claim, batch_id=first.id, worker_id=site.workers[3], count=1, now=NOON)
    before = available(site)

    broken(site, first, site.workers[0])
    broken(site, other, site.workers[1])

    assert tasks(site) == [("retired", "broken", 1, 0), ("retired", "broken", 1, 0)]
    assert item(site).broken_at == NOON
    assert available(site) == before + (2 + 2) * PRICE
    assert problems(site) == []
    # who holds a place may finish, or let it go: its money goes home then
    unit_of_work.run(release, assignment_id=held[0].assignment_id, worker_id=site.workers[3], now=NOON)
    assert available(site) == before + 5 * PRICE
    assert problems(site) == []


def test_what_is_broken_never_becomes_a_label(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=3, overlap_max=3)
    answer(site, batch, site.workers[0], "cat")
    agree(unit_of_work, batch_id=batch.id, plugins=find_plugins())
    broken(site, batch, site.workers[1])
    broken(site, batch, site.workers[2])

    report = agree(unit_of_work, batch_id=batch.id, plugins=find_plugins())

    assert labels(site) == []
    assert report.batch_closed
    assert unit_of_work.read(due_batches) == []
    assert problems(site) == []


def test_one_broken_voice_leaves_the_others_to_agree(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=3, overlap_max=3, aggregator="majority_vote", overlap_policy="fixed")
    for worker_id in site.workers[:2]:
        answer(site, batch, worker_id, "dog")
        answer(site, batch, worker_id, "dog")
    broken(site, batch, site.workers[2])
    answer(site, batch, site.workers[2], "dog")

    agree(unit_of_work, batch_id=batch.id, plugins=find_plugins())

    assert labels(site) == ["dog", "dog"]
    exported = unit_of_work.read(lambda session: list(answer_rows(session, project_id=site.project_id)))
    assert [row["label"] for row in exported] == ["dog"] * 5
    assert problems(site) == []


def test_a_task_that_only_got_a_broken_voice_does_not_wait_for_ever(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    broken(site, batch, site.workers[0])

    report = agree(unit_of_work, batch_id=batch.id, plugins=find_plugins())

    assert tasks(site) == [("retired", "overlap", 1, 0)]
    assert report.batch_closed and labels(site) == []
    assert problems(site) == []


def test_a_broken_item_is_asked_again_only_when_it_is_mended(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, workers=5)
    batch = a_batch(site)
    answer(site, batch, site.workers[4], "cat")
    other = a_batch(site, name="other", items=site.items, overlap_min=3, overlap_max=3)
    for worker_id in site.workers[:2]:
        broken(site, other, worker_id)
    with pytest.raises(Conflict, match=r"cannot be answered: k0\. Mend them"):
        a_batch(site, name="again", items=site.items)

    unit_of_work.run(mend, item_id=site.items[0], now=later(60))

    with pytest.raises(AlreadyDone):
        unit_of_work.run(mend, item_id=site.items[0], now=later(61))
    again = a_batch(site, name="again", items=site.items)
    assert answer(site, again, site.workers[2], at=later(90)) is not None
    assert item(site).broken_at is None
    agree(unit_of_work, batch_id=batch.id, plugins=find_plugins())
    assert labels(site) == ["cat"], "what others said counts again"
    assert problems(site) == []


def test_a_voice_that_is_taken_back_within_the_minute_is_no_voice(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=3, overlap_max=3)
    receipt = broken(site, batch, site.workers[0])
    assert receipt is not None
    value = {"label": "cat"}
    unit_of_work.run(
        replace, answer_id=receipt.answer_id, worker_id=site.workers[0], value=value, questions=QUESTIONS, now=NOON
    )
    broken(site, batch, site.workers[1])

    assert item(site).broken_at is None
    assert tasks(site) == [("open", None, 2, 1)]


def test_a_gold_item_that_is_broken_is_shown_no_more(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, gold=1)
    batch = a_batch(site, gold_rate=0.5, overlap_min=3, overlap_max=3)
    for worker_id in site.workers[:2]:
        for _ in range(3):
            broken(site, batch, worker_id)

    assert [state for state, *_ in tasks(site)] == ["retired"] * 3
    assert problems(site) == []
    for key in site.items:
        unit_of_work.run(mend, item_id=key, now=later(1))
    again = a_batch(site, name="again", gold_rate=0.5)
    golds = select(TaskRow.id).where(TaskRow.batch_id == again.id, TaskRow.is_gold)
    assert unit_of_work.read(lambda session: session.scalars(golds).all()) == []


def test_voices_at_the_same_moment_see_each_other(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4, workers=4)
    batches = [a_batch(site, overlap_min=4, overlap_max=4)]
    batches.append(a_batch(site, name="other", overlap_min=4, overlap_max=4, items=site.items))
    start = Barrier(4)

    def work(number: int) -> None:
        start.wait()
        for batch in batches[:: 1 if number % 2 else -1]:
            while broken(site, batch, site.workers[number]) is not None:
                pass

    threads = [Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {(state, reason) for state, reason, *_ in tasks(site)} == {("retired", "broken")}
    still = select(BatchRow.id).where(BatchRow.compensation_micros != 0)
    assert unit_of_work.read(lambda session: session.scalars(still).all()) == []
    assert problems(site) == []
