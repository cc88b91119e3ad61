"""The model beside the crowd: a useful one saves answers, a useless one changes nothing, none judges or teaches itself.

The model's word is planted, the crowd is simulated; everything between is what a loop runs.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.services.agreeing import agree, decide
from crowd_hitl.services.auditing import REFERENCES, audit_findings
from crowd_hitl.services.gathering import read_evidence
from crowd_hitl.services.holding_out import read_held_out
from crowd_hitl.services.settling_tasks import Decision
from crowd_hitl.services.training import read_lesson
from crowd_hitl.services.weighing import weigh
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, HeldOutRow, ModelVersionRow, RoundRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow
from tests.services.looped import CLASSES, POLICY, NotedLearner, NotedModel, a_circuit, plant, take_turns, truth_of
from tests.services.published import Site, a_batch, a_site, problems
from tests.services.removed import asked, remove

PLUGINS = find_plugins()
ITEMS, WORKERS, SKILL = 120, 12, 0.8
Label = tuple[str, str, float, str | None, float | None]


@dataclass(frozen=True)
class Asked:
    """What a batch came to: its labels (key, value, confidence, what people alone say), and the answers bought.

    `passes`: what each pass decided; `passes_alone`: what it would have decided without a model.
    """

    site: Site
    passes: list[list[Decision]]
    passes_alone: list[list[Decision]]
    answers: int
    labels: list[Label]

    @property
    def right(self) -> int:
        """Count the labels that are right."""
        return sum(value == truth_of(key) for key, value, *_ in self.labels)

    @property
    def helped(self) -> int:
        """Count the labels that the model had a part in."""
        return sum(crowd_value is not None for *_, crowd_value, _ in self.labels)


def ask(uow: UnitOfWork, *, model: float | None, joint: bool = True, purpose: str = "learn") -> Asked:
    """Ask a batch to its end; `model` is how many of its words are right, None for a project without one."""
    site = a_site(uow, items=ITEMS, workers=WORKERS)
    if model is not None:
        uow.run(plant, site=site, share=model, joint=joint)
    passes = play(site, a_batch(site, overlap_min=1, overlap_max=6, confidence_target=0.95, purpose=purpose))
    return Asked(site, *passes, *uow.read(outcome, project_id=site.project_id))


def play(site: Site, batch: BatchRow) -> tuple[list[list[Decision]], list[list[Decision]]]:
    """Let simulated workers answer a batch until it closes; return what each pass decides, and would without a model.

    The worker and the item decide every answer.
    """
    passes: tuple[list[list[Decision]], list[list[Decision]]] = ([], [])

    def says(worker_id: int, key: str) -> str:
        draw = Random(f"{site.workers.index(worker_id)}/{key}")
        return truth_of(key) if draw.random() < SKILL else CLASSES[1 - CLASSES.index(truth_of(key))]

    closed = False
    while not closed:
        site.uow.run(take_turns, site=site, batch_id=batch.id, says=says)
        (evidence,) = site.uow.read(read_evidence, batch_id=batch.id, plugins=PLUGINS)
        for found, seen in zip(passes, (evidence, replace(evidence, foretold=None)), strict=True):
            found.append(list(decide(seen, weigh(seen, plugins=PLUGINS, seed=0), plugins=PLUGINS)))
        closed = agree(site.uow, batch_id=batch.id, plugins=PLUGINS).batch_closed
    return passes


def outcome(session: Session, *, project_id: int) -> tuple[int, list[Label]]:
    """Count the answers of a project and list its labels."""
    answers = select(func.count(AnswerRow.id)).join(ItemRow, ItemRow.id == AnswerRow.item_id)
    labels = (
        select(ItemRow.key, LabelRow.value, LabelRow.confidence, LabelRow.crowd_value, LabelRow.crowd_confidence)
        .join(LabelRow, LabelRow.item_id == ItemRow.id)
        .where(ItemRow.project_id == project_id, LabelRow.state == "current")
        .order_by(ItemRow.id)
    )
    found = [(key, value, confidence, other, sure) for key, value, confidence, other, sure in session.execute(labels)]
    return session.scalars(answers.where(ItemRow.project_id == project_id)).one(), found


def heard(uow: UnitOfWork, site: Site) -> list[tuple[Any, ...]]:
    """Return τ and gain of the project's models."""
    rows = select(ModelVersionRow.temper, ModelVersionRow.gain).where(ModelVersionRow.project_id == site.project_id)
    return uow.read(lambda session: [(temper, gain) for temper, gain in session.execute(rows)])


def test_a_useful_model_saves_answers_and_its_part_in_each_label_is_kept(unit_of_work: UnitOfWork) -> None:
    alone, joint = ask(unit_of_work, model=None), ask(unit_of_work, model=0.9)

    assert joint.answers < 0.85 * alone.answers
    assert joint.right >= alone.right - 2  # which worker answers what is left to chance
    assert joint.helped == len(joint.labels) == ITEMS
    ((temper, gain),) = heard(unit_of_work, joint.site)
    assert temper > 0 and gain > 0.03
    names = select(LabelRow.model_version_id).where(LabelRow.project_id == joint.site.project_id)
    assert (
        unit_of_work.read(lambda session: session.scalars(names.where(LabelRow.state == "current")).all()).count(None)
        == 0
    )
    assert problems(joint.site) == []


def test_gold_softens_what_people_and_model_say_together_as_it_softens_people(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=ITEMS, workers=WORKERS, gold=24)
    unit_of_work.run(plant, site=site, share=0.9, joint=True)
    batch = a_batch(site, overlap_min=2, overlap_max=2, gold_rate=0.2)
    play(site, batch)

    (evidence,) = unit_of_work.read(read_evidence, batch_id=batch.id, plugins=PLUGINS)
    agreed = weigh(evidence, plugins=PLUGINS, seed=0)

    assert agreed.believed is not None and agreed.alone is not None and agreed.helped is not None
    assert agreed.believed == agreed.alone.believed and (agreed.skills == agreed.alone.skills).all()
    assert np.allclose(agreed.posteriors.sum(axis=1), 1.0) and (agreed.posteriors == agreed.softened).all()
    known = evidence.is_given
    assert known.sum() == 24 and not agreed.helped[known].any() and agreed.helped[~known].all()
    assert (agreed.posteriors[known] == agreed.alone.posteriors[known]).all()


def test_a_useless_model_changes_nothing(unit_of_work: UnitOfWork) -> None:
    useless = ask(unit_of_work, model=0.5)

    assert useless.passes == useless.passes_alone and useless.helped == 0
    assert [temper for temper, _ in heard(unit_of_work, useless.site)] == [0.0]


def test_a_loop_that_does_not_want_its_model_heard_does_not_hear_it(unit_of_work: UnitOfWork) -> None:
    unwanted = ask(unit_of_work, model=0.9, joint=False)

    assert unwanted.passes == unwanted.passes_alone and unwanted.helped == 0
    assert heard(unit_of_work, unwanted.site) == [(None, None)]


@pytest.mark.parametrize("purpose", REFERENCES)
def test_what_judges_the_model_is_asked_and_weighed_without_it(unit_of_work: UnitOfWork, purpose: str) -> None:
    judging = ask(unit_of_work, model=0.9, purpose=purpose)

    assert judging.passes == judging.passes_alone and judging.helped == 0
    assert heard(unit_of_work, judging.site) == [(None, None)]


def test_models_learn_what_people_said_and_not_what_a_model_said(unit_of_work: UnitOfWork) -> None:
    joint = ask(unit_of_work, model=0.9)

    lesson = unit_of_work.read(read_lesson, project_id=joint.site.project_id, plugins=PLUGINS)

    assert [lesson.labels[item_id] for item_id in joint.site.items] == [(said, sure) for *_, said, sure in joint.labels]
    assert any(value != crowd for _, value, _, crowd, _ in joint.labels), "the model outvoted nobody"


def test_what_an_audit_asked_stays_peoples_alone_whichever_batch_is_looked_at_last(unit_of_work: UnitOfWork) -> None:
    joint = ask(unit_of_work, model=0.9)
    site, uow = joint.site, unit_of_work
    audited = site.items[:12]
    (first,) = uow.read(lambda session: session.scalars(select(BatchRow.id)).all())
    play(site, a_batch(site, overlap_min=2, overlap_max=3, purpose="audit", items=audited))

    agree(uow, batch_id=first, plugins=PLUGINS)

    _, labels = uow.read(outcome, project_id=site.project_id)
    assert [crowd_value is None for *_, crowd_value, _ in labels] == [item_id in audited for item_id in site.items]
    named = select(LabelRow.item_id).where(LabelRow.state == "current", LabelRow.model_version_id.is_(None))
    assert uow.read(lambda session: sorted(session.scalars(named))) == audited


def test_taking_a_worker_out_weighs_the_rest_with_the_model_and_keeps_what_people_say(unit_of_work: UnitOfWork) -> None:
    joint = ask(unit_of_work, model=0.9)

    done = remove(joint.site, asked(joint.site, joint.site.workers[-1], replaced=False))

    assert done.removed > 0
    _, labels = unit_of_work.read(outcome, project_id=joint.site.project_id)
    assert len(labels) >= ITEMS - done.removed
    assert all(crowd_value is not None and sure is not None for *_, crowd_value, sure in labels)
    assert problems(joint.site) == []


def test_a_label_that_a_model_had_a_part_in_settles_no_audit(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.phase == "confirm")
    drawn = select(ChoiceRow.item_id).join(RoundRow, RoundRow.id == ChoiceRow.round_id)
    (one, *_) = circuit.rows(drawn.where(RoundRow.purpose == "audit").order_by(ChoiceRow.item_id))

    def settled(session: Session) -> dict[int, bool]:
        return {
            found.item_id: found.settled for found in audit_findings(session, loop_id=circuit.loop_id, policy=POLICY)
        }

    before = unit_of_work.read(settled)
    planted = update(LabelRow).where(LabelRow.item_id == one, LabelRow.state == "current")
    unit_of_work.run(lambda session: session.execute(planted.values(crowd_value="cat", crowd_confidence=0.7)) and None)

    assert before[one] is True
    assert unit_of_work.read(settled) == {**before, one: False}


class StoppingLearner(NotedLearner):
    """Breaks off at one of its fits, as a process that is killed does."""

    stops_at = 0

    def fit(self, *arguments: Any, **named: Any) -> NotedModel:
        """Fit, or break off."""
        if len(self.lessons) == self.stops_at:
            self.stops_at = -1
            raise KeyboardInterrupt
        return super().fit(*arguments, **named)


@pytest.mark.parametrize("fit", [0, 1, 3])
def test_training_that_breaks_off_leaves_nothing_and_is_done_again(
    unit_of_work: UnitOfWork, tmp_path: Path, fit: int
) -> None:
    learner = StoppingLearner()
    learner.stops_at = fit
    circuit = a_circuit(unit_of_work, tmp_path, learner=learner, policy={"rounds_max": 1})

    with pytest.raises(KeyboardInterrupt):
        circuit.run()

    assert circuit.rows(select(ModelVersionRow.id)) == circuit.rows(select(HeldOutRow.id)) == []
    assert circuit.run().stopped == "promise"
    assert problems(circuit.site) == []


def test_between_training_and_weighing_nothing_is_lost(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    """What a pass weighs lies in the database with the model: no process has to remember anything."""
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.round_number == 2 and step.waiting)
    (model_id,) = circuit.rows(select(ModelVersionRow.id))
    judging = set(circuit.rows(select(ChoiceRow.item_id).join(RoundRow).where(RoundRow.purpose == "reference")))

    known = unit_of_work.read(
        read_held_out, model_version_id=model_id, wanted=np.array(circuit.site.items), n_labels=len(CLASSES)
    )
    again = replace(circuit, plugins=replace(circuit.plugins, learners={}))
    step = again.run(until=lambda step: step.waiting)
    again.answer(step)
    again.advance()

    assert set(known.item_ids.tolist()) == set(circuit.site.items) - judging
    assert circuit.rows(select(ModelVersionRow.temper)) == [0.0]  # a crowd of eight items proves no model
