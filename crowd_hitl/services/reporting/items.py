"""One item's history: how it came in, what the models said, who answered what, its labels, and the money."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.labels import CANNOT_BE_ANSWERED
from crowd_hitl.domain.ledger import SPENDING
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.services.reporting.votes import Vote, votes_on
from crowd_hitl.services.sharing_costs import share_of_transfer, was_paid_for
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, ModelVersionRow, PredictionRow, RoundRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.project_rows import IS_GOLD, GoldRow, ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

MOST_EVENTS = 500


@dataclass(frozen=True)
class Event:
    """One thing that happened to an item. `kind` says which of the other fields are set."""

    at: datetime
    kind: str
    value: str = ""
    confidence: float | None = None
    number: int | None = None
    text: str = ""
    state: str = ""
    batch_id: int | None = None
    answer_id: int | None = None
    who: str = ""
    simulated: bool = False
    seconds: float | None = None
    price_micros: int = 0
    fee_micros: int = 0
    overlap_min: int = 0
    overlap_max: int = 0
    cost_micros: int = 0
    so_far_micros: int = 0


@dataclass(frozen=True)
class ItemHistory:
    """An item with everything that happened to it, the earliest first."""

    id: int
    key: str
    text: str | None
    image_key: str | None
    audio_key: str | None
    label: LabelRow | None
    label_before: LabelRow | None
    gold: str | None
    votes: list[Vote]
    events: list[Event]
    before_id: int | None
    after_id: int | None

    @property
    def cost_micros(self) -> int:
        """Return what the item cost so far."""
        return sum(event.cost_micros for event in self.events)


def item_history(session: Session, *, project: ProjectHead, item_id: int) -> ItemHistory:
    """Return one item of the project with its history; NotFound if it has no such item."""
    item = session.get(ItemRow, item_id)
    if item is None or item.project_id != project.id:
        raise NotFound(f"This project has no item {item_id}.")
    labels = session.scalars(
        select(LabelRow)
        .where(LabelRow.item_id == item.id, LabelRow.field == project.field)
        .order_by(LabelRow.version.desc())
        .limit(MOST_EVENTS)
    ).all()
    events = [Event(at=item.created_at, kind="imported")]
    events += _predicted(session, item_id=item.id) + _chosen(session, item_id=item.id)
    events += _put_in_batches(session, item_id=item.id) + _answered(session, project=project, item_id=item.id)
    events += [_labelled(label) for label in labels]
    same_project = select(func.min(ItemRow.id)).where(ItemRow.project_id == project.id, ItemRow.id > item.id)
    earlier = select(func.max(ItemRow.id)).where(ItemRow.project_id == project.id, ItemRow.id < item.id)
    known = select(GoldRow.value).where(GoldRow.item_id == item.id, GoldRow.field == project.field, IS_GOLD)
    gold = session.scalar(known)
    current = next((label for label in labels if label.state == "current"), None)
    return ItemHistory(
        id=item.id,
        key=item.key,
        text=item.text,
        image_key=item.image_key,
        audio_key=item.audio_key,
        label=current,
        label_before=labels[1] if len(labels) > 1 else None,
        gold=gold,
        votes=votes_on(session, item_ids=[item.id], field=project.field)[item.id],
        events=_added_up(events),
        before_id=session.scalar(earlier),
        after_id=session.scalar(same_project),
    )


def _predicted(session: Session, *, item_id: int) -> list[Event]:
    rows = session.execute(
        select(PredictionRow, ModelVersionRow.number, ModelVersionRow.created_at)
        .join(ModelVersionRow, ModelVersionRow.id == PredictionRow.model_version_id)
        .where(PredictionRow.item_id == item_id)
        .order_by(PredictionRow.id)
        .limit(MOST_EVENTS)
    ).all()
    return [
        Event(
            at=trained_at,
            kind="predicted",
            value=prediction.value,
            confidence=prediction.confidence,
            number=number,
            state=prediction.route,
        )
        for prediction, number, trained_at in rows
    ]


def _chosen(session: Session, *, item_id: int) -> list[Event]:
    rows = session.execute(
        select(ChoiceRow, RoundRow.number, RoundRow.started_at)
        .join(RoundRow, RoundRow.id == ChoiceRow.round_id)
        .where(ChoiceRow.item_id == item_id)
        .order_by(ChoiceRow.id)
        .limit(MOST_EVENTS)
    ).all()
    return [
        Event(at=started_at, kind="chosen", number=number, text=choice.reason, confidence=choice.propensity)
        for choice, number, started_at in rows
    ]


def _put_in_batches(session: Session, *, item_id: int) -> list[Event]:
    rows = session.execute(
        select(TaskRow, BatchRow)
        .join(BatchRow, BatchRow.id == TaskRow.batch_id)
        .where(TaskRow.item_id == item_id)
        .order_by(TaskRow.id)
        .limit(MOST_EVENTS)
    )
    return [
        Event(
            at=batch.published_at,
            kind="asked_as_gold" if task.is_gold else "asked",
            text=batch.name,
            state=task.retire_reason or task.state,
            batch_id=batch.id,
            price_micros=batch.price_micros,
            fee_micros=batch.fee_micros,
            overlap_min=batch.overlap_min,
            overlap_max=batch.overlap_max,
        )
        for task, batch in rows
    ]


def _answered(session: Session, *, project: ProjectHead, item_id: int) -> list[Event]:
    rows = session.execute(
        select(AnswerRow, AssignmentRow, WorkerRow, func.coalesce(func.sum(share_of_transfer()), 0))
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(WorkerRow, WorkerRow.id == AnswerRow.worker_id)
        .outerjoin(
            TransferRow,
            and_(TransferRow.sitting_id == AssignmentRow.sitting_id, TransferRow.kind.in_(SPENDING), was_paid_for()),
        )
        .where(AnswerRow.item_id == item_id)
        .group_by(AnswerRow.id, AssignmentRow.id, WorkerRow.id)
        .order_by(AnswerRow.id)
        .limit(MOST_EVENTS)
    ).all()
    return [
        Event(
            at=answer.submitted_at,
            kind="answered",
            value=CANNOT_BE_ANSWERED if answer.is_broken else str(answer.value.get(project.field, "")),
            who=worker.public_id,
            simulated=worker.simulated,
            seconds=answer.seconds,
            state=assignment.state,
            text=assignment.reason or "",
            batch_id=answer.batch_id,
            answer_id=answer.id,
            cost_micros=int(cost),
        )
        for answer, assignment, worker, cost in rows
    ]


def _labelled(label: LabelRow) -> Event:
    return Event(
        at=label.created_at,
        kind="labelled",
        value=label.value,
        confidence=label.confidence,
        number=label.version,
        text=label.aggregator or "",
        state=label.state,
        who=label.source,
    )


def _added_up(events: list[Event]) -> list[Event]:
    """Put the events in order of time and give each what the item had cost by then."""
    in_order: list[Event] = []
    so_far = 0
    for event in sorted(events, key=lambda one: one.at):
        so_far += event.cost_micros
        in_order.append(replace(event, so_far_micros=so_far))
    return in_order
