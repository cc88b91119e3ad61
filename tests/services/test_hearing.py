"""A useful model saves answers, a useless one changes nothing, none judges or teaches itself."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.auditing import REFERENCES, audit_findings
from crowd_hitl.services.gathering import read_evidence
from crowd_hitl.services.training import read_lesson
from crowd_hitl.services.weighing import weigh
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, RoundRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.heard import ITEMS, PLUGINS, WORKERS, ask, heard, outcome, plant, play
from tests.services.looped import POLICY, a_circuit
from tests.services.published import a_batch, a_site, problems
from tests.services.removed import asked, remove


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
