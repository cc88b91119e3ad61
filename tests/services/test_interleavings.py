"""Two things at once: what was found by an outside review, each as the moment in which it went wrong."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.services import answering
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.answering import Receipt, Submission
from crowd_hitl.services.assigning import claim, expire
from crowd_hitl.services.paying import approve, reject
from crowd_hitl.services.publishing import close_batch, close_overdue
from crowd_hitl.services.settling_tasks import retire_unreachable
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, answer, later, problems

PLUGINS = find_plugins()
REASON = "All answers were the same."


def claimed(site: Site, batch: BatchRow, worker: int, *, seconds: float = 0) -> int:
    offers = site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[worker], count=1, now=later(seconds))
    return offers[0].assignment_id


def submitted(site: Site, assignment_id: int, *, worker: int = 0, key: str = "k") -> Receipt:
    return site.uow.run(
        answering.submit,
        assignment_id=assignment_id,
        worker_id=site.workers[worker],
        submission=Submission(value={"label": "cat"}, client_key=key),
        questions=QUESTIONS,
        now=NOON,
    )


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run calls in threads that start together; return what each gave, or the error it met."""
    start = threading.Barrier(len(calls))
    found: list[Any] = [None] * len(calls)

    def run(place: int, call: Callable[[], Any]) -> None:
        start.wait()
        try:
            found[place] = call()
        except Exception as error:  # noqa: BLE001 - the test looks at whatever it was
            found[place] = error

    threads = [threading.Thread(target=run, args=(place, call)) for place, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_the_same_submit_twice_at_once_gets_the_same_receipt(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, overlap_min=1, overlap_max=1)

    for number in range(6):
        assignment_id, key = claimed(site, batch, 0), f"k{number}"
        first, second = at_once(*[lambda a=assignment_id, k=key: submitted(site, a, key=k)] * 2)
        assert first == second

    assert problems(site) == []


def test_answers_and_rejections_at_once_do_not_stop_each_other(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8, workers=8)
    batch = a_batch(site, approval="manual")
    receipts = [submitted(site, claimed(site, batch, n), worker=n, key=f"a{n}") for n in range(4)]
    leased = [claimed(site, batch, n) for n in range(4, 8)]

    rejecting = [
        lambda r=r: site.uow.run(reject, answer_id=r.answer_id, reason=REASON, decided_by=None) for r in receipts
    ]
    answering_now = [lambda a=a, n=n: submitted(site, a, worker=n, key=f"b{n}") for n, a in enumerate(leased, start=4)]

    assert [e for e in at_once(*rejecting, *answering_now) if isinstance(e, Exception)] == []
    assert problems(site) == []


def test_a_batch_closed_while_its_answers_are_approved_keeps_and_returns_every_cent(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, overlap_min=1, overlap_max=1, approval="manual")
    receipts = [submitted(site, claimed(site, batch, 0), key=f"k{n}") for n in range(5)]

    approving = [lambda r=r: site.uow.run(approve, answer_id=r.answer_id, decided_by=None) for r in receipts]
    found = at_once(*approving, lambda: site.uow.run(close_batch, batch_id=batch.id))

    assert [e for e in found if isinstance(e, Exception)] == []
    assert problems(site) == []


def test_an_undo_during_an_agree_pass_is_looked_at_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1, aggregator="majority_vote")
    receipt = answer(site, batch, site.workers[0], "dog")
    assert receipt is not None
    answer_id = receipt.answer_id

    @dataclass
    class UndoneMeanwhile:
        name: str = "majority_vote"

        def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
            site.uow.run(
                answering.replace,
                answer_id=answer_id,
                worker_id=site.workers[0],
                value={"label": "cat"},
                questions=QUESTIONS,
                now=later(5),
            )
            return PLUGINS.aggregators["majority_vote"].aggregate(answers, seed=seed)

    agree(site.uow, batch_id=batch.id, plugins=replace(PLUGINS, aggregators={"majority_vote": UndoneMeanwhile()}))

    assert site.uow.read(due_batches) == [batch.id]
    agree(site.uow, batch_id=batch.id, plugins=PLUGINS)
    assert current_labels(site) == ["cat"]


def test_a_label_falls_with_the_answers_it_stood_on(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual", overlap_min=2, overlap_max=2)
    receipts = [answer(site, batch, worker_id, "dog") for worker_id in site.workers[:2]]
    agree(site.uow, batch_id=batch.id, plugins=PLUGINS)
    assert current_labels(site) == ["dog"]

    for receipt in receipts:
        assert receipt is not None
        site.uow.run(reject, answer_id=receipt.answer_id, reason=REASON, decided_by=None)
    assert site.uow.read(due_batches) == [batch.id]
    agree(site.uow, batch_id=batch.id, plugins=PLUGINS)

    assert current_labels(site) == []
    assert problems(site) == []


def test_a_rejected_worker_gets_no_second_try_through_an_older_lapsed_lease(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, approval="manual", overlap_min=1, overlap_max=1, lease_seconds=60)
    old = claimed(site, batch, 0)
    site.uow.run(expire, now=later(61))
    again = claimed(site, batch, 0, seconds=62)
    receipt = submitted(site, again, key="second")
    site.uow.run(reject, answer_id=receipt.answer_id, reason=REASON, decided_by=None)

    found = at_once(lambda: submitted(site, old, key="first"))

    assert type(found[0]).__name__ == "TooLate"
    assert problems(site) == []


def test_places_that_nobody_can_take_give_their_money_back(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, workers=3)
    first = a_batch(site, overlap_min=3, overlap_max=3, items=site.items[:1])
    for worker_id in site.workers:
        answer(site, first, worker_id)
    second = a_batch(site, name="again", overlap_min=2, overlap_max=2, items=site.items)

    assert site.uow.run(retire_unreachable, batch_id=second.id, now=NOON) == 1

    assert problems(site) == []


def test_a_batch_past_its_deadline_is_closed_once_nobody_works_on_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, deadline=later(100), lease_seconds=60)
    claimed(site, batch, 0, seconds=90)

    assert site.uow.run(close_overdue, now=later(95)) == []
    assert site.uow.run(close_overdue, now=later(101)) == []
    site.uow.run(expire, now=later(151))
    assert site.uow.run(close_overdue, now=later(152)) == [batch.id]

    assert problems(site) == []


def current_labels(site: Site) -> list[str]:
    def read(session: Session) -> list[str]:
        return list(session.scalars(select(LabelRow.value).where(LabelRow.state == "current")))

    return site.uow.read(read)
