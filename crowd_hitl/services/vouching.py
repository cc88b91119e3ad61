"""Vouching for gold: a person confirms a known answer, corrects it, or says that the item is no gold any more.

How workers did on gold is counted anew at once, and the batches that show the item are looked at again. No answer is
rejected or paid by this: those that were rejected for it are listed (`reporting.gold`), for a person to reverse.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, bad_field
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.services.doubting import look_at_batches_with
from crowd_hitl.services.measuring import recount_gold
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.services.reading_gold import BadGold, gold_rule
from crowd_hitl.services.settling_tasks import NewLabel, retire_places, write_labels
from crowd_hitl.services.weighing import near
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import CORRECTED, IS_GOLD, GoldRevisionRow, GoldRow, ItemRow
from crowd_hitl.store.work_rows import BatchRow, TaskRow


@dataclass(frozen=True)
class Vouched:
    """What was decided: `recounted` workers' shares right on gold changed by it, `places` were given back."""

    gold_id: int
    recounted: int
    places: int = 0


def confirm_gold(session: Session, *, gold_id: int, decided_by: int | None, plugins: Plugins, now: datetime) -> Vouched:
    """Say that the known answer is right after all: it counts again, and is never suspected any more."""
    row = _begin(session, gold_id)
    if row.confirmed_at is not None:
        raise AlreadyDone("This known answer is confirmed already.")
    row.suspected_at, row.confirmed_at, row.decided_by = None, now, decided_by
    return _end(session, row, plugins=plugins, now=now)


def correct_gold(
    session: Session, *, gold_id: int, value: str, decided_by: int | None, plugins: Plugins, now: datetime
) -> Vouched:
    """Replace the known answer; the old one is kept. BadInput for a value that the question does not take."""
    found = session.get_one(GoldRow, gold_id)
    checked = _checked(session, found, value=value, plugins=plugins)
    if checked == found.value:
        raise Conflict("That is the known answer already. Confirm it instead, if it is right.")
    label = NewLabel(item_id=found.item_id, field=found.field, value=checked, confidence=1.0, source=LabelSource.GOLD)
    write_labels(session, project_id=found.project_id, labels=[label], now=now)
    row = _begin(session, gold_id)
    session.add(
        GoldRevisionRow(gold_id=row.id, value=row.value, source=row.source, replaced_at=now, replaced_by=decided_by)
    )
    row.value, row.source = checked, CORRECTED
    row.suspected_at, row.confirmed_at, row.decided_by = None, now, decided_by
    return _end(session, row, plugins=plugins, now=now)


def retire_gold(session: Session, *, gold_id: int, decided_by: int | None, plugins: Plugins, now: datetime) -> Vouched:
    """Say that the item is no gold any more: its open places are given back, and it may be asked as any other."""
    found = session.get_one(GoldRow, gold_id)
    others = exists().where(GoldRow.item_id == found.item_id, GoldRow.id != gold_id, IS_GOLD)
    places = 0 if session.scalar(select(others)) else _take_back(session, item_id=found.item_id, now=now)
    label = session.scalar(
        select(LabelRow)
        .where(LabelRow.item_id == found.item_id, LabelRow.field == found.field, LabelRow.state == "current")
        .where(LabelRow.source == LabelSource.GOLD)
        .with_for_update(key_share=True)
    )
    if label is not None:
        label.state, label.superseded_at = "superseded", now
    row = _begin(session, gold_id)
    row.retired_at, row.decided_by = now, decided_by
    return _end(session, row, plugins=plugins, now=now, places=places)


def gold_of_item(session: Session, *, project_id: int, key: str, field: str | None = None) -> GoldRow | None:
    """Find what is known of an item, by its key; of several fields the named one. None when it is no gold."""
    mine = select(GoldRow).join(ItemRow, ItemRow.id == GoldRow.item_id)
    mine = mine.where(GoldRow.project_id == project_id, ItemRow.key == key).order_by(GoldRow.id)
    return session.scalars(mine if field is None else mine.where(GoldRow.field == field)).first()


def project_of(session: Session, gold_id: int) -> int:
    """Return the project whose gold this is."""
    return session.get_one(GoldRow, gold_id).project_id


def yardstick(session: Session, *, project_id: int, plugins: Plugins) -> Callable[[Any, str], bool] | None:
    """Return what tells whether an answer to gold is right, as the newest batch does; None: by being the same."""
    question = newest_question(session, project_id=project_id)
    if plugins.questions[question.kind].is_class:
        return None
    methods = select(BatchRow.aggregator).where(BatchRow.project_id == project_id).order_by(BatchRow.id.desc())
    return near(session.scalar(methods.limit(1)) or "", spec=question.spec, plugins=plugins)


def _begin(session: Session, gold_id: int) -> GoldRow:
    """Lock the batches that show the item, then the gold: a publish, too, comes to gold last."""
    item_id = session.get_one(GoldRow, gold_id).item_id
    look_at_batches_with(session, item_ids=[item_id])
    row = session.scalars(
        select(GoldRow)
        .where(GoldRow.id == gold_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    if row.retired_at is not None:
        raise AlreadyDone("This item is no gold any more. Import it as a new item to make it gold again.")
    return row


def _end(session: Session, row: GoldRow, *, plugins: Plugins, now: datetime, places: int = 0) -> Vouched:
    session.flush()
    is_right = yardstick(session, project_id=row.project_id, plugins=plugins)
    recounted = recount_gold(session, project_id=row.project_id, field=row.field, is_right=is_right, now=now)
    return Vouched(gold_id=row.id, recounted=recounted, places=places)


def _checked(session: Session, row: GoldRow, *, value: str, plugins: Plugins) -> str:
    """Read a value as an import does."""
    question = newest_question(session, project_id=row.project_id)
    rule = gold_rule(plugins.questions[question.kind], question.spec)
    try:
        return rule.by_field(ItemRecord(row=1, key="", text="", gold={row.field: value}))[row.field]
    except BadGold as bad:
        raise bad_field("value", expected=bad.expected, found=value) from bad


def _take_back(session: Session, *, item_id: int, now: datetime) -> int:
    """Retire the open tasks that show the item as gold; the money of places that nobody holds goes home."""
    tasks = session.scalars(
        select(TaskRow)
        .where(TaskRow.item_id == item_id, TaskRow.is_gold.is_(True), TaskRow.state == TaskState.OPEN.value)
        .order_by(TaskRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    by_batch = {task.batch_id: task for task in tasks}  # an item is one task of a batch
    return sum(
        retire_places(session, lock_batch(session, batch_id), [task], now=now)
        for batch_id, task in sorted(by_batch.items())
    )
