"""What models say of items they did not learn from: kept whole with the model, or not at all, and read as written."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.services.holding_out import HeldOut, hold_out, read_held_out, write_held_out
from crowd_hitl.store.loop_rows import ChoiceRow, HeldOutRow, ModelVersionRow, RoundRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.heard import plant
from tests.services.looped import CLASSES, NotedLearner, NotedModel, a_circuit
from tests.services.published import a_site, problems


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


@pytest.mark.parametrize("count", [0, 1, 2_500, 5_001])
def test_what_is_held_out_is_read_as_it_was_written(unit_of_work: UnitOfWork, count: int) -> None:
    site = a_site(unit_of_work, items=1)
    unit_of_work.run(plant, site=site, share=1.0, joint=True)
    chance = np.random.default_rng(1)
    rows = chance.dirichlet(np.ones(3), count)
    said = dict(zip(range(10, 10 + count), rows, strict=True))

    def written(session: Session, *, wanted: Sequence[int]) -> HeldOut:
        model = session.scalars(select(ModelVersionRow)).one()
        session.query(HeldOutRow).delete()
        write_held_out(session, model_version_id=model.id, held_out=hold_out(said))
        return read_held_out(session, model_version_id=model.id, wanted=np.array(wanted), n_labels=3)

    found = unit_of_work.run(written, wanted=[*range(9, 10 + count, 7), 99_999])

    assert found.item_ids.tolist() == [item_id for item_id in range(9, 10 + count, 7) if item_id in said]
    assert np.allclose(found.probabilities, rows[found.item_ids - 10].reshape(-1, 3), atol=1e-6)


def test_predictions_that_are_no_probabilities_are_not_kept() -> None:
    kept = hold_out({3: np.array([0.2, 0.8]), 1: np.array([np.nan, 1.0]), 2: np.array([-0.1, 1.1]), 5: np.zeros(2)})

    assert kept.item_ids.tolist() == [3]
