"""A lapsed lease opens no door: not round blocks and caps, not to the same minute twice, and not for ever."""

from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import AlreadyDone, BudgetTooSmall, TooLate
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import expire
from crowd_hitl.services.blocking import Placed, block
from crowd_hitl.services.compensating import compensate, owed_in_batches
from crowd_hitl.services.extending import Extension, extend_batch
from crowd_hitl.services.extending_leases import extend_lease
from crowd_hitl.services.paying import approve, reject
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow, TaskRow
from tests.services.published import PRICE, QUESTIONS, Site, a_batch, a_site, later, problems
from tests.services.sat import answer_ids, claimed, sittings, states, submitted

REASON = "It says nothing about the picture."
PLUGINS = find_plugins()


def a_short_batch(site: Site, **terms: object) -> BatchRow:
    return a_batch(site, **{"overlap_min": 1, "overlap_max": 1, "lease_seconds": 60, **terms})


def lapsed(site: Site, batch: BatchRow, *, count: int = 1, at: float = 0) -> list[int]:
    """Let some leases of the first worker lapse."""
    held = [offer.assignment_id for offer in claimed(site, batch, count=count, at=at)]
    site.uow.run(expire, now=later(at + 61))
    return held


def late(site: Site, batch: BatchRow) -> int:
    """Let the first worker come late: somebody else has answered in the place."""
    (old,) = lapsed(site, batch)
    (taken,) = claimed(site, batch, 1, at=62)
    submitted(site, taken.assignment_id, 1, at=63)
    assert submitted(site, old, at=64).late
    return old


def test_a_blocked_worker_does_not_take_a_lapsed_place_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site, compensation_share=0)
    first, second = lapsed(site, batch, count=2)
    placed = Placed(worker_id=site.workers[0], kind="block", reason=REASON, project_id=site.project_id)
    site.uow.run(block, placed=placed, now=later(62))

    with pytest.raises(TooLate):
        site.uow.run(extend_lease, assignment_id=first, worker_id=site.workers[0], now=later(63))
    assert submitted(site, second, at=64).late

    assert states(site) == ["expired", "late"]
    assert problems(site) == []


def test_a_lapsed_place_is_not_taken_again_beyond_a_cap(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_short_batch(site, cap_answers=1)
    (old,) = lapsed(site, batch)
    claimed(site, batch, at=62)

    with pytest.raises(TooLate):
        site.uow.run(extend_lease, assignment_id=old, worker_id=site.workers[0], now=later(63))

    assert problems(site) == []


def test_an_answer_that_comes_long_after_is_not_taken(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site)
    (old,) = lapsed(site, batch)
    (taken,) = claimed(site, batch, 1, at=62)
    submitted(site, taken.assignment_id, 1, at=63)

    with pytest.raises(TooLate, match="long ago"):
        submitted(site, old, at=200)


@pytest.mark.parametrize("decide", ["approve", "reject", "compensate"])
def test_where_people_decide_on_pay_a_late_answer_is_owed_until_they_do(unit_of_work: UnitOfWork, decide: str) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, approval="manual", compensation_share=1)
    late(site, batch)
    assert sorted(row.state for row in sittings(site)) == ["owed", "submitted"]
    (_, answer_id) = answer_ids(site)
    steps: dict[str, Callable[[], object]] = {
        "approve": lambda: site.uow.run(approve, answer_id=answer_id, decided_by=None, now=later(70)),
        "reject": lambda: site.uow.run(reject, answer_id=answer_id, reason=REASON, decided_by=None, now=later(70)),
        "compensate": lambda: site.uow.run(compensate, batch_id=batch.id, amount_micros=PRICE, now=later(70)),
    }

    steps[decide]()

    assert site.uow.read(owed_in_batches, batch_ids=[batch.id]) == {}
    assert ("rejected" if decide == "reject" else "late") in states(site)
    assert problems(site) == []
    with pytest.raises(AlreadyDone):
        steps["approve"]()


def test_a_late_answer_is_not_approved_from_an_empty_line(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_short_batch(site, approval="manual", compensation_share=0)
    late(site, batch)

    with pytest.raises(BudgetTooSmall, match="compensate"):
        site.uow.run(approve, answer_id=answer_ids(site)[1], decided_by=None, now=later(70))

    assert problems(site) == []


def test_places_of_an_hour_that_lapsed_are_paid_for_the_time_that_went_by_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=5)
    batch = a_batch(
        site, overlap_min=1, overlap_max=1, lease_seconds=60, hourly_micros=36_000_000, price_micros=1_000_000
    )
    for n, old in enumerate(lapsed(site, batch, count=5)):
        submitted(site, old, seconds=60, at=62 + n)
    site.uow.run(expire, now=later(4000))

    assert len([row for row in sittings(site) if row.state == "open"]) == 1
    assert sum(sent_seconds(site)) <= 66
    assert problems(site) == []


def sent_seconds(site: Site) -> list[float]:
    return site.uow.read(lambda session: [float(s) for s in session.scalars(text("SELECT seconds FROM answer"))])


FAULTS = {
    "a debt that is forgotten": "UPDATE sitting SET state = 'lapsed' WHERE state = 'owed'",
    "pay that waits for nothing": "UPDATE sitting SET state = 'submitted' WHERE state = 'settled'",
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_sitting_that_would_never_be_paid_is_found(unit_of_work: UnitOfWork, fault: str) -> None:
    site = a_site(unit_of_work, items=1)
    late(site, a_short_batch(site, compensation_share=0))
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    site.uow.run(break_it)

    assert any("rule='sitting'" in problem for problem in problems(site))


def test_a_batch_that_opens_again_says_how_much_its_line_holds(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_short_batch(site, limit=1, compensation_share=1)
    site.uow.run(close_batch, batch_id=batch.id, now=later(1))

    opened = site.uow.run(extend_batch, batch_id=batch.id, extension=Extension(limit=1), random=Random(1), now=later(2))

    assert (opened.compensation_micros, opened.quote["compensation_micros"]) == (0, 0)
    assert problems(site) == []


def test_who_says_that_an_item_cannot_be_answered_is_followed_by_somebody_who_may(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=2)
    (offer,) = claimed(site, batch)
    broken = Submission(value=None, client_key="b", broken="The picture does not load.")
    arguments = {"assignment_id": offer.assignment_id, "worker_id": site.workers[0], "submission": broken}
    site.uow.run(submit, **arguments, questions=QUESTIONS, now=later(1))

    agree(site.uow, batch_id=batch.id, plugins=PLUGINS)

    task = site.uow.read(lambda session: session.get_one(TaskRow, offer.task_id))
    assert (task.state, task.places_left) == ("open", 1)
    assert problems(site) == []
