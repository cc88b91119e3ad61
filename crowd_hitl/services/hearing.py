"""Hearing the model: which of its words may be weighed with people's answers, and what the pass made of them.

Never where the item judges the model: gold, references, audits and what confirms them stay people's alone.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, union, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.ports import Floats, Question
from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.services.auditing import REFERENCES
from crowd_hitl.services.holding_out import read_held_out
from crowd_hitl.store.loop_rows import ChoiceRow, LoopRow, ModelVersionRow, RoundRow
from crowd_hitl.store.project_rows import IS_GOLD, GoldRow, QuestionVersionRow
from crowd_hitl.store.work_rows import BatchRow, TaskRow


@dataclass(frozen=True)
class Foretold:
    """What the newest model says of answered items that it did not learn from and that do not judge it.

    `item_ids` (n,) in rising order; `probabilities` (n, K) in the order of the question's classes. `was_heard`: whether
    the last pass heard it.
    """

    model_version_id: int
    was_heard: bool
    item_ids: NDArray[np.int64]
    probabilities: Floats


@dataclass(frozen=True)
class Hearing:
    """What became of a model's word: `temper` 0 is not heard, 1 in full; `gain` in nats a task, on held-out answers."""

    model_version_id: int
    temper: float
    gain: float


def read_foretold(
    session: Session, *, version: QuestionVersionRow, field: str, question: Question, asked: NDArray[np.int64]
) -> Foretold | None:
    """Read what the project's newest model says of the asked items.

    None where its newest loop does not want the model heard, and where the model speaks of another question.
    """
    loops = select(LoopRow).where(LoopRow.project_id == version.project_id).order_by(LoopRow.id.desc()).limit(1)
    loop = session.scalar(loops)
    if loop is None or not loop.policy.get("joint", LoopPolicy.joint):
        return None
    models = select(ModelVersionRow).where(ModelVersionRow.project_id == version.project_id)
    model = session.scalar(models.order_by(ModelVersionRow.number.desc()).limit(1))
    if model is None or model.field != field:
        return None
    taught = session.get_one(QuestionVersionRow, model.question_version_id)
    known, wanted = list(question.classes(taught.spec)), list(question.classes(version.spec))
    if taught.pool != version.pool or set(known) != set(wanted):
        return None
    impartial = np.array(_judging(session, project_id=version.project_id), dtype=np.int64)
    free = asked[~np.isin(asked, impartial)]
    found = read_held_out(session, model_version_id=model.id, wanted=free, n_labels=len(known))
    if not len(found.item_ids):
        return None
    columns = [known.index(name) for name in wanted]
    return Foretold(model.id, bool(model.temper), found.item_ids, found.probabilities[:, columns])


def write_hearing(session: Session, *, hearing: Hearing) -> None:
    """Note with the model version how far the newest pass heard it; the only writer of its temper and gain."""
    session.execute(
        update(ModelVersionRow)
        .where(ModelVersionRow.id == hearing.model_version_id)
        .values(temper=hearing.temper, gain=hearing.gain)
    )


def _judging(session: Session, *, project_id: int) -> list[int]:
    """List the items on which the model is not heard: gold, and all that was drawn or asked as a reference."""
    drawn = select(ChoiceRow.item_id).join(RoundRow, RoundRow.id == ChoiceRow.round_id)
    asked = select(TaskRow.item_id).join(BatchRow, BatchRow.id == TaskRow.batch_id)
    known = select(GoldRow.item_id).where(GoldRow.project_id == project_id, IS_GOLD)
    judging = union(
        drawn.where(RoundRow.project_id == project_id, RoundRow.purpose.in_(REFERENCES)),
        asked.where(BatchRow.project_id == project_id, BatchRow.purpose.in_(REFERENCES), TaskRow.is_gold.is_(False)),
        known,
    )
    return list(session.scalars(judging))
