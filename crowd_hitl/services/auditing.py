"""Auditing: which delivered labels an audit speaks for, what was frozen when it was drawn, and what it found.

The pool is every label that would be delivered and that no reference stands behind yet: gold does, and so does a
label that people settled in a reference, audit or confirming round. It is frozen when the sample is drawn; if any
label outside the sample has changed by the time the answers are in, the audit proves nothing about them.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.rounds import LoopPolicy, Phase
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, LoopRow, ModelVersionRow, PredictionRow, RoundRow
from crowd_hitl.store.project_rows import IS_GOLD, GoldRow, ItemRow
from crowd_hitl.store.work_rows import BatchRow, TaskRow

READ_AT_ONCE = 10_000
REFERENCES = (Phase.REFERENCE, Phase.AUDIT, Phase.CONFIRM)


class Predicted(NamedTuple):
    """What the newest model says of one item; a tuple, as there may be a million of them."""

    id: int
    model_version_id: int
    value: str
    confidence: float
    margin: float


@dataclass(frozen=True)
class Finding:
    """What an audit found of one item: `wrong` if the frozen label does not stand; what was not settled is wrong."""

    item_id: int
    wrong: bool
    settled: bool


def judges(item_id: ColumnElement[int] | InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Tell the items that judge: gold, references, audits. No model learns from them, so they stay impartial."""
    drawn = (
        exists()
        .where(ChoiceRow.item_id == item_id)
        .where(ChoiceRow.round_id == RoundRow.id, RoundRow.purpose.in_([Phase.REFERENCE, Phase.AUDIT]))
    )
    return or_(exists().where(GoldRow.item_id == item_id, IS_GOLD), drawn)


def delivered(session: Session, *, project_id: int) -> dict[int, str]:
    """Return what would be delivered now for every item: people's label, else the newest model's word."""
    people = session.execute(
        select(LabelRow.item_id, LabelRow.value).where(
            LabelRow.project_id == project_id, LabelRow.state == "current", LabelRow.source != LabelSource.MODEL
        )
    )
    values = dict(row for row in people)
    for item_id, prediction in predictions(session, project_id=project_id).items():
        values.setdefault(item_id, prediction.value)
    return values


def predictions(session: Session, *, project_id: int) -> dict[int, Predicted]:
    """Return the newest model's predictions by item; none before the first model."""
    newest = (
        select(ModelVersionRow.id)
        .where(ModelVersionRow.project_id == project_id)
        .order_by(ModelVersionRow.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            *(PredictionRow.id, PredictionRow.model_version_id, PredictionRow.item_id, PredictionRow.value),
            *(PredictionRow.confidence, PredictionRow.margin),
        )
        .where(PredictionRow.model_version_id == newest)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    # Values are a few texts again and again: one of each is kept.
    return {row.item_id: Predicted(*row[:2], intern(row.value), row.confidence, row.margin) for row in rows}


def audited_pool(session: Session, *, project_id: int, policy: LoopPolicy) -> dict[int, str]:
    """Return, by item, the delivered labels that no reference stands behind yet.

    An item that came in after the newest model has no label to deliver: no audit can speak for it.
    """
    values = delivered(session, project_id=project_id)
    open_ones = select(ItemRow.id).where(ItemRow.project_id == project_id, ItemRow.broken_at.is_(None))
    unsettled = open_ones.where(~_has_reference(policy)).order_by(ItemRow.id)
    return {item_id: values[item_id] for item_id in session.scalars(unsettled) if item_id in values}


def frozen_pool(session: Session, *, loop: LoopRow, policy: LoopPolicy) -> dict[int, str]:
    """Return what the next audit is drawn from: the pool, less what the audits it extends have drawn."""
    drawn = set(_drawn(session, chain(session, loop_id=loop.id))) if loop.extending else set()
    pool = audited_pool(session, project_id=loop.project_id, policy=policy)
    return {item_id: value for item_id, value in pool.items() if item_id not in drawn}


def freeze(session: Session, *, loop: LoopRow, row: RoundRow, frozen: Mapping[int, str], policy: LoopPolicy) -> bool:
    """Note on an audit's round what its pool was; `frozen` is the sample with what it would deliver.

    False when a label has moved since the sample was drawn, or since the audit that this one extends.
    """
    pool = frozen_pool(session, loop=loop, policy=policy)
    if any(pool.get(item_id) != value for item_id, value in frozen.items()):
        return False
    before = _newest_audit(session, loop_id=loop.id) if loop.extending else None
    if before is not None and before.pool_sha256 != hash_of(pool):
        loop.extending = False  # the pool is another one now: it is audited anew
        return False
    row.pool = before.pool if before is not None else len(pool)
    row.pool_round_number = before.pool_round_number if before is not None else row.number
    row.pool_sha256 = hash_of({item_id: value for item_id, value in pool.items() if item_id not in frozen})
    return True


def still_frozen(session: Session, *, loop: LoopRow, policy: LoopPolicy) -> bool:
    """Say whether every label outside the sample is as it was when the newest audit was drawn."""
    newest = _newest_audit(session, loop_id=loop.id)
    drawn = set(_drawn(session, chain(session, loop_id=loop.id)))
    pool = audited_pool(session, project_id=loop.project_id, policy=policy)
    rest = {item_id: value for item_id, value in pool.items() if item_id not in drawn}
    return newest is not None and newest.pool_sha256 == hash_of(rest)


def audit_findings(session: Session, *, loop_id: int, policy: LoopPolicy) -> list[Finding]:
    """Judge every item of the newest audit and of those it extends.

    A frozen label stands if people who were asked in these rounds settled on the same value; an item that got
    no fresh answers (its batch was closed, or everybody had answered it before) is not settled.
    """
    rounds = chain(session, loop_id=loop_id)
    fresh = _fresh_answers(session, rounds)
    rows = session.execute(
        # a label that a model took part in settles nothing about the model
        select(ChoiceRow.item_id, ChoiceRow.frozen_value, LabelRow.value, LabelRow.confidence, LabelRow.crowd_value)
        .outerjoin(LabelRow, (LabelRow.item_id == ChoiceRow.item_id) & (LabelRow.state == "current"))
        .where(ChoiceRow.round_id.in_([row.id for row in rounds]))
        .order_by(ChoiceRow.item_id)
    )
    found = []
    for item_id, frozen, value, confidence, crowd_value in rows:
        # the outer join gives no label where nobody ever answered
        sure = crowd_value is None and (confidence or 0.0) >= policy.reference_confidence
        settled = fresh.get(item_id, False) and sure
        found.append(Finding(item_id=item_id, wrong=not settled or value != frozen, settled=settled))
    return found


def chain(session: Session, *, loop_id: int) -> Sequence[RoundRow]:
    """Return the newest audit round and those it extends: they share one frozen pool."""
    newest = _newest_audit(session, loop_id=loop_id)
    if newest is None:
        return []
    rounds = select(RoundRow).where(RoundRow.loop_id == loop_id, RoundRow.purpose == Phase.AUDIT)
    return session.scalars(rounds.where(RoundRow.pool_round_number == newest.pool_round_number)).all()


def hash_of(values: Mapping[int, str]) -> str:
    """Return the SHA-256 of labels by item."""
    lines = "\n".join(f"{item_id}\t{value}" for item_id, value in sorted(values.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _newest_audit(session: Session, *, loop_id: int) -> RoundRow | None:
    rounds = select(RoundRow).where(RoundRow.loop_id == loop_id, RoundRow.purpose == Phase.AUDIT)
    return session.scalar(rounds.order_by(RoundRow.number.desc()).limit(1))


def _drawn(session: Session, rounds: Sequence[RoundRow]) -> Sequence[int]:
    return session.scalars(select(ChoiceRow.item_id).where(ChoiceRow.round_id.in_([row.id for row in rounds]))).all()


def _fresh_answers(session: Session, rounds: Sequence[RoundRow]) -> dict[int, bool]:
    """Say of each item whether enough people answered it in these audits and the rounds that confirmed them."""
    if not rounds:
        return {}
    numbers = [number for row in rounds for number in (row.number, row.number + 1)]
    asked = (
        select(TaskRow.item_id, func.sum(TaskRow.answers_count), func.max(BatchRow.overlap_min))
        .join(BatchRow, BatchRow.id == TaskRow.batch_id)
        .join(RoundRow, RoundRow.id == BatchRow.round_id)
        .where(RoundRow.loop_id == rounds[0].loop_id, RoundRow.number.in_(numbers))
        .where(RoundRow.purpose.in_([Phase.AUDIT, Phase.CONFIRM]), TaskRow.is_gold.is_(False))
        .group_by(TaskRow.item_id)
    )
    return {item_id: int(answers) >= int(least) for item_id, answers, least in session.execute(asked)}


def _has_reference(policy: LoopPolicy) -> ColumnElement[bool]:
    """Tell the items whose label is gold, or was settled by people in a round that serves as a reference."""
    sure = exists().where(
        LabelRow.item_id == ItemRow.id,
        LabelRow.state == "current",
        LabelRow.source != LabelSource.MODEL,
        LabelRow.confidence >= policy.reference_confidence,
        LabelRow.crowd_value.is_(None),
    )
    asked = exists().where(
        TaskRow.item_id == ItemRow.id,
        TaskRow.is_gold.is_(False),
        TaskRow.answers_count > 0,
        TaskRow.batch_id == BatchRow.id,
        BatchRow.purpose.in_(REFERENCES),
        TaskRow.answers_count >= BatchRow.overlap_min,
    )
    return or_(exists().where(GoldRow.item_id == ItemRow.id, IS_GOLD), sure & asked)
