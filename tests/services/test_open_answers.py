"""Answers that are no class: weighed by a fuser, kept as JSON, compared by distance, refused where classes are due."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import BadInput, Conflict
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.domain.ports import Fused, ValueTable
from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.domain.values import from_text
from crowd_hitl.services.agreeing import AgreeReport, agree
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.exporting import label_rows
from crowd_hitl.services.forecasting import Wish, forecast
from crowd_hitl.services.looping import start_loop
from crowd_hitl.services.reading_gold import BadGold, gold_rule
from crowd_hitl.services.weighing import method_for
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import GoldRow, QuestionVersionRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, Site, a_batch, a_site, problems


class Height:
    """How many metres? The smallest question whose answers are no class."""

    kind = "height"
    is_class = False

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        return dict(spec)

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        return ["label"]

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        return []

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not isinstance(value.get("label"), int | float):
            raise BadInput("label: expected metres.")
        return {"label": float(value["label"])}


class Median:
    """The middle of what was said; half a metre is right enough."""

    name = "height"
    kinds: Sequence[str] = ("height",)
    right_within = 0.5
    reads_contents = False

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        said: list[list[float]] = [[] for _ in range(answers.n_tasks)]
        for task, value in zip(answers.tasks, answers.values, strict=True):
            said[task].append(value)
        spread = [max(values) - min(values) for values in said]
        return Fused(
            values=[float(np.median(values)) for values in said],
            confidences=np.array([1.0 / (1.0 + width) for width in spread]),
            skills=np.ones(answers.n_workers),
        )

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        return min(1.0, abs(float(one) - float(other)))


FOUND = find_plugins()
PLUGINS = replace(FOUND, questions={**FOUND.questions, "height": Height()}, fusers={**FOUND.fusers, "height": Median()})


def a_tower(uow: UnitOfWork, **built: Any) -> Site:
    """Make a project that asks for heights."""
    site = a_site(uow, **built)
    height = {"kind": "height", "spec": {"prompt": "How high?"}, "is_class": False}
    uow.run(lambda session: session.execute(update(QuestionVersionRow).values(height)))
    uow.run(lambda session: session.execute(update(GoldRow).values(value="10.0")))
    return site


def say(site: Site, batch: BatchRow, metres: Sequence[float]) -> None:
    """Let one worker after the other take a place and say how high."""
    for worker_id, value in zip(site.workers, metres, strict=False):
        offers = site.uow.run(claim, batch_id=batch.id, worker_id=worker_id, count=1, now=NOON)
        site.uow.run(
            submit,
            assignment_id=offers[0].assignment_id,
            worker_id=worker_id,
            submission=Submission(value={"label": value}, client_key=f"k{offers[0].assignment_id}"),
            questions=PLUGINS.questions,
            now=NOON,
        )


def agreed(site: Site, batch: BatchRow) -> AgreeReport:
    return agree(site.uow, batch_id=batch.id, plugins=PLUGINS)


def labels(site: Site) -> list[LabelRow]:
    return site.uow.read(lambda session: list(session.scalars(select(LabelRow).where(LabelRow.state == "current"))))


def test_what_agrees_becomes_a_label_that_is_written_once(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=3, overlap_max=3, aggregator="height")
    say(site, batch, [3, 3.5, 4])

    assert agreed(site, batch).labels_changed == 1
    assert agreed(site, batch).labels_changed == 0

    assert [(row.value, row.confidence, row.version, row.votes) for row in labels(site)] == [("3.5", 0.5, 1, 3)]
    assert problems(site) == []


def test_who_disagree_are_joined_by_one_more(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=2, overlap_max=4, aggregator="height", confidence_target=0.7)
    say(site, batch, [3, 9])

    assert agreed(site, batch).opened == 1


def test_who_agree_well_enough_are_asked_no_further(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=2, overlap_max=4, aggregator="height", confidence_target=0.7)
    say(site, batch, [3, 3.25])

    assert (agreed(site, batch).agreed, labels(site)[0].value) == (1, "3.125")


def test_an_answer_to_gold_is_right_when_it_is_near(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work, items=1, gold=1)
    batch = a_batch(site, overlap_min=3, overlap_max=3, gold_rate=0.5, aggregator="height")
    for _ in range(2):
        say(site, batch, [10.4, 10.6, 10])

    agreed(site, batch)

    skills = site.uow.read(lambda session: session.scalars(select(WorkerSkillRow).order_by(WorkerSkillRow.id)).all())
    assert [(row.gold_right, row.gold_seen) for row in skills] == [(1, 1), (0, 1), (1, 1)]


def test_labels_are_exported_as_the_values_they_are(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work, items=1)
    batch = a_batch(site, overlap_min=1, overlap_max=1, aggregator="height")
    say(site, batch, [3])
    agreed(site, batch)

    rows = site.uow.read(lambda session: list(label_rows(session, project_id=site.project_id)))

    assert [row["value"] for row in rows] == [3.0]


def test_all_that_may_be_asked_is_forecast(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=4, aggregator="height")
    say(site, batch, [3])

    found = site.uow.read(forecast, batch_id=batch.id, wish=Wish(), questions=PLUGINS.questions, now=NOON)

    assert (found.answers.low, found.answers.high) == (7, 7)


def test_a_fuser_weighs_what_no_aggregator_can(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work)

    def method(session: Session, name: str | None) -> str:
        return method_for(session, project_id=site.project_id, name=name, plugins=PLUGINS)

    assert site.uow.read(method, name=None) == "height"
    with pytest.raises(BadInput, match=r"aggregator: expected one of height, found 'majority_vote'"):
        site.uow.read(method, name="majority_vote")


def test_a_choice_is_weighed_by_aggregators(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)

    assert site.uow.read(method_for, project_id=site.project_id, name=None, plugins=PLUGINS) == "pooled"


def test_no_loop_is_started_on_what_no_model_learns(unit_of_work: UnitOfWork) -> None:
    site = a_tower(unit_of_work)
    wanted = {"project_id": site.project_id, "budget_id": site.budget_id, "policy": LoopPolicy(), "seed": 1}

    with pytest.raises(Conflict, match="trains on classes"):
        site.uow.run(start_loop, **wanted, now=NOON)


def test_known_answers_come_in_as_the_question_keeps_them() -> None:
    rule = gold_rule(Height(), {})

    assert rule.by_field(ItemRecord(row=1, key="a", text="a", gold={"": "3"})) == {"label": "3.0"}
    with pytest.raises(BadGold) as refused:
        rule.by_field(ItemRecord(row=1, key="a", text="a", gold={"": "high"}))
    assert refused.value.expected == "label: expected metres."


@pytest.mark.parametrize("written", ["1984", "true", "null", '"quoted"', "[sic]", "a plain word"])
def test_a_known_text_is_kept_as_it_was_written_whatever_it_looks_like(written: str) -> None:
    text = PLUGINS.questions["text"]
    rule = gold_rule(text, text.check_spec({"prompt": "What does the sign say?"}))

    (kept,) = rule.by_field(ItemRecord(row=1, key="a", text="a", gold={"": written})).values()

    assert from_text(kept) == written
