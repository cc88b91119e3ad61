"""The items that workers found cannot be answered, with the reasons they gave."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow

REASONS_SHOWN = 5


@dataclass(frozen=True)
class BrokenLine:
    """One broken item."""

    id: int
    key: str
    text: str | None
    image_key: str | None
    broken_at: datetime
    reasons: list[str]


def list_broken(
    session: Session, *, project_id: int, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[BrokenLine]:
    """List a project's broken items in the order of their ids."""
    query = select(ItemRow).where(
        ItemRow.project_id == project_id, ItemRow.broken_at.is_not(None), ItemRow.id > (id_after(after) or 0)
    )
    rows, more = first_rows(session.scalars(query.order_by(ItemRow.id).limit(limit + 1)).all(), limit=limit)
    said: dict[int, list[str]] = {row.id: [] for row in rows}
    answers = select(AnswerRow.item_id, AnswerRow.value).where(AnswerRow.item_id.in_(said), AnswerRow.is_broken)
    for item_id, value in session.execute(answers.order_by(AnswerRow.id.desc())):
        said[item_id].append(str(value.get("broken", "")))
    lines = [
        BrokenLine(row.id, row.key, row.text, row.image_key, row.broken_at, said[row.id][:REASONS_SHOWN])
        for row in rows
        if row.broken_at is not None
    ]
    return Page(rows=lines, after=str(lines[-1].id) if more else None)


def count_broken(session: Session, *, project_id: int) -> int:
    """Count a project's broken items."""
    query = select(func.count(ItemRow.id)).where(ItemRow.project_id == project_id, ItemRow.broken_at.is_not(None))
    return session.scalar(query) or 0
