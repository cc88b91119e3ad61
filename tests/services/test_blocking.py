"""Keeping workers from work: what they are handed, what they keep, and when it ends."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, BadInput, NotFound
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.blocking import Kind, Placed, block, lapse_blocks, lift
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, later, problems


def put(site: Site, *, worker: int = 0, kind: Kind = "block", at: datetime = NOON, **other: Any) -> int:
    """Put a block on a worker and return its id."""
    placed = Placed(worker_id=site.workers[worker], kind=kind, reason="Too fast.", **other)
    return site.uow.run(block, placed=placed, now=at).id


def state_of(site: Site, worker: int = 0) -> str:
    def read(session: Session) -> str:
        return session.get_one(WorkerRow, site.workers[worker]).state

    return site.uow.read(read)


def gets_work(site: Site, batch: BatchRow, *, worker: int = 0, at: datetime = NOON) -> bool:
    return bool(site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[worker], count=1, now=at))


def test_an_organisation_wide_block_marks_the_worker_until_it_is_lifted(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    pause = put(site, kind="pause")
    assert state_of(site) == "paused"
    blocked = put(site)

    assert (state_of(site), gets_work(site, batch), gets_work(site, batch, worker=1)) == ("blocked", False, True)
    site.uow.run(lift, block_id=blocked, lifted_by=None, now=NOON)
    assert state_of(site) == "paused"
    site.uow.run(lift, block_id=pause, lifted_by=None, now=NOON)
    assert (state_of(site), gets_work(site, batch)) == ("active", True)
    with pytest.raises(AlreadyDone):
        site.uow.run(lift, block_id=pause, lifted_by=None, now=NOON)


def test_a_block_that_reached_its_end_lets_its_worker_in_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    put(site, ends_at=later(60))
    put(site, worker=1, ends_at=later(600))
    put(site, worker=2, project_id=site.project_id, ends_at=later(30))

    assert site.uow.run(lapse_blocks, now=later(59)) == 1
    assert state_of(site) == "blocked"
    assert site.uow.run(lapse_blocks, now=later(60)) == 1
    assert (state_of(site), state_of(site, 1)) == ("active", "blocked")
    assert gets_work(site, batch, at=later(60))
    assert site.uow.run(lapse_blocks, now=later(60)) == 0


def test_a_blocked_worker_finishes_what_they_hold_and_is_paid(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    batch = a_batch(site)
    (held,) = site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[0], count=1, now=NOON)
    put(site)

    receipt = site.uow.run(
        submit,
        assignment_id=held.assignment_id,
        worker_id=site.workers[0],
        submission=Submission(value={"label": "cat"}, client_key="k", next_count=1),
        questions=QUESTIONS,
        now=later(5),
    )
    assert (receipt.earned_micros, receipt.next) == (batch.price_micros, [])
    assert problems(site) == []


def test_a_block_needs_a_reason_a_kind_an_end_ahead_and_a_place_of_the_same_organisation(
    unit_of_work: UnitOfWork,
) -> None:
    site = a_site(unit_of_work)
    wrong: list[dict[str, Any]] = [{"kind": "ban"}, {"ends_at": NOON}, {"reason": "  "}]
    for other in wrong:
        placed = Placed(**{"worker_id": site.workers[0], "kind": "block", "reason": "No.", **other})
        with pytest.raises(BadInput):
            site.uow.run(block, placed=placed, now=NOON)
    gone: list[dict[str, Any]] = [{"batch_id": 99}, {"project_id": 99}]
    for missing in gone:
        with pytest.raises(NotFound):
            put(site, **missing)
    assert state_of(site) == "active"
