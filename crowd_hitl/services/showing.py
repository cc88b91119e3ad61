"""An assignment as its worker sees it: the item, the question, until when it is held and what it earns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.ports import Question, ShowingQuestion
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Short, remembered
from crowd_hitl.store.hot_path.shapes import Place
from crowd_hitl.store.project_rows import ItemRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AssignmentRow, SittingRow, TaskRow

# What the statements of the hot path change.
CHANGED_BESIDE = (TaskRow, AssignmentRow, SittingRow)


@dataclass(frozen=True)
class Offered:
    """One assignment as its worker sees it; those of one sitting are paid together."""

    assignment_id: int
    sitting_id: int
    task_id: int
    batch_id: int
    item_id: int
    item_key: str
    text: str | None
    image_key: str | None
    audio_key: str | None
    kind: str
    spec: dict[str, Any]
    leased_at: datetime
    lease_ends_at: datetime
    price_micros: int
    currency: str


def offered(session: Session, *, assignment_ids: Sequence[int]) -> list[Offered]:
    """Show assignments as their worker sees them, in the order of the ids."""
    if not assignment_ids:
        return []
    short = beside(session)
    return [show(short, place) for place in hot_path(short.connection).places(short.connection, list(assignment_ids))]


def show(short: Short, place: Place) -> Offered:
    """Show one leased place as its worker sees it."""
    short.memory.note(place.assignment_id, question_version_id=place.question_version_id, batch_id=place.batch_id)
    asked = short.memory.question(short.connection, place.question_version_id)
    return Offered(
        assignment_id=place.assignment_id,
        sitting_id=place.sitting_id,
        task_id=place.task_id,
        batch_id=place.batch_id,
        item_id=place.item_id,
        item_key=place.item_key,
        text=place.text,
        image_key=place.image_key,
        audio_key=place.audio_key,
        kind=asked.kind,
        spec=asked.spec,
        leased_at=place.leased_at,
        lease_ends_at=place.lease_ends_at,
        price_micros=place.price_micros,
        currency=place.currency,
    )


def columns_shown(found: Sequence[Offered], *, questions: Mapping[str, Question]) -> dict[int, Sequence[str]]:
    """Say, by assignment, which columns of the item's data its question shows; most questions show none."""
    asked = {one.assignment_id: _columns(questions.get(one.kind), one.spec) for one in found}
    return {assignment_id: columns for assignment_id, columns in asked.items() if columns}


def parts_of(
    session: Session, *, found: Sequence[Offered], shown: Mapping[int, Sequence[str]]
) -> dict[int, dict[str, str]]:
    """Read, by assignment, what stands in these columns, as text; what is no text as JSON. Empty cells are left out.

    It is a query of its own, for the kinds that need it: the statements of the hot path carry no item's data, that may
    be large and may hold what workers must not see.
    """
    wanted = [one for one in found if shown.get(one.assignment_id)]
    rows = select(ItemRow.id, ItemRow.data).where(ItemRow.id.in_({one.item_id for one in wanted}))
    data = {item_id: held for item_id, held in session.execute(rows)}
    return {one.assignment_id: _parts(data[one.item_id], shown[one.assignment_id]) for one in wanted}


def is_shown(session: Session, *, worker_id: int, value: str, questions: Mapping[str, Question]) -> bool:
    """Say whether a part of an item that this worker holds now is just this value: an image's address, to compare."""
    kinds = [kind for kind, question in questions.items() if isinstance(question, ShowingQuestion)]
    held = (
        select(QuestionVersionRow.kind, QuestionVersionRow.spec, ItemRow.data)
        .join(TaskRow, TaskRow.question_version_id == QuestionVersionRow.id)
        .join(AssignmentRow, AssignmentRow.task_id == TaskRow.id)
        .join(ItemRow, ItemRow.id == TaskRow.item_id)
        .where(AssignmentRow.worker_id == worker_id, AssignmentRow.state == AssignmentState.LEASED)
        .where(QuestionVersionRow.kind.in_(kinds))
    )
    return any(
        value in _parts(data, _columns(questions[kind], spec)).values() for kind, spec, data in session.execute(held)
    )


def _columns(question: object, spec: Mapping[str, Any]) -> Sequence[str]:
    return question.shown(spec) if isinstance(question, ShowingQuestion) else ()


def _parts(data: Mapping[str, Any], columns: Sequence[str]) -> dict[str, str]:
    held = {column: data[column] for column in columns if data.get(column) is not None}
    return {
        column: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for column, value in held.items()
    }


def beside(session: Session) -> Short:
    """Return the session's connection for statements that change rows beside the session.

    What the session has changed is written before, and what those statements may change is read again after.
    """
    session.flush()
    for row in session:
        if isinstance(row, CHANGED_BESIDE):
            session.expire(row)
    return Short(session.connection(), remembered(session))
