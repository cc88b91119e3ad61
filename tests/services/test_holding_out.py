"""What a model says of items that it did not learn from is kept whole, or refused."""

from collections.abc import Sequence

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.services.holding_out import HeldOut, hold_out, read_held_out, write_held_out
from crowd_hitl.store.loop_rows import HeldOutRow, ModelVersionRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.looped import plant
from tests.services.published import a_site


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
