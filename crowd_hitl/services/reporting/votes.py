"""The votes on items: every answer to them in order of arrival."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.labels import CANNOT_BE_ANSWERED
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow


@dataclass(frozen=True)
class Vote:
    """One answer to one field of an item."""

    answer_id: int
    item_id: int
    value: str
    worker: str
    simulated: bool
    state: str

    @property
    def counts(self) -> bool:
        """Say whether the answer stands."""
        return self.state in ANSWERED


def votes_on(
    session: Session, *, item_ids: Sequence[int], field: str, batch_id: int | None = None
) -> dict[int, list[Vote]]:
    """Return the votes on these items (a page of them), of one batch or of all."""
    query = (
        select(AnswerRow, AssignmentRow.state, WorkerRow.public_id, WorkerRow.simulated)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(WorkerRow, WorkerRow.id == AnswerRow.worker_id)
        .where(AnswerRow.item_id.in_(item_ids))
        .order_by(AnswerRow.id)
    )
    if batch_id is not None:
        query = query.where(AnswerRow.batch_id == batch_id)
    found: dict[int, list[Vote]] = {item_id: [] for item_id in item_ids}
    for answer, state, public_id, simulated in session.execute(query).all():
        found[answer.item_id].append(
            Vote(
                answer_id=answer.id,
                item_id=answer.item_id,
                value=CANNOT_BE_ANSWERED if answer.is_broken else str(answer.value.get(field, "")),
                worker=public_id,
                simulated=simulated,
                state=state,
            )
        )
    return found
