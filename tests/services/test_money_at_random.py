"""Whatever happens to pages, hours and rates, in whatever order: the books are right and nothing is overdrawn."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BudgetTooSmall, CrowdError
from crowd_hitl.services.assigning import expire, release
from crowd_hitl.services.compensating import compensate, pay_aside, return_lines
from crowd_hitl.services.ending_sittings import end_idle_sittings, end_sitting
from crowd_hitl.services.extending_leases import extend_lease
from crowd_hitl.services.paying import approve, give_up_place, reject
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow
from tests.services.published import PRICE, Site, a_batch, a_site, later, problems
from tests.services.sat import claimed, sittings, submitted

RATES = [{"price_micros": 20_000, "requirement": {"not": {"has": "spanish"}}}]
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "page": {"page_size": 3},
    "reviewed page": {"page_size": 3, "approval": "manual"},
    "hour": {"hourly_micros": 9_000_000},
    "reviewed hour": {"hourly_micros": 9_000_000, "approval": "manual"},
    "rate": {"rates": RATES},
    "page at a rate": {"rates": RATES, "page_size": 2, "approval": "manual"},
}
STEPS = 60
REASON = "All answers were the same."


class Walk:
    """A batch to which things happen at random; every step is one that a person or the background could take."""

    def __init__(self, site: Site, batch: BatchRow, random: Random) -> None:
        self.site, self.batch, self.random, self.at = site, batch, random, 0.0

    def step(self) -> str:
        self.at += self.random.choice((1, 5, 20, 70))
        steps: list[Callable[[], object]] = [
            *(self.claim,) * 3, *(self.submit,) * 5, self.approve, self.reject, self.soft_reject, self.release,
            self.expire, self.end, self.more_time, self.compensate, self.tick,
        ]  # fmt: skip
        step = self.random.choice(steps)
        try:
            step()
        except CrowdError as refused:
            return f"{step.__name__}: {type(refused).__name__}"
        return step.__name__

    def claim(self) -> None:
        worker = self.random.randrange(len(self.site.workers))
        claimed(self.site, self.batch, worker, count=self.random.randint(1, 3), at=self.at)

    def submit(self) -> None:
        row = self._any(AssignmentRow, AssignmentRow.state.in_(["leased", "expired"]))
        if row is not None:
            worker = self.site.workers.index(row.worker_id)
            seconds, more = self.random.choice((0, 3.3, 500)), self.random.randint(0, 2)
            submitted(self.site, row.id, worker, seconds=seconds, at=self.at, next_count=more)

    def approve(self) -> None:
        self._decide(approve)

    def reject(self) -> None:
        self._decide(reject, reason=REASON)

    def _decide(self, service: Callable[..., None], **how: Any) -> None:
        answer = self._any(AnswerRow)
        if answer is not None:
            self._run(service, answer_id=answer.id, decided_by=None, **how)

    def soft_reject(self) -> None:
        found = self._any(AssignmentRow, AssignmentRow.state == "submitted")

        def take_out(session: Session) -> None:
            row = session.get_one(AssignmentRow, found.id)
            row.state = "soft_rejected"
            give_up_place(session, assignment=row, now=later(self.at))
            pay_aside(session, assignment=row, now=later(self.at))

        if found is not None:
            self.site.uow.run(take_out)

    def release(self) -> None:
        self._held(release)

    def more_time(self) -> None:
        self._held(extend_lease)

    def _held(self, service: Callable[..., object]) -> None:
        row = self._any(AssignmentRow, AssignmentRow.state.in_(["leased", "expired"]))
        if row is not None:
            self._run(service, assignment_id=row.id, worker_id=row.worker_id)

    def expire(self) -> None:
        self._run(expire)

    def end(self) -> None:
        row = self._any(SittingRow)
        if row is not None:
            self._run(end_sitting, sitting_id=row.id, worker_id=row.worker_id)

    def compensate(self) -> None:
        self._run(compensate, batch_id=self.batch.id, amount_micros=self.random.randint(1, 2 * PRICE))

    def tick(self) -> None:
        self._run(end_idle_sittings)
        self._run(return_lines)

    def close(self) -> None:
        self._run(close_batch, batch_id=self.batch.id)

    def _run(self, service: Callable[..., object], **arguments: Any) -> None:
        self.site.uow.run(service, **arguments, now=later(self.at))

    def _any(self, row: Any, *where: Any) -> Any:
        rows = self.site.uow.read(lambda session: list(session.scalars(select(row).where(*where).order_by(row.id))))
        return self.random.choice(rows) if rows else None


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
def test_the_books_are_right_whatever_happens(unit_of_work: UnitOfWork, kind: str, seed: int) -> None:
    site = a_site(unit_of_work, items=5, money=40 * PRICE)
    terms = {"overlap_min": 2, "overlap_max": 2, "lease_seconds": 60, "compensation_share": 0.2, **KINDS[kind]}
    walk = Walk(site, a_batch(site, **terms), Random(f"{kind}/{seed}"))
    done: list[str] = []
    for turn in range(STEPS):
        if turn == STEPS * 2 // 3:
            walk.close()
        done.append(walk.step())
        if turn % 10 == 9:
            assert problems(site) == [], done
    finish(walk)
    assert problems(site) == [], done


def finish(walk: Walk) -> None:
    """Let everything lapse, decide what waits and pay what is owed: then the batch holds nothing."""
    for _ in range(2):
        walk.at += 10_000
        walk.expire()
        walk.tick()
        for answer in walk.site.uow.read(lambda session: list(session.scalars(select(AnswerRow)))):
            try:
                walk._run(approve, answer_id=answer.id, decided_by=None)
            except CrowdError:
                continue
    try:
        walk._run(compensate, batch_id=walk.batch.id, amount_micros=30 * PRICE)
    except BudgetTooSmall:
        return
    walk.at += 10_000
    walk.tick()

    def left(session: Session) -> tuple[int, int, int]:
        owed = session.scalars(select(SittingRow.id).where(SittingRow.state.in_(["owed", "open", "submitted"]))).all()
        batch, budget = session.get_one(BatchRow, walk.batch.id), session.get_one(BudgetRow, walk.site.budget_id)
        return len(owed), batch.compensation_micros, min(0, budget.available_micros)

    assert walk.site.uow.read(left) == (0, 0, 0), [(row.id, row.state, row.ends_at) for row in sittings(walk.site)]
