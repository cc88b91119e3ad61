"""The writing half of agreeing: labels, skills, further places and retired tasks, where what was read still stands."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.labels import Change, LabelSource, change
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.tasks import GOLD_BELOW, BatchState, Next, RetireReason, TaskState, position
from crowd_hitl.services.eligible import somebody_is_free
from crowd_hitl.services.numbering import last_versions
from crowd_hitl.services.paying import give_back, reserve
from crowd_hitl.services.publishing import close_batch, lock_batch
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.work_rows import BatchRow, TaskRow

RETIRES = {Next.AGREED: RetireReason.AGREED, Next.GIVE_UP: RetireReason.OVERLAP}


@dataclass(frozen=True)
class Decision:
    """What was decided for one task from the answers as they were read."""

    task_id: int
    item_id: int
    is_gold: bool
    overlap: int
    answers: int
    retired: bool
    step: Next
    value: str
    confidence: float
    votes: int
    crowd_value: str | None = None
    crowd_confidence: float | None = None
    model_version_id: int | None = None


@dataclass(frozen=True)
class NewLabel:
    """A label about to be written, and what stands behind it; `crowd_…` where a model was heard beside people."""

    item_id: int
    field: str
    value: str
    confidence: float
    source: LabelSource
    votes: int = 0
    aggregator: str | None = None
    batch_id: int | None = None
    round_id: int | None = None
    model_version_id: int | None = None
    certificate_id: int | None = None
    crowd_value: str | None = None
    crowd_confidence: float | None = None


def write_decisions(
    session: Session, *, batch_id: int, decisions: Sequence[Decision], field: str, now: datetime
) -> Mapping[str, int]:
    """Open further places while the budget lasts, retire what is done, write labels of what is retired."""
    batch = lock_batch(session, batch_id)
    counts: Counter[str] = Counter()
    # once closed, every task is retired: what has answers is labelled, nothing is opened
    asks = [d for d in decisions if d.step == Next.ASK and batch.state != BatchState.CLOSED]
    free = somebody_is_free(batch, now=now)
    reached = set(session.scalars(select(TaskRow.id).where(TaskRow.id.in_([d.task_id for d in asks]), free)))
    over = batch.deadline is not None and batch.deadline <= now
    unheard = [d for d in asks if over or d.task_id not in reached]  # nobody could take a place
    asks = [d for d in asks if not over and d.task_id in reached]
    affordable = _affordable(session, batch) if asks else 0
    opened = sum(_open_place(session, d, now=now, offset=i) for i, d in enumerate(asks[:affordable]))
    each = batch.price_micros + batch.fee_micros
    reserve(session, batch=batch, amount_micros=opened * each, kind=TransferKind.EXTEND, now=now)
    retire = [(d, RETIRES[d.step]) for d in decisions if d.step in RETIRES]
    retire += [(d, RetireReason.BUDGET) for d in asks[affordable:]]
    retire += [(d, RetireReason.DEADLINE if over else RetireReason.OVERLAP) for d in unheard]
    done = {d.task_id for d, reason in retire if _retire(session, d, reason=reason)}
    counts["opened"] = opened
    counts["agreed"] = sum(d.task_id in done and d.step == Next.AGREED for d in decisions)
    counts["out_of_budget"] = sum(d.task_id in done for d in asks[affordable:])
    counts["gave_up"] = len(done) - counts["agreed"] - counts["out_of_budget"]
    labels = [
        _consensus(d, batch, field) for d in decisions if (d.retired or d.task_id in done) and d.votes and not d.is_gold
    ]
    counts["labels_changed"] = write_labels(session, project_id=batch.project_id, labels=labels, now=now)
    withdraw(session, [d.item_id for d in decisions if d.retired and not d.votes and not d.is_gold], now=now)
    return counts


def withdraw(session: Session, item_ids: Sequence[int], *, now: datetime) -> None:
    """Take back labels that no answer stands behind any more: all of them were rejected."""
    if item_ids:
        session.execute(
            update(LabelRow)
            .where(LabelRow.item_id.in_(item_ids), LabelRow.state == "current")
            .where(LabelRow.source == LabelSource.CONSENSUS)
            .values(state="superseded", superseded_at=now)
        )


def write_labels(session: Session, *, project_id: int, labels: Sequence[NewLabel], now: datetime) -> int:
    """Write new versions where a label differs from the standing one, refine the others; return how many are new."""
    wanted = [label.item_id for label in labels]
    standing = {
        (row.item_id, row.field): row
        for row in session.scalars(
            select(LabelRow)
            .where(LabelRow.item_id.in_(wanted), LabelRow.state == "current")
            .with_for_update(key_share=True)
        )
    }
    last = last_versions(session, item_ids=wanted)
    fresh = []
    for label in labels:
        old = standing.get((label.item_id, label.field))
        found = change(
            value=label.value, source=label.source, standing=None if old is None else (old.value, old.source)
        )
        if found == Change.REFINED and old is not None:
            old.confidence, old.votes = label.confidence, label.votes
            old.crowd_value, old.crowd_confidence = label.crowd_value, label.crowd_confidence
            if label.source == LabelSource.CONSENSUS:
                old.model_version_id = label.model_version_id
        if found != Change.NEW_VERSION:
            continue
        if old is not None:
            old.state, old.superseded_at = "superseded", now
        fresh.append(
            LabelRow(
                **vars(label),
                project_id=project_id,
                version=1 + last.get((label.item_id, label.field), 0),
                state="current",
                created_at=now,
            )
        )
    session.flush()  # the old ones must stop being current before the new ones start
    session.add_all(fresh)
    session.flush()
    return len(fresh)


@dataclass(frozen=True)
class Seen:
    """How far a pass looked: the newest answer it read, the batch's mark then, and how many full tasks it left."""

    answer_id: int
    mark: int
    held_back: int = 0


def finish_if_done(session: Session, *, batch_id: int, seen: Seen, now: datetime) -> bool:
    """Remember how far the batch was looked at; close it when every task is retired. Say whether it is closed."""
    batch = lock_batch(session, batch_id)
    # an answer replaced or rejected meanwhile has moved the mark: then the batch is looked at again
    moved = None if batch.agreed_at_answer_id == seen.mark else batch.agreed_at_answer_id
    _close_if_done(session, batch, now=now)
    # after closing, which would have it looked at once more
    batch.agreed_at_answer_id, batch.held_back = seen.answer_id if moved is None else moved, seen.held_back
    session.flush()
    return batch.state == BatchState.CLOSED


def close_if_done(session: Session, *, batch_id: int, now: datetime) -> bool:
    """Close a batch when every task is retired; say whether it is closed."""
    batch = lock_batch(session, batch_id)
    _close_if_done(session, batch, now=now)
    return batch.state == BatchState.CLOSED


def _close_if_done(session: Session, batch: BatchRow, *, now: datetime) -> None:
    if batch.state == BatchState.CLOSED:
        return
    _retire_left_gold(session, batch, now=now)
    unfinished = select(TaskRow.id).where(TaskRow.batch_id == batch.id, TaskRow.state != TaskState.RETIRED.value)
    if session.scalar(unfinished.limit(1)) is None:
        close_batch(session, batch_id=batch.id, now=now)


def retire_unreachable(session: Session, *, batch_id: int, now: datetime) -> int:
    """Retire open tasks that nobody who is there may take: all have answered them. Return how many.

    Gold that a small team has seen, or a worker who left, would keep a batch waiting for ever. The money of such
    places goes back.
    """
    batch = lock_batch(session, batch_id)
    stuck = session.scalars(
        select(TaskRow)
        .where(TaskRow.batch_id == batch_id, TaskRow.state == TaskState.OPEN.value, ~somebody_is_free(batch, now=now))
        # while a place is held, its answer or its end decides
        .where(TaskRow.places_left + TaskRow.answers_count == TaskRow.overlap)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    retire_places(session, batch, stuck, now=now)
    return len(stuck)


def _retire_left_gold(session: Session, batch: BatchRow, *, now: datetime) -> None:
    """Give back the places of gold that was not drawn before all other work was done: it would measure nobody."""
    of_batch = TaskRow.batch_id == batch.id
    drawn = TaskRow.level < -GOLD_BELOW // 2
    others = select(TaskRow.id).where(of_batch, ~drawn, TaskRow.state != TaskState.RETIRED.value)
    if session.scalar(others.limit(1)) is not None:
        return
    left = session.scalars(
        select(TaskRow)
        .where(of_batch, drawn, TaskRow.state == TaskState.OPEN.value)
        .order_by(TaskRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    retire_places(session, batch, left, now=now)


def retire_places(session: Session, batch: BatchRow, tasks: Sequence[TaskRow], *, now: datetime) -> int:
    """Retire tasks (locked) and give the money of their open places back; return how many places that were."""
    places = sum(task.places_left for task in tasks)
    for task in tasks:
        task.overlap = TaskRow.overlap - task.places_left
        task.places_left, task.state, task.retire_reason = 0, TaskState.RETIRED, RetireReason.OVERLAP
    session.flush()
    give_back(session, batch=batch, amount_micros=places * (batch.price_micros + batch.fee_micros), now=now)
    return places


def _affordable(session: Session, batch: BatchRow) -> int:
    budget = session.scalars(
        select(BudgetRow)
        .where(BudgetRow.id == batch.budget_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    return budget.available_micros // (batch.price_micros + batch.fee_micros)


def _open_place(session: Session, decision: Decision, *, now: datetime, offset: int) -> bool:
    return _still_stands(
        session,
        decision,
        values={
            "overlap": decision.overlap + 1,
            "places_left": 1,
            "state": TaskState.OPEN.value,
            "pos": position(now, offset=offset),
        },
    )


def _retire(session: Session, decision: Decision, *, reason: RetireReason) -> bool:
    return _still_stands(session, decision, values={"state": TaskState.RETIRED.value, "retire_reason": reason.value})


def _still_stands(session: Session, decision: Decision, *, values: Mapping[str, object]) -> bool:
    """Change a task only if it is as it was read: full, with the same overlap and answers."""
    changed = session.execute(
        update(TaskRow)
        .where(TaskRow.id == decision.task_id, TaskRow.state == TaskState.FULL.value)
        .where(TaskRow.overlap == decision.overlap, TaskRow.answers_count == decision.answers)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    assert isinstance(changed, CursorResult)
    return changed.rowcount == 1


def _consensus(decision: Decision, batch: BatchRow, field: str) -> NewLabel:
    return NewLabel(
        item_id=decision.item_id,
        field=field,
        value=decision.value,
        confidence=decision.confidence,
        source=LabelSource.CONSENSUS,
        votes=decision.votes,
        aggregator=batch.aggregator,
        batch_id=batch.id,
        round_id=batch.round_id,
        crowd_value=decision.crowd_value,
        crowd_confidence=decision.crowd_confidence,
        model_version_id=decision.model_version_id,
    )
