"""Collecting what behaviour rules look at: each worker's last answers, skips and days, a bounded window at a time."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, select, true
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.behaviour import GivenAnswer, Measured, measure
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ledger import AccountKind, TransferKind
from crowd_hitl.domain.rules import COLLECTORS, LAST_MAX, Rule
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import LedgerAccountRow, TransferRow
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

SKIPS = "skipped_in_row"
AT_ONCE = timedelta(seconds=2)
LABELLED = ("same_answer_share", "against_majority")
COMPARED = ("gold_accuracy", "against_majority")


@dataclass(frozen=True)
class Field:
    """Where a rule looks: one project, or (None) all of an organisation."""

    organisation_id: int
    project_id: int | None


@dataclass(frozen=True)
class Since:
    """What a worker's last hit left behind: only what came after its `last_id`, or after its day, is new evidence."""

    last_id: int = 0
    day: str = ""


def newest_id(session: Session, *, rule: Rule) -> int:
    """Return where the rule's new evidence ends now: the newest answer, or assignment where skips are counted.

    Ids are given before they are committed: one that is committed late is not passed by for good, as each look
    takes a worker's whole window again.
    """
    return session.scalar(select(func.max(_evidence(rule).id))) or 0


def workers_with_news(
    session: Session, *, rule: Rule, field: Field, between: tuple[int, int], after: int, limit: int
) -> list[int]:
    """List workers (by id, behind `after`) who gave something the rule looks at, above one id and up to another."""
    kind = _evidence(rule)
    found = (
        select(kind.worker_id)
        .join(WorkerRow, WorkerRow.id == kind.worker_id)
        .where(kind.id > between[0], kind.id <= between[1], kind.worker_id > after)
        .where(WorkerRow.organisation_id == field.organisation_id, _within(field, kind))
        .distinct()
        .order_by(kind.worker_id)
        .limit(limit)
    )
    return list(session.scalars(found))


def collect(session: Session, *, rule: Rule, field: Field, worker_id: int, since: Since) -> tuple[Measured, int] | None:
    """Measure one worker; None where there is too little new evidence. The number is where newer evidence starts."""
    if rule.collector == SKIPS:
        return _skips(session, field=field, worker_id=worker_id, since=since)
    if COLLECTORS[rule.collector].daily:
        return _day(session, rule=rule, field=field, worker_id=worker_id, since=since)
    answers = _window(session, rule=rule, field=field, worker_id=worker_id, since=since)
    measured = measure(rule.collector, rule.condition, answers)
    return None if measured is None else (measured, answers[0].answer_id)


def _window(session: Session, *, rule: Rule, field: Field, worker_id: int, since: Since) -> list[GivenAnswer]:
    """Read a worker's newest answers, the newest first; of gold or labelled items only where that is looked at."""
    wanted = (
        select(AnswerRow.id, AnswerRow.value, AnswerRow.seconds, AnswerRow.item_id, QuestionVersionRow.is_class)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .join(QuestionVersionRow, QuestionVersionRow.id == AnswerRow.question_version_id)
        .where(AnswerRow.worker_id == worker_id, AnswerRow.id > since.last_id, _within(field, AnswerRow))
        .where(AssignmentRow.state != AssignmentState.REMOVED.value, AnswerRow.is_broken.is_(False))
        .order_by(AnswerRow.id.desc())
        .limit(rule.last)
    )
    if rule.collector in COMPARED:
        wanted = wanted.where(QuestionVersionRow.is_class.is_(True))
    if rule.collector == "gold_accuracy":
        known = exists().where(GoldRow.item_id == TaskRow.item_id, IS_TRUSTED)
        wanted = wanted.where(TaskRow.is_gold.is_(True), known)
    if rule.collector in LABELLED:
        wanted = wanted.where(
            TaskRow.is_gold.is_(False), exists().where(LabelRow.item_id == TaskRow.item_id, *_agreed())
        )
    rows = session.execute(wanted).all()
    item_ids = [row.item_id for row in rows]
    labels, gold = _labels(session, item_ids), _gold(session, item_ids)
    return [
        GivenAnswer(
            answer_id=answer_id,
            value=_canonical(value),
            seconds=seconds,
            # only classes are right by being the same
            label=_same_fields(value, labels.get(item_id, {})) if is_class else None,
            known=_same_fields(value, gold.get(item_id, {})) if is_class else None,
        )
        for answer_id, value, seconds, item_id, is_class in rows
    ]


def _skips(session: Session, *, field: Field, worker_id: int, since: Since) -> tuple[Measured, int] | None:
    rows = session.execute(
        select(AssignmentRow.id, AssignmentRow.state, AssignmentRow.ended_at)
        .where(AssignmentRow.worker_id == worker_id, AssignmentRow.id > since.last_id, _within(field, AssignmentRow))
        .where(AssignmentRow.state != AssignmentState.LEASED.value)
        .order_by(AssignmentRow.id.desc())
        .limit(LAST_MAX)
    ).all()
    count = 0
    before: datetime | None = None
    for _, state, ended_at in rows:
        if state != AssignmentState.RELEASED or ended_at is None:
            break
        # who leaves the page lets all they hold go at once: that is no skipping, and counts once
        count += before is None or abs(before - ended_at) >= AT_ONCE
        before = ended_at
    return (Measured(float(count), count), rows[0].id) if count else None


def _day(session: Session, *, rule: Rule, field: Field, worker_id: int, since: Since) -> tuple[Measured, int] | None:
    """Add up the UTC day of a worker's newest answer; a day that was hit before is not hit again."""
    newest = session.execute(
        select(AnswerRow.id, AnswerRow.submitted_at)
        .where(AnswerRow.worker_id == worker_id, _within(field, AnswerRow))
        .order_by(AnswerRow.id.desc())
        .limit(1)
    ).first()
    if newest is None or newest.submitted_at.date().isoformat() == since.day:
        return None
    start = datetime.combine(newest.submitted_at.date(), datetime.min.time(), tzinfo=UTC)
    within = (start, start + timedelta(days=1))
    given = session.scalars(
        select(AnswerRow.id)
        .where(AnswerRow.worker_id == worker_id, _within(field, AnswerRow))
        .where(AnswerRow.submitted_at >= within[0], AnswerRow.submitted_at < within[1])
    ).all()
    if len(given) < rule.answers_min:
        return None
    value, currency = float(len(given)), ""
    if rule.collector == "income_per_day":
        value, currency = _income(session, rule=rule, field=field, worker_id=worker_id, within=within)
    shown = tuple(sorted(given, reverse=True)[:20])
    return Measured(value, len(given), shown, day=start.date().isoformat(), currency=currency), newest.id


def _income(
    session: Session, *, rule: Rule, field: Field, worker_id: int, within: tuple[datetime, datetime]
) -> tuple[float, str]:
    """Add up pay by currency, and return the most: amounts of two currencies are never added."""
    paid = (
        select(TransferRow.currency, func.sum(TransferRow.amount_micros))
        .join(LedgerAccountRow, LedgerAccountRow.id == TransferRow.to_id)
        .where(LedgerAccountRow.kind == AccountKind.WORKER.value, LedgerAccountRow.ref_id == worker_id)
        .where(TransferRow.kind == TransferKind.PAY.value, _within(field, TransferRow))
        .where(TransferRow.created_at >= within[0], TransferRow.created_at < within[1])
        .group_by(TransferRow.currency)
    )
    if "currency" in rule.condition:
        paid = paid.where(TransferRow.currency == rule.condition["currency"])
    sums = [(float(amount), currency) for currency, amount in session.execute(paid)]
    return max(sums, default=(0.0, ""))


def _evidence(rule: Rule) -> type[AnswerRow] | type[AssignmentRow]:
    return AssignmentRow if rule.collector == SKIPS else AnswerRow


def _within(field: Field, row: type[AnswerRow] | type[AssignmentRow] | type[TransferRow]) -> ColumnElement[bool]:
    # A worker belongs to one organisation, so all that is theirs is the organisation's.
    if field.project_id is None:
        return true()
    return row.batch_id.in_(select(BatchRow.id).where(BatchRow.project_id == field.project_id))


def _agreed() -> tuple[ColumnElement[bool], ...]:
    # A model's label is no yardstick for people.
    return LabelRow.state == "current", LabelRow.source != LabelSource.MODEL.value


def _labels(session: Session, item_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    rows = session.execute(
        select(LabelRow.item_id, LabelRow.field, LabelRow.value).where(LabelRow.item_id.in_(item_ids), *_agreed())
    )
    return _by_item([(item_id, field, value) for item_id, field, value in rows])


def _gold(session: Session, item_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    rows = session.execute(
        select(GoldRow.item_id, GoldRow.field, GoldRow.value).where(GoldRow.item_id.in_(item_ids), IS_TRUSTED)
    )
    return _by_item([(item_id, field, value) for item_id, field, value in rows])


def _by_item(rows: Sequence[tuple[int, str, str]]) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for item_id, field, value in rows:
        found.setdefault(item_id, {})[field] = value
    return found


def _same_fields(value: dict[str, object], settled: dict[str, str]) -> str | None:
    """Write what is settled about the answer's fields as an answer is written; None if any is not settled."""
    return _canonical({name: settled[name] for name in value}) if settled.keys() >= value.keys() else None


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
