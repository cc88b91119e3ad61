"""The second look: bounded, told "nothing" to nobody for ever, and skipped items last."""

from collections.abc import Iterator
from datetime import datetime
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.services import assigning
from crowd_hitl.services.assigning import expire, release
from crowd_hitl.services.directing import lease_task
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.hot_path import looking_again
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow, TaskRow, WorkerCursorRow
from tests.services.published import NOON, Site, a_batch, a_site, later, problems
from tests.services.test_hot_path import change, claimed, submitted, tasks_by_position, worked_through


@pytest.fixture
def small_window(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a look walk three tasks only."""
    monkeypatch.setattr(looking_again, "WINDOW", 3)
    yield


def jumped_to_the_end(site: Site, worker: int = 0) -> None:
    """Have a worker answer the last task of the queue, so that all others lie behind its bookmark."""
    last = tasks_by_position(site)[-1]
    assignment_id = site.uow.run(lease_task, task_id=last, worker_id=site.workers[worker], now=NOON)
    submitted(site, assignment_id, worker)


def cursors(site: Site) -> int:
    return site.uow.read(lambda session: session.scalar(select(func.count(WorkerCursorRow.id))) or 0)


def test_everything_behind_the_bookmark_is_found_window_by_window(unit_of_work: UnitOfWork, small_window: None) -> None:
    site = a_site(unit_of_work, items=20)
    batch = a_batch(site)
    jumped_to_the_end(site)

    tasks: list[int] = []
    for _ in range(60):
        for offer in claimed(site, batch.id):
            tasks.append(offer.task_id)
            assert submitted(site, offer.assignment_id).next == [], "nothing lies ahead"

    assert sorted(tasks) == sorted(tasks_by_position(site)[:-1])
    assert problems(site) == []


def test_who_has_answered_all_walks_one_window_and_remembers(unit_of_work: UnitOfWork, small_window: None) -> None:
    site = a_site(unit_of_work, items=20)
    batch = a_batch(site)
    assert len(worked_through(site, batch.id)) == 20

    assert [claimed(site, batch.id) for _ in range(10)] == [[]] * 10

    assert cursors(site) == 1


def test_small_batches_need_no_cursor(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=20)
    batch = a_batch(site)
    worked_through(site, batch.id)

    assert claimed(site, batch.id) == []
    assert cursors(site) == 0


def test_a_place_that_opens_after_somebody_was_told_nothing_is_found(
    unit_of_work: UnitOfWork, small_window: None
) -> None:
    site = a_site(unit_of_work, items=20)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    held = claimed(site, batch.id, 1)[0]
    worked_through(site, batch.id, 0)
    assert claimed(site, batch.id, 0) == []

    site.uow.run(release, assignment_id=held.assignment_id, worker_id=site.workers[1], now=later(5))

    assert [offer.task_id for offer in claimed(site, batch.id, 0, at=later(6))] == [held.task_id]


def test_a_place_behind_a_finished_round_is_found_all_the_same(unit_of_work: UnitOfWork, small_window: None) -> None:
    """As a lost race leaves it: open again at a position that the worker's looks have passed."""
    site = a_site(unit_of_work, items=20)
    batch = a_batch(site)
    tasks = tasks_by_position(site)
    change(site, update(TaskRow).where(TaskRow.id == tasks[4]).values(places_left=0, state="full", overlap=0))
    worked_through(site, batch.id)
    for _ in range(12):
        assert claimed(site, batch.id) == []

    change(site, update(TaskRow).where(TaskRow.id == tasks[4]).values(places_left=2, state="open", overlap=2))

    found = [offer.task_id for _ in range(12) for offer in claimed(site, batch.id)]
    assert set(found) == {tasks[4]}


def test_what_a_worker_skipped_comes_back_only_when_nobody_at_work_can_take_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    skipped = claimed(site, batch.id, 0)[0]
    site.uow.run(release, assignment_id=skipped.assignment_id, worker_id=site.workers[0], now=later(1))
    other = claimed(site, batch.id, 1, at=later(2))[0]
    mine = claimed(site, batch.id, 0, at=later(2))[0]
    assert submitted(site, mine.assignment_id, 0, at=later(3)).next == []

    assert claimed(site, batch.id, 0, at=later(3)) == [], "the other is at work and may take it"
    site.uow.run(release, assignment_id=other.assignment_id, worker_id=site.workers[1], now=later(4))

    back = claimed(site, batch.id, 0, at=later(5))[0]
    assert back.task_id == other.task_id, "that one is new to this worker"
    submitted(site, back.assignment_id, 0, at=later(6))
    assert claimed(site, batch.id, 0, at=later(7))[0].task_id == skipped.task_id, "nobody is at work now"
    assert problems(site) == []


def test_a_skipped_item_does_not_wait_for_those_who_answered_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=2, overlap_max=2)
    skipped = claimed(site, batch.id, 0)[0]
    site.uow.run(release, assignment_id=skipped.assignment_id, worker_id=site.workers[0], now=later(1))
    mine = claimed(site, batch.id, 0, at=later(2))[0]
    submitted(site, mine.assignment_id, 0, at=later(2))
    first, second = claimed(site, batch.id, 1, count=2, at=later(2))
    answered, held = (first, second) if first.task_id == skipped.task_id else (second, first)
    submitted(site, answered.assignment_id, 1, at=later(3))
    assert held.task_id != skipped.task_id

    assert claimed(site, batch.id, 0, at=later(4))[0].task_id == skipped.task_id


def test_many_skipped_items_do_not_hide_the_next_one(unit_of_work: UnitOfWork, small_window: None) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    for second in range(11):
        offer = claimed(site, batch.id, 0, at=later(second))[0]
        site.uow.run(release, assignment_id=offer.assignment_id, worker_id=site.workers[0], now=later(second))
    last = claimed(site, batch.id, 0, at=later(12))[0]
    helper = claimed(site, batch.id, 1, at=later(12))[0]
    submitted(site, last.assignment_id, 0, at=later(13))
    assert [claimed(site, batch.id, 0, at=later(14 + n)) for n in range(8)] == [[]] * 8
    assert cursors(site) == 1

    site.uow.run(release, assignment_id=helper.assignment_id, worker_id=site.workers[1], now=later(30))
    back = [claimed(site, batch.id, 0, at=later(31 + n)) for n in range(8)]

    assert any(back), "nobody is at work any more"
    assert problems(site) == []


def test_leases_that_lapse_together_take_positions_of_their_own_ahead_of_all(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8)
    batch = a_batch(site, overlap_min=1, overlap_max=1, lease_seconds=60)
    offers = claimed(site, batch.id, 0, count=8)
    site.uow.run(expire, now=later(61))

    def positions(session: Session) -> list[int]:
        return list(session.scalars(select(TaskRow.pos).order_by(TaskRow.pos)))

    now_at = site.uow.read(positions)
    assert len(set(now_at)) == 8
    assert len(worked_through_later(site, batch.id, 1)) == len(offers)


def worked_through_later(site: Site, batch_id: int, worker: int) -> list[int]:
    tasks = []
    while offers := claimed(site, batch_id, worker, at=later(62)):
        tasks.append(offers[0].task_id)
        submitted(site, offers[0].assignment_id, worker, at=later(62))
    return tasks


def test_a_claim_waits_for_a_row_that_somebody_holds_locked_before_it_says_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    holds = Event()
    found: list[Offered] = []

    def hold(session: Session) -> None:
        session.execute(update(TaskRow).values(priority=TaskRow.priority))
        holds.set()
        waiting.join(1.0)  # on PostgreSQL the claim waits for us; on SQLite for the one write lock

    def wait() -> None:
        holds.wait()
        found.extend(claimed(site, batch.id))

    waiting = Thread(target=wait)
    waiting.start()
    site.uow.run(hold)
    waiting.join()

    assert len(found) == 1


@pytest.mark.parametrize(
    ("scope", "span", "is_let_in"),
    [
        ("organisation", (-10, None), False),
        ("project", (-10, 10), False),
        ("batch", (-10, 10), False),
        ("another batch", (-10, None), True),
        ("organisation", (-10, -5), True),
        ("organisation", (5, None), True),
        ("lifted", (-10, None), True),
    ],
)
def test_a_blocked_worker_is_handed_nothing(
    unit_of_work: UnitOfWork, scope: str, span: tuple[int, int | None], is_let_in: bool
) -> None:
    site = a_site(unit_of_work, items=6)
    batch, other = a_batch(site, limit=4), a_batch(site, limit=2)
    offer = claimed(site, batch.id)[0]
    batch_id = {"batch": batch.id, "another batch": other.id}.get(scope)
    block = WorkerBlockRow(
        worker_id=site.workers[0],
        project_id=site.project_id if scope in ("project", "batch", "another batch") else None,
        batch_id=batch_id,
        kind="block",
        reason="Answers at random.",
        starts_at=later(span[0]),
        ends_at=None if span[1] is None else later(span[1]),
        lifted_at=later(-1) if scope == "lifted" else None,
    )
    site.uow.run(lambda session: session.add(block))

    assert bool(submitted(site, offer.assignment_id).next) == is_let_in
    assert bool(claimed(site, batch.id)) == is_let_in


def test_a_special_batch_is_handed_out_and_paid_by_the_services(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site)
    change(site, update(BatchRow).where(BatchRow.id == batch.id).values(is_special=True))
    asked: list[int] = []

    def allowed(_session: Session, *, wanted: int, **_others: Any) -> int:
        asked.append(wanted)
        return wanted if len(asked) < 3 else 0

    monkeypatch.setattr(assigning, "places_allowed", allowed)
    offer = claimed(site, batch.id)[0]
    receipt = submitted(site, offer.assignment_id, key="once")
    again = submitted(site, offer.assignment_id, key="once")

    assert receipt == again and len(receipt.next) == 1
    assert submitted(site, receipt.next[0].assignment_id).next == [], "the gate lets no more through"
    assert asked == [1, 1, 1]
    assert states(site) == [("approved", "settled"), ("approved", "settled")]
    assert problems(site) == []


def states(site: Site) -> list[tuple[str, str]]:
    statement = (
        select(AssignmentRow.state, SittingRow.state)
        .join(SittingRow, SittingRow.id == AssignmentRow.sitting_id)
        .order_by(AssignmentRow.id)
    )
    return site.uow.read(lambda session: [(one, two) for one, two in session.execute(statement)])


def test_a_closed_batch_is_looked_at_no_more(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site)
    change(site, text(f"UPDATE batch SET state = '{BatchState.PAUSED}'"))

    assert claimed(site, batch.id) == []


def test_work_goes_by_deadline_within_a_priority(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, deadline=at_hour(30))

    def levels(session: Session) -> set[int]:
        return set(session.scalars(select(TaskRow.level).where(TaskRow.batch_id == batch.id)))

    assert len(site.uow.read(levels)) == 1 and min(site.uow.read(levels)) > 0


def at_hour(hours: int) -> datetime:
    return later(3600 * hours)
