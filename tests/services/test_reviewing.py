"""Review policies: what the pass approves, what waits for a person, and that everybody is paid at last."""

from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import AlreadyDone, BadInput
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.reviews import is_sampled
from crowd_hitl.services import reviewing
from crowd_hitl.services.paying import approve, reject
from crowd_hitl.services.reviewing import Wanted, approve_many, due_reviews, review_due, sample_salt
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, answer, later, problems

HOUR = 3600


class ClockedAt(UnitOfWork):
    """A unit of work whose clock stands where the test wants it."""

    def __init__(self, uow: UnitOfWork, seconds: float) -> None:
        super().__init__(uow.engine)
        self.moment = later(seconds)

    def now(self, session: Any) -> Any:
        return self.moment


def states(site: Site, batch: BatchRow) -> dict[str, int]:
    rows = site.uow.read(
        lambda session: session.execute(
            select(AssignmentRow.state, func.count())
            .where(AssignmentRow.batch_id == batch.id)
            .group_by(AssignmentRow.state)
        ).all()
    )
    return dict(rows)


def paid_micros(site: Site) -> int:
    def read(session: Session) -> int:
        kinds = TransferRow.kind == TransferKind.PAY.value
        return session.scalar(select(func.coalesce(func.sum(TransferRow.amount_micros), 0)).where(kinds)) or 0

    return site.uow.read(read)


def skills(site: Site, *, worker_id: int, seen: int, right: int) -> None:
    def write(session: Session) -> None:
        session.add(
            WorkerSkillRow(
                project_id=site.project_id,
                worker_id=worker_id,
                field="label",
                accuracy=0.5,
                answers=seen,
                gold_seen=seen,
                gold_right=right,
                updated_at=NOON,
            )
        )

    site.uow.run(write)


def test_after_a_delay_what_nobody_decided_is_approved_and_paid_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site, approval="after_delay", review={"hours": 2})
    receipts = [answer(site, batch, site.workers[0]) for _ in range(3)]
    assert receipts[0] is not None
    reason = "This shows no cat at all."
    site.uow.run(reject, answer_id=receipts[0].answer_id, reason=reason, decided_by=None, now=later(10))

    early = review_due(ClockedAt(unit_of_work, 2 * HOUR - 1), batch_id=batch.id)
    due = review_due(ClockedAt(unit_of_work, 2 * HOUR), batch_id=batch.id)
    again = review_due(ClockedAt(unit_of_work, 3 * HOUR), batch_id=batch.id)

    assert (early, due, again) == (0, 2, 0)
    assert states(site, batch) == {"approved": 2, "rejected": 1}
    assert paid_micros(site) == 2 * PRICE
    assert problems(site) == []


def test_by_gold_the_trusted_are_approved_and_the_others_after_the_hours(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    review = {"accuracy_min": 0.75, "gold_min": 4, "hours": 24}
    batch = a_batch(site, approval="by_gold", review=review, overlap_min=3, overlap_max=3)
    good, poor, new = site.workers[:3]
    skills(site, worker_id=good, seen=4, right=3)
    skills(site, worker_id=poor, seen=8, right=5)
    for worker_id in (good, poor, new):
        answer(site, batch, worker_id)

    assert site.uow.read(due_reviews) == [batch.id]
    assert review_due(ClockedAt(unit_of_work, 60), batch_id=batch.id) == 1
    assert states(site, batch) == {"approved": 1, "submitted": 2}
    assert review_due(ClockedAt(unit_of_work, 24 * HOUR), batch_id=batch.id) == 2
    assert site.uow.read(due_reviews) == []
    assert problems(site) == []


def test_by_sample_a_share_waits_for_a_reviewer_and_is_paid_at_last(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=30)
    batch = a_batch(site, approval="by_sample", review={"rate": 0.3, "hours": 5})
    for number in range(30):
        answer(site, batch, site.workers[0], at=later(number))
    ids = unit_of_work.read(lambda session: session.scalars(select(AssignmentRow.id)).all())
    waiting = {key for key in ids if is_sampled(assignment_id=key, salt=sample_salt(batch), rate=0.3)}
    assert 0 < len(waiting) < 30

    assert review_due(ClockedAt(unit_of_work, 60), batch_id=batch.id) == 30 - len(waiting)
    left = select(AssignmentRow.id).where(AssignmentRow.state == AssignmentState.SUBMITTED.value)
    assert set(unit_of_work.read(lambda session: session.scalars(left).all())) == waiting
    assert review_due(ClockedAt(unit_of_work, 61), batch_id=batch.id) == 0
    assert review_due(ClockedAt(unit_of_work, 6 * HOUR), batch_id=batch.id) == len(waiting)
    assert problems(site) == []


def test_the_pass_goes_through_in_chunks_and_remembers_how_far_it_was(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "CHUNK", 4)
    site = a_site(unit_of_work, items=14)
    batch = a_batch(site, approval="by_sample", review={"rate": 0.2, "hours": 5})
    for _ in range(14):
        answer(site, batch, site.workers[0])  # all at one moment: the id tells them apart
    review_due(ClockedAt(unit_of_work, 60), batch_id=batch.id)
    for _ in range(14):
        answer(site, batch, site.workers[1], at=later(3600))
    review_due(ClockedAt(unit_of_work, 3700), batch_id=batch.id)

    sampled = [
        is_sampled(assignment_id=row.id, salt=sample_salt(batch), rate=0.2)
        for row in unit_of_work.read(lambda session: session.scalars(select(AssignmentRow)).all())
    ]
    assert states(site, batch) == {"approved": sampled.count(False), "submitted": sampled.count(True)}
    marked = unit_of_work.read(lambda session: session.get_one(BatchRow, batch.id).reviewed_until)
    assert marked == later(3600)


def test_manual_and_auto_are_left_alone_by_the_pass(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, approval="manual")
    answer(site, batch, site.workers[0])

    assert site.uow.read(due_reviews) == []
    assert review_due(ClockedAt(unit_of_work, 1000 * HOUR), batch_id=batch.id) == 0
    assert states(site, batch) == {"submitted": 1}


def test_terms_are_checked_when_a_batch_is_published(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    with pytest.raises(BadInput, match=r"review.rate: expected a share above 0, at most 1, found 7"):
        a_batch(site, approval="by_sample", review={"rate": 7})
    assert a_batch(site, approval="by_gold").review == {"accuracy_min": 0.8, "gold_min": 3, "hours": 72}


def test_many_are_approved_by_hand_of_one_worker_or_of_a_list(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site, approval="manual")
    first = [answer(site, batch, site.workers[0]) for _ in range(3)]
    second = [answer(site, batch, site.workers[1]) for _ in range(3)]
    assert first[0] and second[0] and second[1]

    def by_hand(wanted: Wanted) -> int:
        return approve_many(unit_of_work, batch_id=batch.id, wanted=wanted, decided_by=None)

    assert by_hand(Wanted(answer_ids=[first[0].answer_id, second[0].answer_id])) == 2
    assert by_hand(Wanted(worker="W1")) == 2
    assert by_hand(Wanted(answer_ids=[second[1].answer_id], worker="W1")) == 0
    assert by_hand(Wanted()) == 2
    assert states(site, batch) == {"approved": 6}
    assert problems(site) == []


def test_two_reviewers_at_once_decide_every_answer_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12, workers=2)
    batch = a_batch(site, approval="manual", overlap_min=1, overlap_max=1)
    receipts = [answer(site, batch, site.workers[0]) for _ in range(12)]
    ids = [receipt.answer_id for receipt in receipts if receipt]
    start, done = Barrier(3), {"approved": 0, "rejected": 0}

    def decide(name: str, service: Any, order: list[int], **values: Any) -> None:
        start.wait()
        for answer_id in order:
            try:
                unit_of_work.run(service, answer_id=answer_id, decided_by=None, **values)
                done[name] += 1
            except AlreadyDone:
                pass

    def bulk() -> None:
        start.wait()
        approve_many(unit_of_work, batch_id=batch.id, wanted=Wanted(answer_ids=ids[:4]), decided_by=None)

    reason = "This shows no cat at all."
    threads = [
        Thread(target=decide, args=("approved", approve, ids)),
        Thread(target=decide, args=("rejected", reject, ids[::-1]), kwargs={"reason": reason}),
        Thread(target=bulk),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = states(site, batch)
    assert found.get("approved", 0) + found.get("rejected", 0) == 12
    assert found.get("rejected", 0) == done["rejected"]
    assert paid_micros(site) == found.get("approved", 0) * PRICE
    assert problems(site) == []
