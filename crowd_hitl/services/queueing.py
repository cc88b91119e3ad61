"""Which items a batch asks about, and its tasks put into the queue: counted and inserted inside the database.

No list of a project's items is ever held here: a batch of a million tasks costs as much memory as one of ten.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import (
    BigInteger,
    Select,
    SelectBase,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    false,
    func,
    insert,
    literal,
    literal_column,
    select,
    true,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, Busy, Conflict, CrowdError, NotFound
from crowd_hitl.domain.shuffling import Shuffle, draw_shuffle
from crowd_hitl.domain.tasks import GOLD_BELOW, TaskState, level, position
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import IS_GOLD, IS_TRUSTED, GoldRow, ItemRow
from crowd_hitl.store.work_rows import BatchRow, TaskRow

LIST_CHUNK = 1_000
# SQLite first collects what an INSERT … SELECT reads of the table that it writes, PostgreSQL which keys to check.
ID_SPAN = 100_000
COLUMNS = (
    *("batch_id", "item_id", "question_version_id", "voice_key", "is_gold", "priority", "deadline", "level"),
    *("pos", "overlap", "places_left", "answers_count", "state"),
)


@dataclass(frozen=True)
class Asked:
    """The items of a batch: those listed, or all with neither label nor gold nor open task, up to a limit."""

    project_id: int
    question_version_id: int
    items: Sequence[int] | None
    limit: int | None


@dataclass(frozen=True)
class Extent:
    """How many items there are, and between which ids they lie."""

    count: int
    low: int
    high: int

    def with_more(self, other: "Extent") -> "Extent":
        """Return the extent of both."""
        if not self.count or not other.count:
            return self if self.count else other
        return Extent(self.count + other.count, min(self.low, other.low), max(self.high, other.high))


def extent_of(session: Session, asked: Asked) -> Extent:
    """Count the items of a batch; NotFound when one that is listed is not in the project."""
    _plan_for_many(session)
    if asked.items is None:
        all_of_them = _unanswered(asked)
        limited = all_of_them.order_by(ItemRow.id).limit(asked.limit)
        return _measure(session, all_of_them if asked.limit is None else limited)
    if len(set(asked.items)) < len(asked.items):
        raise BadInput("An item is listed twice. List each of them once.")
    found = Extent(0, 0, 0)
    for chunk in _chunks(asked.items):
        there = _measure(session, _in_project(asked).where(ItemRow.id.in_(chunk)))
        if there.count < len(chunk):
            known = set(session.scalars(_in_project(asked).where(ItemRow.id.in_(chunk))))
            raise _not_asked(session, asked, sorted(set(chunk) - known))
        found = found.with_more(there)
    return found


def _not_asked(session: Session, asked: Asked, item_ids: Sequence[int]) -> CrowdError:
    """Say why items cannot be asked: they are broken, or not there."""
    found = select(ItemRow.key).where(ItemRow.project_id == asked.project_id, ItemRow.id.in_(item_ids))
    broken = session.scalars(found.where(ItemRow.broken_at.is_not(None)).order_by(ItemRow.id).limit(5)).all()
    if broken:
        keys = ", ".join(broken)
        return Conflict(f"Workers found that these items cannot be answered: {keys}. Mend them, then put them back.")
    return NotFound(f"Items {item_ids[:5]} are not in this project.")


def gold_extent(session: Session, asked: Asked, *, views: int) -> Extent:
    """Count the gold items that may be shown `views` times more and are not asked themselves."""
    may_be_shown = and_(IS_TRUSTED, GoldRow.views_reserved + views <= GoldRow.views_max)
    shown = GoldRow.project_id == asked.project_id, may_be_shown, GoldRow.item_id.not_in(broken_items(asked.project_id))
    found = _measure(session, select(GoldRow.item_id.label("id")).where(*shown).distinct())
    # Without a list nothing that is gold is asked.
    listed = asked.items or ()
    also_asked = (
        session.scalar(select(func.count(GoldRow.item_id.distinct())).where(*shown, GoldRow.item_id.in_(chunk))) or 0
        for chunk in _chunks(listed)
    )
    return Extent(found.count - sum(also_asked), found.low, found.high)


def lay_out(
    session: Session, batch: BatchRow, *, asked: Asked, extents: tuple[Extent, Extent], random: Random, now: datetime
) -> None:
    """Write the tasks in a shuffled order, so that gold cannot be told by its place, and by its number neither.

    `extents` are what was counted and paid for: items, and gold. Busy when the items have changed since.
    """
    items, gold = extents
    _plan_for_many(session)
    both = items.with_more(gold)
    order = draw_shuffle(random, low=both.low, high=both.high)
    portions = _portions(session, batch, asked, extents=extents)
    written = sum(_insert(session, batch, chosen.subquery(), order=order, now=now) for chosen in portions)
    of_batch = select(func.count()).where(TaskRow.batch_id == batch.id, TaskRow.is_gold)
    shown = session.scalar(of_batch) if gold.count else 0
    if (written, shown) != (items.count + gold.count, gold.count):
        raise Busy("The items changed while the batch was published. Nothing was published; please try again.")


def list_items(session: Session, asked: Asked, *, besides: BatchRow) -> list[int]:
    """List the items to be added to a batch, checked as `extent_of` does; for additions, which are few."""
    extent_of(session, asked)
    if asked.items is not None:
        return list(asked.items[: asked.limit])
    there = exists().where(TaskRow.batch_id == besides.id, TaskRow.item_id == ItemRow.id)
    return list(session.scalars(_unanswered(asked).where(~there).order_by(ItemRow.id).limit(asked.limit)))


def gold_to_show(session: Session, batch: BatchRow, *, besides: Sequence[int]) -> list[int]:
    """List gold that is not in the batch and may still be shown in it, less what is asked itself."""
    asked = set(besides)
    return [item_id for item_id in session.scalars(_gold(batch, limit=LIST_CHUNK)) if item_id not in asked]


def add_listed(
    session: Session, batch: BatchRow, *, wanted: Sequence[int], gold: Sequence[int], random: Random, now: datetime
) -> None:
    """Add tasks to a batch that is out already, shuffled together, and count the gold's views."""
    both = [*wanted, *gold]
    if not both:
        return
    order = draw_shuffle(random, low=min(both), high=max(both))
    for chosen in _listed(both, gold=gold):
        _insert(session, batch, chosen.subquery(), order=order, now=now)
    views = GoldRow.views_reserved + batch.overlap_min
    session.execute(update(GoldRow).where(GoldRow.item_id.in_(gold)).values(views_reserved=views))


def _plan_for_many(session: Session) -> None:
    """Keep PostgreSQL from looking up row by row what a hash finds at once.

    Just after an import or a batch its statistics are still those of empty tables, and a plan for them takes hours.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.set_config("enable_nestloop", "off", True)))


def _portions(
    session: Session, batch: BatchRow, asked: Asked, *, extents: tuple[Extent, Extent]
) -> Iterator[SelectBase]:
    """Yield selects of items, and whether each is gold, that together are the batch, each of a bounded number.

    Gold comes with the items around it: written after them, its tasks would have the highest numbers.
    """
    items, gold = extents
    if asked.items is not None:
        there = _in_project(asked).where(ItemRow.id.in_(bindparam("chunk", expanding=True)))
        listed = [id_ for chunk in _chunks(asked.items) for id_ in session.scalars(there, {"chunk": chunk})]
        asked_too = set(listed)
        shown = session.scalars(_gold(batch, limit=gold.count + len(listed))) if gold.count else ()
        fresh = list(islice((id_ for id_ in shown if id_ not in asked_too), gold.count))
        yield from _listed([*listed, *fresh], gold=fresh)
        return
    both = items.with_more(gold) if gold.count else items
    chosen = _gold(batch, limit=gold.count, is_new=True).subquery()
    for first in range(both.low, both.high + 1, ID_SPAN):
        last = min(first + ID_SPAN - 1, both.high)
        plain = _unanswered(asked).where(ItemRow.id.between(first, min(last, items.high)))
        plain = plain.add_columns(false().label("is_gold"))
        shown_here = select(chosen.c.id, true().label("is_gold")).where(chosen.c.id.between(first, last))
        yield plain if not gold.count else union_all(plain, shown_here)


def _listed(both: Sequence[int], *, gold: Sequence[int]) -> Iterator[SelectBase]:
    known = set(gold)
    for chunk in _chunks(sorted(both)):
        is_gold = ItemRow.id.in_(known.intersection(chunk)).label("is_gold")
        yield select(ItemRow.id, is_gold).where(ItemRow.id.in_(chunk))


def _in_project(asked: Asked) -> Select[int]:
    return select(ItemRow.id).where(ItemRow.project_id == asked.project_id, ItemRow.broken_at.is_(None))


def _unanswered(asked: Asked) -> Select[int]:
    # The state written out, not bound: only then does SQLite use the index of current labels.
    labelled = exists().where(LabelRow.item_id == ItemRow.id, LabelRow.state.in_([literal_column("'current'")]))
    is_gold = exists().where(GoldRow.item_id == ItemRow.id, IS_GOLD)
    in_work = exists().where(
        TaskRow.item_id == ItemRow.id,
        TaskRow.question_version_id == asked.question_version_id,
        TaskRow.state != TaskState.RETIRED.value,
    )
    return _in_project(asked).where(~labelled, ~is_gold, ~in_work)


def _gold(batch: BatchRow, *, limit: int, is_new: bool = False) -> Select[int]:
    """Choose gold that may still be shown, the least shown first; for a new batch the same while it is laid out."""
    here = exists().where(TaskRow.batch_id == batch.id, TaskRow.item_id == GoldRow.item_id)
    return (
        select(GoldRow.item_id.label("id"))
        .where(
            GoldRow.project_id == batch.project_id,
            IS_TRUSTED,
            GoldRow.views_reserved + batch.overlap_min <= GoldRow.views_max,
            true() if is_new else ~here,
            GoldRow.item_id.not_in(broken_items(batch.project_id)),
        )
        .group_by(GoldRow.item_id)
        .order_by(func.min(GoldRow.views_reserved), func.min(GoldRow.id))
        .limit(limit)
    )


def _insert(session: Session, batch: BatchRow, chosen: Any, *, order: Shuffle, now: datetime) -> int:
    """Insert a task for every chosen item, in the order of the items; return how many."""
    item_id = chosen.c.id
    usual = level(batch.priority, batch.deadline)
    # Before now: a task that is opened again, at the moment it is, joins behind all of these.
    first = position(now) - order.size
    values = select(
        literal(batch.id),
        item_id,
        literal(batch.question_version_id),
        cast(item_id, String).concat(f":{batch.question_version_id}"),
        chosen.c.is_gold,
        literal(batch.priority),
        literal(batch.deadline, TaskRow.deadline.type),
        # gold waits below all others, to be drawn (`mixing`)
        case((chosen.c.is_gold, literal(usual - GOLD_BELOW, BigInteger)), else_=literal(usual, BigInteger)),
        order.place(item_id) + literal(first, TaskRow.pos.type),
        literal(batch.overlap_min),
        literal(batch.overlap_min),
        literal(0),
        literal(TaskState.OPEN.value),
    ).order_by(item_id)
    statement = insert(TaskRow).from_select(COLUMNS, values).execution_options(preserve_rowcount=True)
    return int(session.connection().execute(statement).rowcount)


def broken_items(project_id: int) -> Select[int]:
    """Select the items that workers found broken: few, and from an index of their own."""
    return select(ItemRow.id).where(ItemRow.project_id == project_id, ItemRow.broken_at.is_not(None))


def _measure(session: Session, ids: Select[int]) -> Extent:
    found = ids.subquery()
    count, low, high = session.execute(select(func.count(), func.min(found.c.id), func.max(found.c.id))).one()
    return Extent(count, low or 0, high or 0)


def _chunks(items: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(items), LIST_CHUNK):
        yield items[start : start + LIST_CHUNK]
