"""What is left of a batch: cost and date until its items are agreed, from its own answers, open places and pace."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import inf

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, AssignmentState
from crowd_hitl.domain.errors import NotFound, bad_field
from crowd_hitl.domain.ports import Question
from crowd_hitl.domain.quotes import LARGEST_OVERLAP
from crowd_hitl.domain.tasks import RetireReason, TaskState
from crowd_hitl.inference.forecasting import Further, Rule, Standing, days_needed, further_answers
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

PACE_ANSWERS = 500
# What stands for the classes where there are none: all that was answered, and nothing else.
ALIKE = ("answered", "other")
LONGEST_DAYS = 3_650.0
# A task that was retired for another reason says nothing about when a task has answers enough.
TELLING = (RetireReason.AGREED.value, RetireReason.OVERLAP.value)


@dataclass(frozen=True)
class Range:
    """An amount that is expected, and the bounds of a 90% interval."""

    expected: int
    low: int
    high: int


@dataclass(frozen=True)
class Wish:
    """What is asked: confidence and most answers (the batch's own if None), and items that would be added."""

    confidence: float | None = None
    overlap_max: int | None = None
    more_items: int = 0


@dataclass(frozen=True)
class Forecast:
    """What is left of a batch; money in micro-units, moments in UTC, None while there is no pace to go by."""

    batch_id: int
    confidence: float
    items_left: int
    answers: Range
    cost: Range
    total: Range
    currency: str
    answers_per_hour: float | None
    done_at: datetime | None
    done_from: datetime | None
    done_by: datetime | None
    short_micros: int


def forecast(
    session: Session, *, batch_id: int, wish: Wish, questions: Mapping[str, Question], now: datetime
) -> Forecast:
    """Say what the items that are not agreed will still cost, and when they will be, each with a 90% interval.

    `short_micros` is what the budget lacks for what is expected. A closed batch has nothing left. Where answers are no
    classes, all that may be asked is expected.
    """
    batch = session.get(BatchRow, batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    rule = _rule(batch, wish)
    standing, gold_places, asks_for_class = _standing(session, batch, questions)
    own = (rule.confidence, rule.most) == (batch.confidence_target, batch.overlap_max)
    # "fixed" asks for every answer, however sure the label is; without classes it is not told how sure it will be
    all_asked = batch.overlap_policy == "fixed" or not asks_for_class
    judged = replace(rule, confidence=inf) if all_asked else rule
    people = further_answers(standing, judged, observed=own, fresh=wish.more_items)
    further = Further(people.mean + gold_places, people.low + gold_places, people.high + gold_places)
    each = batch.price_micros + batch.fee_micros
    undecided = _undecided(session, batch_id)
    balance = batch_balance(session, batch_id=batch_id)
    cost = _range(further, each)
    sunk = balance.spent_micros + undecided * each
    pace = pace_of(session, batch_id, until=now)
    held = balance.held_micros - undecided * each + session.get_one(BudgetRow, batch.budget_id).available_micros
    return Forecast(
        batch_id=batch_id,
        confidence=rule.confidence,
        items_left=int((~standing.done).sum()) + wish.more_items,
        answers=_range(further, 1),
        cost=cost,
        total=Range(cost.expected + sunk, cost.low + sunk, cost.high + sunk),
        currency=batch.currency,
        answers_per_hour=pace[0] / pace[1] * 3600 if pace else None,
        short_micros=max(0, cost.expected - held),
        **_dates(further, pace, now=now),
    )


def _rule(batch: BatchRow, wish: Wish) -> Rule:
    confidence = batch.confidence_target if wish.confidence is None else wish.confidence
    most = batch.overlap_max if wish.overlap_max is None else wish.overlap_max
    if not 0 < confidence <= 1:
        raise bad_field("confidence", expected="above 0, at most 1", found=confidence)
    if not batch.overlap_min <= most <= LARGEST_OVERLAP:
        raise bad_field("overlap_max", expected=f"{batch.overlap_min} to {LARGEST_OVERLAP}", found=most)
    if wish.more_items < 0:
        raise bad_field("more_items", expected="0 or more", found=wish.more_items)
    return Rule(least=batch.overlap_min, most=most, confidence=confidence)


def _standing(session: Session, batch: BatchRow, questions: Mapping[str, Question]) -> tuple[Standing, int, bool]:
    """Read the batch's tasks and their votes on the question's first field; the places gold still has; has it classes?

    Where it has none, every answer counts as a vote for the same.
    """
    version = session.get_one(QuestionVersionRow, batch.question_version_id)
    question = questions[version.kind]
    field = question.fields(version.spec)[0]
    codes = {name: code for code, name in enumerate(question.classes(version.spec) if question.is_class else ALIKE)}
    rows = session.execute(
        select(TaskRow.id, TaskRow.is_gold, TaskRow.overlap, TaskRow.answers_count, TaskRow.state)
        .where(TaskRow.batch_id == batch.id)
        # out of the count: neither unfinished nor telling
        .where((TaskRow.state != TaskState.RETIRED.value) | TaskRow.retire_reason.in_(TELLING))
        .order_by(TaskRow.id)
    ).all()
    gold_places = sum(overlap - count for _, gold, overlap, count, state in rows if gold and state != "retired")
    tasks = [row for row in rows if not row[1]]
    places = {row[0]: index for index, row in enumerate(tasks)}
    votes = np.zeros((len(tasks), len(codes)), dtype=np.int64)
    said = session.execute(
        select(AnswerRow.task_id, AnswerRow.value)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AnswerRow.batch_id == batch.id, AssignmentRow.state.in_([state.value for state in ANSWERED]))
        .where(AnswerRow.is_broken.is_(False))
        .execution_options(yield_per=10_000)
    )
    for task_id, value in said:
        if task_id in places:
            votes[places[task_id], codes[value[field]] if question.is_class else 0] += 1
    return (
        Standing(
            votes=votes,
            overlap=np.array([row[2] for row in tasks], dtype=np.int64),
            done=np.array([row[4] == TaskState.RETIRED for row in tasks], dtype=np.bool_),
        ),
        gold_places,
        question.is_class,
    )


def _undecided(session: Session, batch_id: int) -> int:
    waiting = select(func.count()).where(
        AssignmentRow.batch_id == batch_id, AssignmentRow.state == AssignmentState.SUBMITTED.value
    )
    return session.scalar(waiting) or 0


def pace_of(session: Session, batch_id: int, *, until: datetime) -> tuple[int, float] | None:
    """Return the last answers and in how many seconds they came, up to a moment: a pause before it slows the pace."""
    moments = session.scalars(
        select(AnswerRow.submitted_at)
        .where(AnswerRow.batch_id == batch_id)
        .order_by(AnswerRow.id.desc())
        .limit(PACE_ANSWERS)
    ).all()
    if len(moments) < 2:
        return None
    return len(moments), max(1.0, (until - min(moments)).total_seconds())


def _dates(further: Further, pace: tuple[int, float] | None, *, now: datetime) -> dict[str, datetime | None]:
    if pace is None:
        return {"done_at": None, "done_from": None, "done_by": None}
    days = days_needed(further, answers=pace[0], seconds=pace[1])
    named = {"done_at": days.mean, "done_from": days.low, "done_by": days.high}
    return {name: now + timedelta(days=min(count, LONGEST_DAYS)) for name, count in named.items()}


def _range(further: Further, each: int) -> Range:
    return Range(round(further.mean) * each, round(further.low) * each, round(further.high) * each)
