"""The gold of a project: views left, what was answered, how often that was right, and what is suspect; gold left."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select, true, tuple_
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.values import as_text
from crowd_hitl.services.reporting.intervals import Share
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, number_and_id_after
from crowd_hitl.store.label_rows import CalibrationRow
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRevisionRow, GoldRow, ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, TaskRow

SUSPECT_FIRST: ColumnElement[int] = case(
    (GoldRow.retired_at.is_not(None), 2), (GoldRow.suspected_at.is_not(None), 0), else_=1
)
TURNED_DOWN = (AssignmentState.REJECTED, AssignmentState.SOFT_REJECTED)
VOTES_SHOWN = 6
IsRight = Callable[[Any, str], bool] | None


@dataclass(frozen=True)
class GoldLine:
    """One known answer. `votes`: what was answered, the most first. `right`: of all answers to it as gold.

    `views_left` may be promised to batches to come. `turned_down`: answers (ids) that were rejected and should be
    looked at again, as they may have been right: they differ from a value in doubt, or are what it was corrected to.
    """

    id: int
    item_id: int
    key: str
    text: str | None
    image_key: str | None
    field: str
    value: str
    source: str
    state: str
    views_left: int
    views_max: int
    right: Share
    votes: Sequence[tuple[str, int]]
    turned_down: Sequence[int]
    former: Sequence[str]
    suspected_at: datetime | None
    confirmed_at: datetime | None
    retired_at: datetime | None


@dataclass(frozen=True)
class Belief:
    """How far the confidence of a project's labels is to be believed, by gold that its calibration did not see.

    Of all gold items `claimed` are at or above the threshold, and `kept` of those are right (None: none is claimed).
    `bins`: (low, high, tasks, mean confidence, share right).
    """

    gold: int
    threshold: float
    claimed: float
    kept: float | None
    ece: float
    bins: Sequence[tuple[float, float, int, float, float]]
    made_at: datetime


def belief_of(session: Session, *, project_id: int, field: str) -> Belief | None:
    """Return what the last pass found; None until twenty known answers from outside have been answered."""
    row = session.scalar(
        select(CalibrationRow).where(CalibrationRow.project_id == project_id, CalibrationRow.field == field)
    )
    if row is None:
        return None
    bins = [(one["low"], one["high"], one["tasks"], one["confidence"], one["accuracy"]) for one in row.bins]
    return Belief(row.gold, row.threshold, row.claimed, row.kept, row.ece, bins, row.made_at)


@dataclass(frozen=True)
class GoldCounts:
    """How much gold a project has: that counts, that is suspect, that is retired."""

    counts: int
    suspect: int
    retired: int


def count_gold(session: Session, *, project_id: int) -> GoldCounts:
    """Count a project's gold by what it is worth."""
    rows = session.execute(
        select(SUSPECT_FIRST, func.count()).where(GoldRow.project_id == project_id).group_by(SUSPECT_FIRST)
    )
    found: dict[int, int] = {int(rank): count for rank, count in rows}
    return GoldCounts(counts=found.get(1, 0), suspect=found.get(0, 0), retired=found.get(2, 0))


def list_gold(
    session: Session, *, project_id: int, is_right: IsRight, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[GoldLine]:
    """List a project's gold: suspects first, then what counts, then what is retired."""
    query = _gold_and_items(GoldRow.project_id == project_id).order_by(SUSPECT_FIRST, GoldRow.id).limit(limit + 1)
    last = number_and_id_after(after)
    if last is not None:
        query = query.where(tuple_(SUSPECT_FIRST, GoldRow.id) > (int(last[0]), last[1]))
    rows, more = first_rows(session.execute(query).all(), limit=limit)
    lines = _lines(session, rows, is_right=is_right)
    end = f"{_rank(lines[-1])}:{lines[-1].id}" if more else None
    return Page(rows=lines, after=end)


def one_gold(session: Session, *, gold_id: int, is_right: IsRight) -> GoldLine:
    """Show one known answer as the list does."""
    (line,) = _lines(session, session.execute(_gold_and_items(GoldRow.id == gold_id)).all(), is_right=is_right)
    return line


def gold_left(session: Session, *, project_id: int, worker_ids: Sequence[int]) -> dict[int, int]:
    """Count, for each worker, the gold that may still be shown and that they never had before them."""
    showing = (
        exists().where(TaskRow.item_id == GoldRow.item_id, TaskRow.is_gold, TaskRow.state == "open").correlate(GoldRow)
    )
    left = and_(
        GoldRow.project_id == project_id,
        IS_TRUSTED,
        or_(GoldRow.views_reserved < GoldRow.views_max, showing),
    )
    there = session.scalar(select(func.count(GoldRow.item_id.distinct())).where(left)) or 0
    seen = session.execute(
        select(AssignmentRow.worker_id, func.count(GoldRow.item_id.distinct()))
        .select_from(GoldRow)
        .join(TaskRow, TaskRow.item_id == GoldRow.item_id)
        .join(AssignmentRow, AssignmentRow.voice_key == TaskRow.voice_key)
        .where(left, AssignmentRow.worker_id.in_(worker_ids))
        .group_by(AssignmentRow.worker_id)
    )
    met = dict(seen.all())
    return {worker_id: there - met.get(worker_id, 0) for worker_id in worker_ids}


def _gold_and_items(wanted: ColumnElement[bool]) -> Any:
    return select(GoldRow, ItemRow).join(ItemRow, ItemRow.id == GoldRow.item_id).where(wanted)


def _rank(line: GoldLine) -> int:
    return {"retired": 2, "suspect": 0}.get(line.state, 1)


def _lines(session: Session, rows: Sequence[Any], *, is_right: IsRight) -> list[GoldLine]:
    given = _answers(session, [item.id for _, item in rows])
    former = _former(session, [gold.id for gold, _ in rows])
    return [
        _line(gold, item, given.get(item.id, []), former=former.get(gold.id, []), is_right=is_right)
        for gold, item in rows
    ]


def _line(
    gold: GoldRow, item: ItemRow, given: Sequence[tuple[int, Any, str]], *, former: Sequence[str], is_right: IsRight
) -> GoldLine:
    said = [(answer_id, value.get(gold.field), state) for answer_id, value, state in given]
    right = {answer_id for answer_id, value, _ in said if _same(value, gold.value, is_right=is_right)}
    votes = Counter(as_text(value, is_class=is_right is None) for _, value, _ in said)
    return GoldLine(
        id=gold.id,
        item_id=item.id,
        key=item.key,
        text=item.text,
        image_key=item.image_key,
        field=gold.field,
        value=gold.value,
        source=gold.source,
        state=_state(gold),
        views_left=gold.views_max - gold.views_reserved,
        views_max=gold.views_max,
        right=Share(right=len(right), seen=len(said)),
        votes=sorted(votes.items(), key=lambda vote: (-vote[1], vote[0]))[:VOTES_SHOWN],
        turned_down=[
            key for key, _, state in said if state in TURNED_DOWN and _may_be_right(gold, key in right, former=former)
        ],
        former=former,
        suspected_at=gold.suspected_at,
        confirmed_at=gold.confirmed_at,
        retired_at=gold.retired_at,
    )


def _same(value: Any, known: str, *, is_right: IsRight) -> bool:
    return bool(value == known) if is_right is None else is_right(value, known)


def _may_be_right(gold: GoldRow, is_right: bool, *, former: Sequence[str]) -> bool:
    """Say whether an answer that was rejected may have been right all the same."""
    if gold.suspected_at is not None or gold.retired_at is not None:
        return not is_right
    return is_right and bool(former)


def _state(gold: GoldRow) -> str:
    if gold.retired_at is not None:
        return "retired"
    if gold.suspected_at is not None:
        return "suspect"
    return "confirmed" if gold.confirmed_at is not None else "in use"


def _answers(session: Session, item_ids: Sequence[int]) -> dict[int, list[tuple[int, Mapping[str, Any], str]]]:
    """Read who answered these items as gold: answer, value and what became of it, in the order they came."""
    rows = session.execute(
        select(AnswerRow.item_id, AnswerRow.id, AnswerRow.value, AssignmentRow.state)
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AnswerRow.item_id.in_(item_ids), TaskRow.is_gold == true(), AnswerRow.is_broken.is_(False))
        .order_by(AnswerRow.id)
    )
    found: dict[int, list[tuple[int, Mapping[str, Any], str]]] = {}
    for item_id, answer_id, value, state in rows:
        found.setdefault(item_id, []).append((answer_id, value, state))
    return found


def _former(session: Session, gold_ids: Sequence[int]) -> dict[int, list[str]]:
    rows = session.execute(
        select(GoldRevisionRow.gold_id, GoldRevisionRow.value)
        .where(GoldRevisionRow.gold_id.in_(gold_ids))
        .order_by(GoldRevisionRow.id)
    )
    found: dict[int, list[str]] = {}
    for gold_id, value in rows:
        found.setdefault(gold_id, []).append(value)
    return found
