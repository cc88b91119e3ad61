"""The review queue: answers that wait for a decision, with all that helps to decide; page by page."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.labels import CANNOT_BE_ANSWERED
from crowd_hitl.domain.reviews import PASSED, review_rule
from crowd_hitl.services.reporting.pages import Page, first_rows, id_after
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.services.reporting.votes import Vote, votes_on
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRow, ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

REVIEW_ROWS = 20
UNDECIDED = AssignmentRow.state.in_([AssignmentState.SUBMITTED.value])


@dataclass(frozen=True)
class QueueFilter:
    """Which undecided answers of a project: of one batch, and of one worker (by pseudonym)."""

    batch_id: int | None = None
    worker: str | None = None


@dataclass(frozen=True)
class ReviewLine:
    """One answer that waits: what was asked and said, by whom, what others said and what gold says."""

    answer_id: int
    batch_id: int
    batch_name: str
    item_id: int
    key: str
    text: str | None
    image_key: str | None
    value: str
    broken: str | None
    worker: str
    simulated: bool
    seconds: float
    submitted_at: datetime
    # when it is approved if nobody decides; None where it waits for ever
    approves_at: datetime | None
    cost_micros: int
    currency: str
    # the known answer, where the item is gold
    gold: str | None = None
    others: list[Vote] = field(default_factory=list)


@dataclass(frozen=True)
class Waiting:
    """How much waits: of one worker, or of one batch."""

    name: str
    count: int


def review_queue(
    session: Session, *, project: ProjectHead, wanted: QueueFilter, after: str | None = None, limit: int = REVIEW_ROWS
) -> Page[ReviewLine]:
    """List undecided answers, batch by batch, the longest waiting first."""
    query = (
        _undecided(project, wanted)
        .join(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
        .join(ItemRow, ItemRow.id == AnswerRow.item_id)
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .with_only_columns(AnswerRow, ItemRow, WorkerRow, BatchRow, TaskRow.is_gold, AssignmentRow.id)
        .order_by(AssignmentRow.batch_id, AssignmentRow.ended_at, AssignmentRow.id)
        .limit(limit + 1)
    )
    # The cursor is an assignment: it stays where it is in the order, also when it is decided.
    last = session.get(AssignmentRow, id_after(after) or 0)
    if last is not None:
        place = tuple_(AssignmentRow.batch_id, AssignmentRow.ended_at, AssignmentRow.id)
        query = query.where(place > (last.batch_id, last.ended_at, last.id))
    rows, more = first_rows(session.execute(query).all(), limit=limit)
    item_ids = [item.id for _, item, *_ in rows]
    votes = votes_on(session, item_ids=item_ids, field=project.field)
    gold = _gold(session, project, item_ids)
    lines = []
    for answer, item, worker, batch, is_gold, _ in rows:
        others = [vote for vote in votes[item.id] if vote.answer_id != answer.id]
        known = gold.get(item.id) if is_gold else None
        lines.append(replace(_line(project, answer, item, worker, batch), gold=known, others=others))
    return Page(rows=lines, after=str(rows[-1][-1]) if more else None)


def count_waiting(session: Session, *, project: ProjectHead, wanted: QueueFilter) -> int:
    """Count the undecided answers."""
    return session.scalar(_undecided(project, wanted).with_only_columns(func.count(AssignmentRow.id))) or 0


def waiting_workers(session: Session, *, project: ProjectHead, wanted: QueueFilter, limit: int = 20) -> list[Waiting]:
    """Say of whom most answers wait."""
    count = func.count(AssignmentRow.id)
    query = _undecided(project, QueueFilter(batch_id=wanted.batch_id)).with_only_columns(WorkerRow.public_id, count)
    rows = session.execute(query.group_by(WorkerRow.public_id).order_by(count.desc(), WorkerRow.public_id).limit(limit))
    return [Waiting(name, found) for name, found in rows]


def waiting_batches(session: Session, *, project: ProjectHead, wanted: QueueFilter) -> list[int]:
    """List the batches in which such answers wait."""
    query = _undecided(project, wanted).with_only_columns(AssignmentRow.batch_id).distinct()
    return list(session.scalars(query.order_by(AssignmentRow.batch_id)))


def _undecided(project: ProjectHead, wanted: QueueFilter) -> Select[int]:
    query = (
        select(AssignmentRow.id)
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .join(WorkerRow, WorkerRow.id == AssignmentRow.worker_id)
        .where(BatchRow.project_id == project.id, UNDECIDED)
    )
    if wanted.batch_id is not None:
        query = query.where(AssignmentRow.batch_id == wanted.batch_id)
    if wanted.worker is not None:
        query = query.where(WorkerRow.public_id == wanted.worker)
    return query


def _line(project: ProjectHead, answer: AnswerRow, item: ItemRow, worker: WorkerRow, batch: BatchRow) -> ReviewLine:
    rule = review_rule(batch.approval, batch.review)
    said = str(answer.value.get(project.field, ""))
    return ReviewLine(
        answer_id=answer.id,
        batch_id=batch.id,
        batch_name=batch.name,
        item_id=item.id,
        key=item.key,
        text=item.text,
        image_key=item.image_key,
        value=CANNOT_BE_ANSWERED if answer.is_broken else said,
        broken=str(answer.value.get("broken", "")) if answer.is_broken else None,
        worker=worker.public_id,
        simulated=worker.simulated,
        seconds=answer.seconds,
        submitted_at=answer.submitted_at,
        approves_at=answer.submitted_at + timedelta(hours=rule.hours) if rule.approval in PASSED else None,
        cost_micros=batch.price_micros + batch.fee_micros,
        currency=batch.currency,
    )


def _gold(session: Session, project: ProjectHead, item_ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(
        select(GoldRow.item_id, GoldRow.value)
        .where(GoldRow.item_id.in_(item_ids), GoldRow.field == project.field)
        # nobody's answer is to be turned down for being unlike a suspect value
        .where(IS_TRUSTED)
    )
    return dict(rows.all())
