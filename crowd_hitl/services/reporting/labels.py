"""The labels of a project with their votes and what they cost, filtered, page by page."""

from dataclasses import dataclass
from typing import TypeVarTuple

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.services.reporting.money import cost_by_item
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after, number_and_id_after
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.services.reporting.votes import Vote, votes_on
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import ItemRow

LONGEST_SEARCH = 200
Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class LabelFilter:
    """Which labels are wanted; `below` is a confidence, `words` is looked for in the item's key and text."""

    source: str | None = None
    below: float | None = None
    words: str = ""
    batch_id: int | None = None
    unsure_first: bool = False

    @property
    def narrows(self) -> bool:
        """Say whether anything is left out."""
        return bool(self.source or self.below is not None or self.words or self.batch_id)


@dataclass(frozen=True)
class LabelLine:
    """One current label, with the item it is of."""

    id: int
    item_id: int
    key: str
    text: str | None
    image_key: str | None
    value: str
    confidence: float
    source: str
    version: int
    votes: list[Vote]
    cost_micros: int


def check_filter(wanted: LabelFilter) -> None:
    """Refuse a filter that means nothing, naming the field."""
    if wanted.source is not None and wanted.source not in set(LabelSource):
        raise bad_field("source", expected=", ".join(LabelSource), found=wanted.source)
    if wanted.below is not None and not 0 < wanted.below <= 1:
        raise bad_field("below", expected="a confidence above 0, at most 1", found=wanted.below)
    if len(wanted.words) > LONGEST_SEARCH:
        raise bad_field("words", expected=f"at most {LONGEST_SEARCH} characters", found=wanted.words)


def list_labels(
    session: Session, *, project: ProjectHead, wanted: LabelFilter, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[LabelLine]:
    """List current labels in the order they were made, or the least sure first."""
    check_filter(wanted)
    query = _from(_filtered(select(LabelRow, ItemRow), project=project, wanted=wanted), after=after, wanted=wanted)
    rows, more = first_rows(session.execute(query.limit(limit + 1)).all(), limit=limit)
    ids = [item.id for _, item in rows]
    votes = votes_on(session, item_ids=ids, field=project.field)
    costs = cost_by_item(session, item_ids=ids)
    lines = [
        LabelLine(
            id=label.id,
            item_id=item.id,
            key=item.key,
            text=item.text,
            image_key=item.image_key,
            value=label.value,
            confidence=label.confidence,
            source=label.source,
            version=label.version,
            votes=votes[item.id],
            cost_micros=costs.get(item.id, 0),
        )
        for label, item in rows
    ]
    return Page(rows=lines, after=_cursor(lines[-1], wanted=wanted) if more else None)


def count_labels(session: Session, *, project: ProjectHead, wanted: LabelFilter) -> int:
    """Count the labels a filter lets through."""
    check_filter(wanted)
    return session.scalar(_filtered(select(func.count(LabelRow.id)), project=project, wanted=wanted)) or 0


def _filtered(query: Select[*Columns], *, project: ProjectHead, wanted: LabelFilter) -> Select[*Columns]:
    query = query.join_from(LabelRow, ItemRow, ItemRow.id == LabelRow.item_id).where(
        LabelRow.project_id == project.id, LabelRow.state == "current"
    )
    if wanted.source is not None:
        query = query.where(LabelRow.source == wanted.source)
    if wanted.below is not None:
        query = query.where(LabelRow.confidence < wanted.below)
    if wanted.batch_id is not None:
        query = query.where(LabelRow.batch_id == wanted.batch_id)
    if wanted.words:
        found = ItemRow.text.icontains(wanted.words, autoescape=True)
        query = query.where(or_(ItemRow.key.icontains(wanted.words, autoescape=True), found))
    return query


def _from(query: Select[*Columns], *, after: str | None, wanted: LabelFilter) -> Select[*Columns]:
    """Put the rows in order, from behind the cursor."""
    if not wanted.unsure_first:
        above = id_after(after)
        return (query if above is None else query.where(LabelRow.id > above)).order_by(LabelRow.id)
    last = number_and_id_after(after)
    if last is not None:
        confidence, label_id = last
        same = and_(LabelRow.confidence == confidence, LabelRow.id > label_id)
        query = query.where(or_(LabelRow.confidence > confidence, same))
    return query.order_by(LabelRow.confidence, LabelRow.id)


def _cursor(line: LabelLine, *, wanted: LabelFilter) -> str:
    # repr keeps every digit, so that the next page starts exactly behind this row
    return f"{line.confidence!r}:{line.id}" if wanted.unsure_first else str(line.id)
