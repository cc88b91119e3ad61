"""Answers become labels; doubtful tasks get further places while the overlap and the money last."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from sqlalchemy import select, update

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.services.agreeing import AgreeReport, agree, due_batches
from crowd_hitl.services.answering import replace
from crowd_hitl.services.reporting.gold import belief_of
from crowd_hitl.services.weighing import Agreed
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow, TaskRow
from tests.services.published import PRICE, QUESTIONS, Site, a_batch, a_site, answer, later, problems

PLUGINS = find_plugins()


@dataclass(frozen=True)
class Shown:
    value: str
    confidence: float
    version: int
    votes: int


def agreed(site: Site, batch: BatchRow) -> AgreeReport:
    return agree(site.uow, batch_id=batch.id, plugins=PLUGINS)


def answers(site: Site, batch: BatchRow, values: Sequence[str]) -> None:
    for worker_id, value in zip(site.workers, values, strict=False):
        answer(site, batch, worker_id, value)


def labels(site: Site, *, state: str = "current") -> list[Shown]:
    rows = site.uow.read(
        lambda session: session.scalars(
            select(LabelRow).where(LabelRow.state == state).order_by(LabelRow.item_id)
        ).all()
    )
    return [Shown(row.value, row.confidence, row.version, row.votes) for row in rows]


def overlaps(site: Site) -> list[int]:
    return site.uow.read(lambda session: list(session.scalars(select(TaskRow.overlap).order_by(TaskRow.id))))


def said_of_longest(site: Site) -> set[str]:
    longest = select(TaskRow.id).order_by(TaskRow.overlap.desc()).limit(1).scalar_subquery()
    found = select(AnswerRow.value).where(AnswerRow.task_id == longest)
    return site.uow.read(lambda session: {value["label"] for value in session.scalars(found)})


def test_tasks_that_agree_get_a_label_and_close_their_batch(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=3, overlap_max=3, aggregator="majority_vote")
    answers(site, batch, ["dog", "dog", "cat"])

    report = agreed(site, batch)

    assert (report.agreed + report.gave_up, report.labels_changed, report.batch_closed) == (1, 1, True)
    assert [(label.value, label.votes) for label in labels(site)] == [("dog", 3)]
    assert problems(site) == []


def test_a_doubtful_task_gets_one_more_place_until_the_overlap_is_spent(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=2, overlap_max=3, aggregator="majority_vote")
    answers(site, batch, ["dog", "cat"])

    assert agreed(site, batch).opened == 1
    answer(site, batch, site.workers[2], "cat")
    assert agreed(site, batch).gave_up == 1

    assert [label.value for label in labels(site)] == ["cat"]
    assert problems(site) == []


def test_no_further_place_is_opened_without_money_and_the_task_says_so(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, money=2 * PRICE)
    batch = a_batch(site, overlap_min=2, overlap_max=3, aggregator="majority_vote")
    answers(site, batch, ["dog", "cat"])

    report = agreed(site, batch)

    assert (report.opened, report.out_of_budget) == (0, 1)
    reasons = site.uow.read(lambda session: session.scalars(select(TaskRow.retire_reason)).all())
    assert reasons == ["budget"]
    assert len(labels(site)) == 1
    assert problems(site) == []


def test_a_second_pass_over_the_same_answers_writes_no_new_version(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3)
    batch = a_batch(site)
    answers(site, batch, ["dog", "dog"] * 2)
    agreed(site, batch)
    before = labels(site)

    assert agreed(site, batch).labels_changed == 0
    assert labels(site) == before
    assert labels(site, state="superseded") == []


def test_an_answer_replaced_after_agreement_is_looked_at_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1, aggregator="majority_vote")
    receipt = answer(site, batch, site.workers[0], "dog")
    agreed(site, batch)
    assert receipt is not None

    site.uow.run(
        replace,
        answer_id=receipt.answer_id,
        worker_id=site.workers[0],
        value={"label": "cat"},
        questions=QUESTIONS,
        now=later(5),
    )

    assert site.uow.read(due_batches) == [batch.id]
    agreed(site, batch)
    assert [(label.value, label.version) for label in labels(site)] == [("cat", 2)]
    assert [label.value for label in labels(site, state="superseded")] == ["dog"]


def test_gold_is_never_labelled_by_the_crowd_but_measures_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, gold=1)
    batch = a_batch(site, gold_rate=0.5, overlap_min=1, overlap_max=1)
    while answer(site, batch, site.workers[0], "cat"):
        pass

    agreed(site, batch)

    assert len(labels(site)) == 2
    skills = site.uow.read(lambda session: session.scalars(select(WorkerSkillRow)).all())
    assert [(skill.gold_seen, skill.gold_right, skill.answers) for skill in skills] == [(1, 1, 3)]
    assert problems(site) == []


def test_confidence_is_a_probability_whatever_was_answered(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, overlap_min=3, overlap_max=4)
    for worker_id, value in zip(site.workers, ["cat", "dog", "cat"], strict=False):
        while answer(site, batch, worker_id, value):
            pass

    while agreed(site, batch).opened:
        while answer(site, batch, site.workers[3], "dog"):
            pass

    confidences = [label.confidence for label in labels(site)]
    assert len(confidences) == 6
    assert np.all((np.array(confidences) >= 0) & (np.array(confidences) <= 1))
    assert problems(site) == []


def test_a_policy_that_sees_the_batch_asks_about_the_least_sure_first(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=3, workers=6)
    terms = {"overlap_min": 2, "overlap_max": 5, "overlap_policy": "least_sure", "aggregator": "majority_vote"}
    batch = a_batch(site, **terms)
    by_item = [["cat", "cat"], ["dog", "cat"], ["dog", "dog"]]
    for place in range(2):
        for said in by_item:
            answer(site, batch, site.workers[place], said[place])

    report = agreed(site, batch)

    assert (report.opened, report.agreed, report.gave_up, labels(site)) == (1, 0, 0, [])
    assert sorted(overlaps(site)) == [2, 2, 3]
    assert said_of_longest(site) == {"cat", "dog"}
    assert unit_of_work.read(due_batches) == []  # the others wait, and nothing is to be done until somebody answers
    assert answer(site, batch, site.workers[2], "dog") is not None
    assert unit_of_work.read(due_batches) == [batch.id]
    assert problems(site) == []


def test_a_batch_ends_when_nothing_more_is_worth_its_price(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4, workers=6)
    batch = a_batch(site, overlap_min=2, overlap_max=6, overlap_policy="least_sure")
    waiting = list(site.workers)
    while unit_of_work.read(due_batches) or waiting:
        for worker_id in list(waiting):
            if answer(site, batch, worker_id, "cat") is None:
                waiting.remove(worker_id)
        report = agreed(site, batch)
        if report.opened:
            waiting = list(site.workers)

    assert report.batch_closed
    assert len(labels(site)) == 4
    assert sum(overlaps(site)) < 4 * 6
    assert problems(site) == []


def test_enough_gold_says_how_far_labels_are_to_be_believed(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=60, gold=24)
    batch = a_batch(site, overlap_min=3, overlap_max=3, gold_rate=0.5)
    for worker_id, said in zip(site.workers, (("cat",), ("cat",), ("cat", "dog")), strict=False):
        for value in cycle(said):
            if answer(site, batch, worker_id, value) is None:
                break

    agreed(site, batch)

    found = unit_of_work.read(belief_of, project_id=site.project_id, field="label")
    assert found is not None
    assert found.gold >= 20
    assert sum(tasks for _, _, tasks, _, _ in found.bins) == found.gold
    assert 0 <= found.ece <= 1 and found.threshold == 0.95


def test_without_gold_nothing_is_said_of_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    answer(site, batch, site.workers[0], "cat")

    agreed(site, batch)

    assert unit_of_work.read(belief_of, project_id=site.project_id, field="label") is None


def test_what_is_asked_for_task_by_task_is_worked_out_once() -> None:
    posteriors = np.array([[0.9, 0.1], [0.5, 0.5]])
    found = Agreed(np.array(["a", "b"], dtype=object), posteriors, posteriors, np.ones(1))

    assert found.confidences is found.confidences
    assert found.confidences.tolist() == [0.9, 0.5]


def test_a_pass_that_sees_the_whole_batch_waits_for_some_answers_or_the_last(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=120, workers=4)
    batch = a_batch(site, overlap_min=1, overlap_max=3, overlap_policy="least_sure")
    for number in range(120):
        answer(site, batch, site.workers[number % 3], "dog" if number % 2 else "cat")
    agreed(site, batch)
    held_back, asked = unit_of_work.read(
        lambda session: (session.get_one(BatchRow, batch.id).held_back, sum(overlaps(site)) - 120)
    )
    assert held_back >= 100 and asked > 2

    answer(site, batch, site.workers[3])
    assert unit_of_work.read(due_batches) == []  # one answer of a wave says little
    answer(site, batch, site.workers[3])
    assert unit_of_work.read(due_batches) == [batch.id]


def test_the_last_answer_that_is_coming_is_always_looked_at(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=3, overlap_policy="least_sure")
    answers(site, batch, ["dog"])
    answers(site, batch, ["cat"])
    agreed(site, batch)
    many = update(BatchRow).where(BatchRow.id == batch.id).values(held_back=1_000)
    unit_of_work.run(lambda session: session.execute(many))

    while answer(site, batch, site.workers[3]) is not None:
        pass

    assert unit_of_work.read(due_batches) == [batch.id]
