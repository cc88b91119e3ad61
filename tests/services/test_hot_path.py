"""The hot path's own promises: the loser of a race gets a good answer, the queue is kept, the bookmark skips no one."""

from datetime import datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, KeyReused, NotFound, TooLate
from crowd_hitl.domain.tasks import level
from crowd_hitl.services.answering import Receipt, Submission, submit, submit_at_once
from crowd_hitl.services.assigning import claim, claim_at_once, release
from crowd_hitl.services.blocking import Placed, block
from crowd_hitl.services.paying import reject
from crowd_hitl.services.publishing import pause_batch
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.hot_path.remembered import Short
from crowd_hitl.store.hot_path.shapes import HELD_MAX
from crowd_hitl.store.money_rows import LedgerAccountRow
from crowd_hitl.store.unit_of_work import CarriedClock, UnitOfWork
from crowd_hitl.store.work_rows import TaskRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, later, problems, standing_answers


def claimed(site: Site, batch_id: int, worker: int = 0, *, count: int = 1, at: datetime = NOON) -> list[Offered]:
    arguments = {"batch_id": batch_id, "worker_id": site.workers[worker], "count": count, "now": at}
    return site.uow.run_short(claim_at_once, otherwise=claim, **arguments)


def submitted(site: Site, assignment_id: int, worker: int = 0, *, key: str = "", at: datetime = NOON) -> Receipt:
    submission = Submission(value={"label": "cat"}, client_key=key or f"k{assignment_id}", next_count=1)
    return site.uow.run_short(
        submit_at_once, otherwise=submit, **an_answer(site, assignment_id, worker, submission, at)
    )


def an_answer(
    site: Site, assignment_id: int, worker: int, submission: Submission, at: datetime = NOON
) -> dict[str, Any]:
    return {
        "assignment_id": assignment_id,
        "worker_id": site.workers[worker],
        "submission": submission,
        "questions": QUESTIONS,
        "now": at,
    }


def worked_through(site: Site, batch_id: int, worker: int = 0) -> list[int]:
    """Let a worker answer all there is by submit-and-claim-next; return the tasks in the order they came."""
    tasks: list[int] = []
    offers = claimed(site, batch_id, worker)
    while offers:
        tasks.append(offers[0].task_id)
        offers = submitted(site, offers[0].assignment_id, worker).next or claimed(site, batch_id, worker)
    return tasks


def change(site: Site, statement: Any) -> None:
    site.uow.run(lambda session: session.execute(statement))


def tasks_by_position(site: Site) -> list[int]:
    statement = text("SELECT id FROM task ORDER BY level DESC, pos")
    return site.uow.read(lambda session: list(session.scalars(statement)))


def test_tasks_come_by_priority_then_position(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=9)
    batch = a_batch(site)
    for task_id, priority in zip(tasks_by_position(site), (0, 5, 0, 7, 5, 0, 7, 0, 5), strict=True):
        change(site, update(TaskRow).where(TaskRow.id == task_id).values(level=level(priority, None)))

    assert worked_through(site, batch.id) == tasks_by_position(site)
    assert problems(site) == []


def test_a_task_of_higher_priority_that_comes_later_is_next(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site)
    last = tasks_by_position(site)[-1]
    first = claimed(site, batch.id)[0]
    change(site, update(TaskRow).where(TaskRow.id == last).values(level=level(9, None)))

    assert submitted(site, first.assignment_id).next[0].task_id == last


def test_a_place_passed_by_while_it_was_full_is_found_behind_the_bookmark(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=5)
    batch = a_batch(site, approval="manual", overlap_min=1, overlap_max=1)
    mine = claimed(site, batch.id, 0)[0]
    receipt = submitted(site, mine.assignment_id, 0)
    assert mine.task_id not in worked_through(site, batch.id, 1)

    site.uow.run(reject, answer_id=receipt.answer_id, reason="It shows a dog.", decided_by=None, now=NOON)

    assert claimed(site, batch.id, 1)[0].task_id == mine.task_id
    assert problems(site) == []


def test_who_has_answered_all_but_one_is_given_that_one_and_then_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=40)
    batch = a_batch(site)
    let_go = claimed(site, batch.id)[0]
    site.uow.run(release, assignment_id=let_go.assignment_id, worker_id=site.workers[0], now=later(1))

    tasks = worked_through(site, batch.id)

    assert len(tasks) == 40 == len(set(tasks))
    assert tasks[-1] == let_go.task_id
    assert claimed(site, batch.id) == []


def test_a_task_past_its_deadline_is_not_handed_out(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, deadline=later(10))

    assert claimed(site, batch.id, at=later(9))[0].lease_ends_at == later(10)
    assert claimed(site, batch.id, 1, at=later(11)) == []


def test_nobody_holds_more_places_than_the_limit(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=HELD_MAX + 5)
    batch = a_batch(site)
    held = [offer for _ in range(2) for offer in next_of(site, claimed(site, batch.id)[0], count=10)]

    assert len(held) == HELD_MAX
    assert submitted(site, held[0].assignment_id).next != []
    assert problems(site) == []


def next_of(site: Site, offer: Offered, *, count: int) -> list[Offered]:
    submission = Submission(value={"label": "cat"}, client_key=f"k{offer.assignment_id}", next_count=count)
    arguments = an_answer(site, offer.assignment_id, 0, submission)
    return site.uow.run_short(submit_at_once, otherwise=submit, **arguments).next


@pytest.mark.parametrize("stop", ["batch", "worker"])
def test_a_paused_batch_or_worker_is_paid_for_the_answer_and_given_nothing_more(
    unit_of_work: UnitOfWork, stop: str
) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    offer = claimed(site, batch.id)[0]
    if stop == "batch":
        site.uow.run(pause_batch, batch_id=batch.id, now=NOON)
    else:
        site.uow.run(block, placed=Placed(worker_id=site.workers[0], kind="pause", reason="We look."), now=NOON)

    assert submitted(site, offer.assignment_id).next == []
    assert claimed(site, batch.id) == []
    assert problems(site) == []


def test_a_repeat_a_reused_key_and_a_second_answer_are_told_apart(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    offer = claimed(site, batch.id)[0]
    receipt = submitted(site, offer.assignment_id, key="one")

    assert submitted(site, offer.assignment_id, key="one", at=later(5)) == receipt
    with pytest.raises(KeyReused):
        submitted(site, receipt.next[0].assignment_id, key="one")
    with pytest.raises(AlreadyDone):
        submitted(site, offer.assignment_id, key="two")
    with pytest.raises(NotFound):
        submitted(site, receipt.next[0].assignment_id, 1)
    assert problems(site) == []


def test_an_answer_to_a_lapsed_lease_counts_and_hands_out_the_next(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1, lease_seconds=60)
    offer = claimed(site, batch.id)[0]
    assert len(claimed(site, batch.id, 1, count=2, at=later(61))) == 2
    site.uow.run(release, assignment_id=offer.assignment_id + 1, worker_id=site.workers[1], now=later(62))
    site.uow.run(release, assignment_id=offer.assignment_id + 2, worker_id=site.workers[1], now=later(62))

    receipt = submitted(site, offer.assignment_id, at=later(63))

    assert [place.task_id for place in receipt.next] != [offer.task_id]
    assert set(standing_answers(site).values()) == {1}
    assert problems(site) == []


def test_a_repeat_sent_at_the_same_time_loses_and_gets_the_winners_reply(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8)
    batch = a_batch(site)
    offer = claimed(site, batch.id)[0]
    replies = at_the_same_time(4, lambda _: submitted(site, offer.assignment_id))

    assert replies == [replies[0]] * 4
    assert problems(site) == []


def test_of_two_first_payments_at_once_both_are_made(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site)
    offers = claimed(site, batch.id, count=4)

    at_the_same_time(4, lambda turn: submitted(site, offers[turn].assignment_id))

    accounts = site.uow.read(lambda session: session.query(LedgerAccountRow).filter_by(kind="worker").count())
    assert accounts == 1
    assert problems(site) == []


def test_a_short_statement_that_breaks_a_constraint_is_run_again_in_a_transaction(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    seen: list[str] = []

    def loses(short: Short, *, now: datetime) -> str:
        seen.append("at once")
        short.connection.execute(text("UPDATE task SET places_left = -1"))
        raise AssertionError("the CHECK is there")

    def wins(session: Session, *, now: datetime) -> str:
        seen.append("otherwise")
        return "done"

    assert site.uow.run_short(loses, otherwise=wins, now=NOON) == "done"
    assert seen == ["at once", "otherwise"]
    assert len(claimed(site, batch.id)) == 1


def test_an_error_that_is_nobodys_race_reaches_the_caller(unit_of_work: UnitOfWork) -> None:
    def breaks(where: Session | Short, *, now: datetime) -> str:
        connection = where if isinstance(where, Session) else where.connection
        connection.execute(text("INSERT INTO organisation (id) VALUES (1)"))
        return "never"

    with pytest.raises(IntegrityError):
        unit_of_work.run_short(breaks, otherwise=breaks, now=NOON)


def test_the_carried_clock_asks_again_only_when_it_must() -> None:
    asked = iter([NOON, NOON + timedelta(hours=1)])
    clock = CarriedClock()

    first, second = (clock.now(otherwise=lambda: next(asked)) for _ in range(2))

    assert NOON == first <= second < NOON + timedelta(seconds=5)


def test_a_drain_by_many_with_repeats_and_abandoned_leases_fills_every_place_exactly(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=30, workers=32)
    batch = a_batch(site, overlap_min=3, overlap_max=3, lease_seconds=5)

    def work(worker: int) -> None:
        abandoned, step = 0, 0
        while offers := claimed(site, batch.id, worker, at=later(step)):
            step += 1
            if worker % 4 == 0 and abandoned < 3:
                abandoned += 1
                step += 6  # its lease has lapsed: somebody else may take the place
                continue
            try:
                first = submitted(site, offers[0].assignment_id, worker, at=later(step))
                assert submitted(site, offers[0].assignment_id, worker, at=later(step)) == first
            except TooLate:
                continue

    at_the_same_time(32, work)
    for worker in range(32):
        worked_through_at(site, batch.id, worker, at=later(1000))

    assert set(standing_answers(site).values()) == {3}
    assert problems(site) == []


def worked_through_at(site: Site, batch_id: int, worker: int, *, at: datetime) -> None:
    """Let a worker answer what is left once every lease has lapsed."""
    while offers := claimed(site, batch_id, worker, at=at):
        submitted(site, offers[0].assignment_id, worker, at=at)


def at_the_same_time(count: int, work: Any) -> list[Any]:
    """Run `work` in this many threads that start together; return what each returned."""
    start, results = Barrier(count), [None] * count

    def run(turn: int) -> None:
        start.wait()
        results[turn] = work(turn)

    threads = [Thread(target=run, args=(turn,)) for turn in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
