"""A task that has all its answers is decided at once, by what the last pass over all answers knew of the workers."""

from dataclasses import replace as replaced
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.answering import Receipt, replace
from crowd_hitl.services.stopping import stop_asking
from crowd_hitl.store.label_rows import LabelRow, SnapshotRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow, TaskRow
from tests.services.published import QUESTIONS, Site, a_batch, a_site, answer, later, problems

PLUGINS = find_plugins()
RULE = {"overlap_min": 2, "overlap_max": 3, "confidence_target": 0.7}


def begun(uow: UnitOfWork, *, items: int = 30, left: int = 6, **terms: Any) -> tuple[Site, BatchRow]:
    """Publish a batch, have most of its tasks answered alike by two workers, and let a pass weigh them."""
    site = a_site(uow, items=items, workers=5)
    batch = a_batch(site, **{**RULE, **terms})
    for number in range(items - left):
        for worker_id in site.workers[:2]:
            answer(site, batch, worker_id, "dog" if number % 2 else "cat")
    agree(uow, batch_id=batch.id, plugins=PLUGINS)
    return site, batch


def stopped(site: Site, batch: BatchRow) -> bool:
    return stop_asking(site.uow, batch_id=batch.id, plugins=PLUGINS)


def fill(site: Site, batch: BatchRow, *values: str) -> int:
    """Have the next task of the first workers answered so, and return it."""
    receipts = [answer(site, batch, who, value) for who, value in zip(site.workers, values, strict=False)]
    (task_id,) = {task_of(site, receipt) for receipt in receipts}
    return task_id


def task_of(site: Site, receipt: Receipt | None) -> int:
    assert receipt is not None
    found = select(AnswerRow.task_id).where(AnswerRow.id == receipt.answer_id)
    found_id: int = site.uow.read(lambda session: session.scalars(found).one())
    return found_id


def task(site: Site, task_id: int) -> TaskRow:
    found: TaskRow = site.uow.read(lambda session: session.get_one(TaskRow, task_id))
    return found


def label_of(site: Site, task_id: int) -> LabelRow | None:
    wanted = select(LabelRow).where(LabelRow.item_id == task(site, task_id).item_id, LabelRow.state == "current")
    found: LabelRow | None = site.uow.read(lambda session: session.scalar(wanted))
    return found


def test_an_agreed_task_is_settled_and_labelled_without_a_pass(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work)
    task_id = fill(site, batch, "dog", "dog")

    assert stopped(site, batch)

    label = label_of(site, task_id)
    assert (task(site, task_id).state, task(site, task_id).retire_reason) == ("retired", "agreed")
    assert label is not None
    assert (label.value, label.votes, label.source, label.aggregator) == ("dog", 2, "consensus", "pooled")
    assert unit_of_work.read(due_batches) == []
    assert problems(site) == []


def test_a_doubtful_task_gets_one_more_place_at_once_until_the_overlap_is_spent(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work, left=1)
    task_id = fill(site, batch, "dog", "cat")

    assert stopped(site, batch)
    assert (task(site, task_id).state, task(site, task_id).overlap) == ("open", 3)
    assert answer(site, batch, site.workers[2], "cat") is not None
    stopped(site, batch)

    assert (task(site, task_id).state, task(site, task_id).answers_count) == ("retired", 3)
    assert problems(site) == []


def test_it_says_what_a_pass_would_say(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work)
    task_id = fill(site, batch, "dog", "dog")
    stopped(site, batch)
    at_once = label_of(site, task_id)

    agree(unit_of_work, batch_id=batch.id, plugins=PLUGINS)

    passed = label_of(site, task_id)
    assert at_once is not None and passed is not None
    assert (at_once.id, at_once.value) == (passed.id, passed.value)
    assert at_once.confidence == pytest.approx(passed.confidence, abs=0.02)


def test_before_the_first_pass_there_is_nothing_to_go_by(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, **RULE)
    task_id = fill(site, batch, "dog", "dog")

    assert not stopped(site, batch)
    assert task(site, task_id).state == "full"


def test_when_a_tenth_more_answers_came_all_are_weighed_anew(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work)  # 48 answers
    for _ in range(2):
        fill(site, batch, "dog", "dog")
        assert stopped(site, batch)
    fill(site, batch, "dog", "dog")

    assert not stopped(site, batch)
    assert unit_of_work.read(due_batches) == [batch.id]


def test_an_answer_that_was_changed_has_all_weighed_anew(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work)
    receipts = [answer(site, batch, who, "dog") for who in site.workers[:2]]
    assert receipts[0] is not None
    unit_of_work.run(
        replace,
        **{"answer_id": receipts[0].answer_id, "worker_id": site.workers[0], "value": {"label": "cat"}},
        questions=QUESTIONS,
        now=later(seconds=5),
    )

    assert not stopped(site, batch)


def test_a_full_gold_task_is_retired_and_gets_no_label(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work)
    task_id = fill(site, batch, "dog", "cat")
    unit_of_work.run(lambda session: session.execute(update(TaskRow).where(TaskRow.id == task_id).values(is_gold=True)))

    assert stopped(site, batch)
    assert (task(site, task_id).state, label_of(site, task_id)) == ("retired", None)


def test_the_last_task_closes_the_batch_and_a_pass_looks_at_all_of_it_once_more(unit_of_work: UnitOfWork) -> None:
    site, batch = begun(unit_of_work)
    for _ in range(6):
        fill(site, batch, "dog", "dog")
        if not stopped(site, batch) and unit_of_work.read(lambda s: s.get_one(BatchRow, batch.id)).state == "open":
            agree(unit_of_work, batch_id=batch.id, plugins=PLUGINS)

    assert unit_of_work.read(lambda session: session.get_one(BatchRow, batch.id)).state == "closed"
    for batch_id in unit_of_work.read(due_batches):
        agree(unit_of_work, batch_id=batch_id, plugins=PLUGINS)
    assert unit_of_work.read(due_batches) == []
    assert problems(site) == []


@pytest.mark.parametrize("terms", [{"overlap_policy": "least_sure"}, {"aggregator": "majority_vote"}])
def test_what_looks_at_the_whole_batch_or_leaves_no_snapshot_is_left_to_the_pass(
    unit_of_work: UnitOfWork, terms: dict[str, Any]
) -> None:
    site, batch = begun(unit_of_work, **terms)
    fill(site, batch, "dog", "dog")

    assert not stopped(site, batch)


def test_a_snapshot_that_would_be_read_at_each_turn_is_kept_only_while_it_is_small(unit_of_work: UnitOfWork) -> None:
    class Large:
        name = "pooled"

        def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
            found = PLUGINS.aggregators["pooled"].aggregate(answers, seed=seed)
            assert found.snapshot is not None
            return replaced(found, snapshot=replaced(found.snapshot, log_chances=np.zeros((251_000, 1, 1))))

    site, batch = begun(unit_of_work)
    assert unit_of_work.read(lambda session: session.scalar(select(SnapshotRow.answers))) == 48

    agree(unit_of_work, batch_id=batch.id, plugins=replaced(PLUGINS, aggregators={"pooled": Large()}))

    assert unit_of_work.read(lambda session: session.scalar(select(SnapshotRow.id))) is None
    fill(site, batch, "dog", "dog")
    assert not stopped(site, batch)
