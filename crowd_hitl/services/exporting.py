"""What came out, streamed: the current labels with their cost, and every answer."""

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, String, and_, cast, func, literal_column, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.domain.values import from_text
from crowd_hitl.services.sharing_costs import share_of_transfer, was_paid_for
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ModelVersionRow, RoundRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.project_rows import ItemRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

CHUNK_ROWS = 2_000
COSTS = (TransferKind.PAY.value, TransferKind.FEE.value)
ANSWER_COLUMNS = frozenset({"task", "worker", "batch", "gold", "state", "seconds", "submitted_at"})


def label_rows(session: Session, *, project_id: int, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the current label of every item and field, in the order of the items; `after` leaves out item ids up to it.

    `cost` is what all answers to the item have cost so far, with fees, as an exact decimal string in currency units; of
    an item with several fields every label shows the whole. Read keyset by keyset: a label that changes meanwhile shows
    once, as it was or as it is.
    """
    last_item, last_field = after, ""
    asked = select(QuestionVersionRow.is_class).where(QuestionVersionRow.project_id == project_id)
    is_class = session.scalar(asked.order_by(QuestionVersionRow.number.desc()).limit(1)) is not False
    page = _labels(project_id)
    while chunk := session.connection().execute(page.where(_is_after(last_item, last_field))).all():
        costs = _costs(session, sorted({row.item_id for row in chunk}))
        for row in chunk:
            yield _label(row, cost_micros=costs.get(row.item_id, 0), is_class=is_class)
        last_item, last_field = chunk[-1].item_id, chunk[-1].field


def answer_rows(session: Session, *, project_id: int, after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield every answer in the order it came: `task` (the item's key), `worker`, the answer's fields, and the rest.

    With a field called `label` this is crowd-kit's `task,worker,label`. A field that is called like one of our own
    columns is given as `value.<field>`. Gold's answers and rejected ones are there too, and say so;
    those that say that an item cannot be answered are not.
    """
    batches = list(session.scalars(select(BatchRow.id).where(BatchRow.project_id == project_id)))
    names = Names(session)
    last = after
    page = _answers(batches)
    # Plain rows from the connection: of millions, what the session adds to each is half of the time.
    while chunk := session.connection().execute(page.where(AnswerRow.id > last)).all():
        for row in chunk:
            yield _answer(row, names=names)
        last = chunk[-1][0]


class Names:
    """The workers' public names, each looked up once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[int, str] = {}

    def of(self, worker_id: int) -> str:
        """Return what a worker is called outside."""
        if worker_id not in self._known:
            found = select(WorkerRow.public_id).where(WorkerRow.id == worker_id)
            self._known[worker_id] = self._session.scalars(found).one()
        return self._known[worker_id]


def _labels(project_id: int) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *(LabelRow.item_id, ItemRow.key, LabelRow.field, LabelRow.value, LabelRow.confidence, LabelRow.source),
            *(LabelRow.votes, LabelRow.version, LabelRow.created_at, ItemRow.text),
            ModelVersionRow.number.label("model_version"),
            RoundRow.number.label("round"),
        )
        .join(ItemRow, ItemRow.id == LabelRow.item_id)
        .outerjoin(ModelVersionRow, ModelVersionRow.id == LabelRow.model_version_id)
        .outerjoin(RoundRow, RoundRow.id == LabelRow.round_id)
        # The index of current labels has this order. It is used if its condition is written out, not bound, and if
        # SQLite cannot prefer the index on the project (+ 0), which would sort all labels again for every chunk.
        .where(LabelRow.project_id + 0 == project_id, LabelRow.state.in_([literal_column("'current'")]))
        .order_by(LabelRow.item_id, LabelRow.field)
        .limit(CHUNK_ROWS)
    )


def _is_after(item_id: int, field: str) -> ColumnElement[bool]:
    if not field:
        return LabelRow.item_id > item_id
    further_field = and_(LabelRow.item_id == item_id, LabelRow.field > field)
    return and_(LabelRow.item_id >= item_id, or_(LabelRow.item_id > item_id, further_field))


def _label(row: Row[*tuple[Any, ...]], *, cost_micros: int, is_class: bool) -> dict[str, Any]:
    return {
        "key": row.key,
        "field": row.field,
        "value": from_text(row.value, is_class=is_class),
        "confidence": row.confidence,
        "source": row.source,
        "cost": units(cost_micros),
        "votes": row.votes,
        "model_version": row.model_version,
        "round": row.round,
        "version": row.version,
        "created_at": row.created_at.isoformat(),
        "text": row.text,
    }


def _costs(session: Session, item_ids: Sequence[int]) -> dict[int, int]:
    """Add up what was paid for these items."""
    spent = (
        select(TaskRow.item_id, func.sum(share_of_transfer()))
        .join(AssignmentRow, and_(AssignmentRow.voice_key == TaskRow.voice_key, AssignmentRow.task_id == TaskRow.id))
        .join(TransferRow, TransferRow.sitting_id == AssignmentRow.sitting_id)
        .where(TaskRow.item_id.in_(item_ids), TransferRow.kind.in_(COSTS), was_paid_for())
        .group_by(TaskRow.item_id)
    )
    # PostgreSQL adds big integers up as a decimal.
    return {item_id: int(amount) for item_id, amount in session.execute(spent)}


def _answers(batches: Sequence[int]) -> Select[*tuple[Any, ...]]:
    # One batch has its answers in order; of several, SQLite would sort all again for every chunk, were it not for + 0.
    asked = AnswerRow.batch_id == batches[0] if len(batches) == 1 else (AnswerRow.batch_id + 0).in_(batches)
    return (
        select(
            *(AnswerRow.id, ItemRow.key, AnswerRow.worker_id, cast(AnswerRow.value, String), AnswerRow.batch_id),
            *(TaskRow.is_gold, AssignmentRow.state, AnswerRow.seconds, AnswerRow.submitted_at),
        )
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .join(ItemRow, ItemRow.id == AnswerRow.item_id)
        .where(asked, AnswerRow.is_broken.is_(False))
        .order_by(AnswerRow.id)
        .limit(CHUNK_ROWS)
    )


def _answer(row: Row[*tuple[Any, ...]], *, names: Names) -> dict[str, Any]:
    _, key, worker_id, value, batch_id, is_gold, state, seconds, submitted_at = row
    return {
        "task": key,
        "worker": names.of(worker_id),
        **_fields(value),
        "batch": batch_id,
        "gold": is_gold,
        "state": state,
        "seconds": seconds,
        "submitted_at": submitted_at.isoformat(),
    }


@lru_cache(maxsize=4_096)
def _fields(value: str) -> dict[str, Any]:
    """Read an answer's fields; the same few answers come again and again."""
    found: dict[str, Any] = json.loads(value)
    return {(f"value.{name}" if name in ANSWER_COLUMNS else name): said for name, said in found.items()}
