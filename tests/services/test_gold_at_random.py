"""Gold drawn, judged, corrected and retired while everything else happens in whatever order: the books are right."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import CrowdError
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Receipt, Submission, submit, submit_at_once
from crowd_hitl.services.assigning import claim, claim_at_once
from crowd_hitl.services.settling_tasks import retire_unreachable
from crowd_hitl.services.vouching import confirm_gold, correct_gold, retire_gold
from crowd_hitl.store.project_rows import GoldRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow
from tests.services.published import PRICE, QUESTIONS, a_batch, a_site, later, problems
from tests.services.test_money_at_random import STEPS, Walk, finish

PLUGINS = find_plugins()
KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "reviewed": {"approval": "manual"},
    "page": {"page_size": 3},
    "capped": {"cap_answers": 6},
}


class GoldWalk(Walk):
    """A walk over a batch with gold, by the short way that clients take."""

    def step(self) -> str:
        if self.random.random() < 0.7:
            return super().step()
        self.at += 1
        steps: list[Callable[[], object]] = [self.agree, self.agree, self.repeat, self.judge, self.give_up]
        step = self.random.choice(steps)
        try:
            step()
        except CrowdError as refused:
            return f"{step.__name__}: {type(refused).__name__}"
        return step.__name__

    def claim(self) -> None:
        terms = {"batch_id": self.batch.id, "worker_id": self.random.choice(self.site.workers), "now": later(self.at)}
        self.site.uow.run_short(claim_at_once, otherwise=claim, **terms, count=self.random.randint(1, 3))

    def submit(self) -> None:
        row = self._any(AssignmentRow, AssignmentRow.state.in_(["leased", "expired"]))
        if row is not None:
            self._say(row.id, row.worker_id, self.random.choice(("cat", "dog")), next_count=self.random.randint(0, 2))

    def repeat(self) -> None:
        """Send an answer again: the receipt names the same places."""
        answer = self._any(AnswerRow)
        if answer is not None:
            receipt = self._say(answer.assignment_id, answer.worker_id, "cat", next_count=1)
            assert receipt.answer_id == answer.id
            assert [offer.assignment_id for offer in receipt.next] == answer.next_ids

    def agree(self) -> None:
        agree(self.site.uow, batch_id=self.batch.id, plugins=PLUGINS)

    def give_up(self) -> None:
        self._run(retire_unreachable, batch_id=self.batch.id)

    def judge(self) -> None:
        gold = self._any(GoldRow)
        verb, said = self.random.choice(
            ((confirm_gold, {}), (correct_gold, {"value": "dog"}), (correct_gold, {"value": "cat"}), (retire_gold, {}))
        )
        self._run(verb, gold_id=gold.id, decided_by=None, plugins=PLUGINS, **said)

    def _say(self, assignment_id: int, worker_id: int, label: str, *, next_count: int) -> Receipt:
        return self.site.uow.run_short(
            submit_at_once,
            otherwise=submit,
            assignment_id=assignment_id,
            worker_id=worker_id,
            submission=Submission({"label": label}, f"k{assignment_id}", next_count=next_count),
            questions=QUESTIONS,
            now=later(self.at),
        )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_the_books_are_right_whatever_happens_to_gold(unit_of_work: UnitOfWork, kind: str, seed: int) -> None:
    site = a_site(unit_of_work, items=6, money=60 * PRICE, gold=4)
    terms = {"overlap_min": 2, "overlap_max": 3, "lease_seconds": 60, "compensation_share": 0.2, "gold_rate": 0.5}
    walk = GoldWalk(site, a_batch(site, **terms, **KINDS[kind]), Random(f"{kind}/{seed}"))
    done: list[str] = []
    for turn in range(STEPS + STEPS // 3):
        done.append(walk.step())
        if turn % 10 == 9:
            assert problems(site) == [], done
    walk.close()
    finish(walk)
    assert problems(site) == [], done
    reserved = site.uow.read(lambda session: session.scalars(select(GoldRow.views_reserved)).all())
    assert sum(reserved) == 2 * 3
