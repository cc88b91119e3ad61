"""Appeals: once, in time, by the worker; upheld, dismissed or left undecided, and the faults that a check must find."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.errors import AlreadyDone, BadInput, Conflict, NotFound, TooLate
from crowd_hitl.services.appealing import appeal, dismiss, uphold, uphold_overdue
from crowd_hitl.services.deciding import reverse
from crowd_hitl.services.paying import reject
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import SittingRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, later, problems
from tests.services.test_deciding import DAY, REASON, answered, assignment_of, decide, refilled
from tests.services.test_reviewing import ClockedAt, paid_micros

PLEA = "Look again: there is a cat behind the tree."


def appealed(site: Site, answer_id: int, at: datetime = NOON, worker: int = 0) -> AppealRow:
    return site.uow.run(appeal, answer_id=answer_id, worker_id=site.workers[worker], text=PLEA, days=7, now=at)


def test_an_appeal_is_possible_once_in_time_and_by_its_worker_only(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, approval="manual")
    first, second = answered(site, batch), answered(site, batch)
    with pytest.raises(Conflict, match="only against a rejection"):
        appealed(site, first)
    decide(site, reject, first, reason=REASON)
    decide(site, reject, second, reason=REASON)
    with pytest.raises(NotFound):
        appealed(site, first, worker=1)
    with pytest.raises(TooLate, match="7 days"):
        appealed(site, first, later(7 * DAY + 1))

    row = appealed(site, first, later(7 * DAY))

    assert (row.state, row.due_at) == ("open", later(14 * DAY))
    with pytest.raises(AlreadyDone, match="it is open"):
        appealed(site, first)
    with pytest.raises(BadInput, match="10 to 2000 characters"):
        site.uow.run(appeal, answer_id=second, worker_id=site.workers[0], text="no!", days=7, now=NOON)
    assert problems(site) == []


def test_an_upheld_appeal_pays_and_a_dismissed_one_does_not(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, approval="manual")
    first, second = answered(site, batch), answered(site, batch)
    for answer_id in (first, second):
        decide(site, reject, answer_id, reason=REASON)
    good, bad = appealed(site, first), appealed(site, second)

    site.uow.run(uphold, appeal_id=good.id, decided_by=None, reply="You were right.", now=later(5))
    site.uow.run(dismiss, appeal_id=bad.id, decided_by=None, reply="There is no tree in it.", now=later(6))

    rows = site.uow.read(lambda session: session.scalars(select(AppealRow).order_by(AppealRow.id)).all())
    assert [(row.state, row.reply, row.decided_at) for row in rows] == [
        ("upheld", "You were right.", later(5)),
        ("dismissed", "There is no tree in it.", later(6)),
    ]
    assert paid_micros(site) == PRICE
    with pytest.raises(AlreadyDone):
        site.uow.run(uphold, appeal_id=bad.id, decided_by=None, now=later(7))
    assert problems(site) == []


def test_what_nobody_decides_in_time_is_upheld_even_where_the_money_is_owed(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, money=PRICE)
    _, first = refilled(site)
    appealed(site, first)

    assert uphold_overdue(ClockedAt(unit_of_work, 7 * DAY - 1)) == 0
    assert uphold_overdue(ClockedAt(unit_of_work, 7 * DAY)) == 1
    assert uphold_overdue(ClockedAt(unit_of_work, 8 * DAY)) == 0

    row = assignment_of(site, first)
    assert row.state == AssignmentState.SOFT_REJECTED
    assert site.uow.read(lambda session: session.get_one(SittingRow, row.sitting_id).state) == SittingState.OWED
    assert problems(site) == []


def test_a_rejection_taken_back_ends_its_appeal(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    first = answered(site, a_batch(site, approval="manual"))
    decide(site, reject, first, reason=REASON)
    row = appealed(site, first)

    decide(site, reverse, first)

    assert site.uow.read(lambda session: session.get_one(AppealRow, row.id).state) == "upheld"
    assert problems(site) == []


def test_two_who_decide_on_one_appeal_at_once_pay_at_most_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, approval="manual")
    rows = []
    for _ in range(6):
        first = answered(site, batch)
        decide(site, reject, first, reason=REASON)
        rows.append((first, appealed(site, first).id))
    start = Barrier(3)
    upheld: list[int] = []
    dismissed: list[int] = []

    def each(service: Any, into: list[int], **values: Any) -> None:
        start.wait()
        for answer_id, appeal_id in rows:
            named = {"answer_id": answer_id} if service is reverse else {"appeal_id": appeal_id}
            try:
                unit_of_work.run(service, decided_by=None, **named, **values)
                into.append(appeal_id)
            except AlreadyDone:
                pass

    threads = [
        Thread(target=each, args=(uphold, upheld)),
        Thread(target=each, args=(reverse, upheld)),
        Thread(target=each, args=(dismiss, dismissed), kwargs={"reply": "There is no tree in it."}),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(upheld) == sorted(set(upheld)), "taken back once each"
    assert len(upheld) == 6, "a dismissed rejection may still be reversed"
    assert paid_micros(site) == len(upheld) * PRICE
    assert problems(site) == []


FAULTS = [
    ("appeal", "UPDATE assignment SET state = 'released' WHERE state = 'rejected'"),
    ("appeal", "UPDATE appeal SET worker_id = 3"),
    ("owed", "UPDATE sitting SET state = 'owed' WHERE id = 2"),
    ("broken", "UPDATE item SET broken_at = '2026-11-22 12:00:00' WHERE id = 2"),
    ("reservation", "UPDATE batch SET compensation_micros = 7"),
    ("terms", "UPDATE task SET overlap = 5, requeued_to = 4, places_left = places_left + 3 WHERE id = 2"),
]


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(FAULTS)])
def test_a_fault_in_what_was_decided_is_found(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, approval="manual")
    first = answered(site, batch)
    answered(site, batch, worker=1)
    decide(site, reject, first, reason=REASON)
    appealed(site, first, NOON + timedelta(hours=1))
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    site.uow.run(break_it)

    assert any(f"rule='{rule}'" in problem for problem in problems(site))
