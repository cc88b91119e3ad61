"""A project at a glance: the loop's five stations, the money, and what waits for a decision."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.rounds import Phase
from crowd_hitl.domain.tasks import BatchState, TaskState
from crowd_hitl.services.alerting import Alert, alerts_of
from crowd_hitl.services.balances import BudgetBalance
from crowd_hitl.services.reporting.intervals import Share
from crowd_hitl.services.reporting.money import Cost, DaySpend, budgets_of, costs_by, spend_by_day
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.services.reporting.rounds import LoopState, loop_state
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, ModelVersionRow, RoundRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

DEFAULT_TARGET = 0.95
# Known beforehand, not agreed on: they cost nothing, so they are no part of the cost per agreed label.
GIVEN = ("gold", "imported")


@dataclass(frozen=True)
class ItemCounts:
    """Every item is in exactly one of the three."""

    labelled: int
    being_asked: int
    waiting: int


@dataclass(frozen=True)
class BatchCounts:
    """Batches, and the places of those that are not closed."""

    open: int
    paused: int
    closed: int
    places_open: int
    places_held: int


@dataclass(frozen=True)
class AnswerCounts:
    """Answers bought: all, since midnight UTC, and those that wait for a requester's decision."""

    all: int
    today: int
    items: int
    to_approve: int


@dataclass(frozen=True)
class LabelCounts:
    """Current labels by source, and how many reach the target."""

    by_source: dict[str, int]
    target: float
    agreed: int
    doubtful: int

    @property
    def all(self) -> int:
        """Count all current labels."""
        return sum(self.by_source.values())


@dataclass(frozen=True)
class ModelCounts:
    """The newest model: how it scored on gold it never saw, and where its predictions went."""

    number: int
    learner: str
    trained_on: int
    gold: Share
    accepted: int
    to_people: int


@dataclass(frozen=True)
class Overview:
    """All the overview page says."""

    items: ItemCounts
    batches: BatchCounts
    answers: AnswerCounts
    labels: LabelCounts
    model: ModelCounts | None
    loop: LoopState | None
    budgets: list[BudgetBalance]
    cost: Cost
    days: list[DaySpend]
    alerts: dict[int, Alert]

    @property
    def per_agreed_label_micros(self) -> float | None:
        """Return everything spent, divided by the labels at or above the target; None before there are any."""
        return self.cost.per_label_micros(self.labels.agreed)

    @property
    def spent_micros(self) -> int:
        """Return everything spent, in the project's currency."""
        return self.cost.spent_micros


def overview(session: Session, *, project: ProjectHead, now: datetime) -> Overview:
    """Add up a project; the number of queries does not depend on its size."""
    loop = loop_state(session, project_id=project.id)
    labels = _labels(session, project=project, loop=loop)
    costs = costs_by(session, BatchRow.project_id, [project.id])
    budgets = budgets_of(session, project_id=project.id)
    alerts = alerts_of(session, budget_ids=[budget.budget_id for budget in budgets])
    return Overview(
        items=_items(session, project=project),
        batches=_batches(session, project=project),
        answers=_answers(session, project=project, now=now),
        labels=labels,
        model=_model(session, project=project),
        loop=loop,
        budgets=budgets,
        cost=costs.get((project.id, project.currency), Cost()),
        days=spend_by_day(session, project_id=project.id, currency=project.currency),
        # the highest level says it all
        alerts={budget_id: passed[-1] for budget_id, passed in alerts.items() if passed},
    )


@dataclass(frozen=True)
class LabelCost:
    """What a project spent in one currency, and on each of its labels at or above the target confidence."""

    currency: str
    cost: Cost
    labels: int
    target: float

    @property
    def per_label_micros(self) -> float | None:
        """Return what one agreed label cost in this currency; None before there is one."""
        return self.cost.per_label_micros(self.labels)


def label_costs(session: Session, *, project: ProjectHead) -> list[LabelCost]:
    """Say what each agreed label cost, currency by currency: where there are several, it cost all of them."""
    labels = _labels(session, project=project, loop=loop_state(session, project_id=project.id))
    costs = costs_by(session, BatchRow.project_id, [project.id])
    return [LabelCost(currency, cost, labels.agreed, labels.target) for (_, currency), cost in costs.items()]


def _items(session: Session, *, project: ProjectHead) -> ItemCounts:
    has_label = select(LabelRow.id).where(LabelRow.item_id == ItemRow.id, LabelRow.state == "current").exists()
    in_work = (
        select(TaskRow.id)
        .join(BatchRow, BatchRow.id == TaskRow.batch_id)
        .where(
            TaskRow.item_id == ItemRow.id,
            TaskRow.state != TaskState.RETIRED,
            BatchRow.state != BatchState.CLOSED,
        )
        .exists()
    )
    all_items, labelled, asked = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((has_label, 1), else_=0)), 0),
            func.coalesce(func.sum(case((and_(~has_label, in_work), 1), else_=0)), 0),
        ).where(ItemRow.project_id == project.id)
    ).one()
    return ItemCounts(labelled=int(labelled), being_asked=int(asked), waiting=all_items - int(labelled) - int(asked))


def _batches(session: Session, *, project: ProjectHead) -> BatchCounts:
    states = {
        state: count
        for state, count in session.execute(
            select(BatchRow.state, func.count()).where(BatchRow.project_id == project.id).group_by(BatchRow.state)
        ).all()
    }
    in_work = select(BatchRow.id).where(BatchRow.project_id == project.id, BatchRow.state != BatchState.CLOSED)
    places = session.scalar(
        select(func.coalesce(func.sum(TaskRow.places_left), 0)).where(
            TaskRow.batch_id.in_(in_work), TaskRow.state == TaskState.OPEN
        )
    )
    held = session.scalar(
        select(func.count())
        .select_from(AssignmentRow)
        .where(AssignmentRow.batch_id.in_(in_work), AssignmentRow.state == AssignmentState.LEASED)
    )
    return BatchCounts(
        open=states.get(BatchState.OPEN, 0),
        paused=states.get(BatchState.PAUSED, 0),
        closed=states.get(BatchState.CLOSED, 0),
        places_open=int(places or 0),
        places_held=int(held or 0),
    )


def _answers(session: Session, *, project: ProjectHead, now: datetime) -> AnswerCounts:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    everything, today, items = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(case((AnswerRow.submitted_at >= midnight, 1), else_=0)), 0),
            func.count(AnswerRow.item_id.distinct()),
        )
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .where(BatchRow.project_id == project.id)
    ).one()
    waiting = session.scalar(
        select(func.count())
        .select_from(AssignmentRow)
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .where(
            BatchRow.project_id == project.id,
            BatchRow.approval == "manual",
            AssignmentRow.state == AssignmentState.SUBMITTED,
        )
    )
    return AnswerCounts(all=everything, today=int(today), items=items, to_approve=int(waiting or 0))


def _labels(session: Session, *, project: ProjectHead, loop: LoopState | None) -> LabelCounts:
    target = loop.confidence_target if loop is not None else _batch_target(session, project_id=project.id)
    bought = or_(LabelRow.source.not_in(GIVEN), LabelRow.votes > 0)
    sure = and_(LabelRow.confidence >= target, bought)
    doubtful = and_(LabelRow.confidence < target, LabelRow.source == "consensus")
    rows = session.execute(
        select(
            LabelRow.source,
            func.count(),
            func.sum(case((sure, 1), else_=0)),
            func.sum(case((doubtful, 1), else_=0)),
        )
        .where(LabelRow.project_id == project.id, LabelRow.state == "current")
        .group_by(LabelRow.source)
    ).all()
    return LabelCounts(
        by_source={source: count for source, count, _, _ in rows},
        target=target,
        agreed=sum(int(agreed) for _, _, agreed, _ in rows),
        doubtful=sum(int(unsure) for _, _, _, unsure in rows),
    )


def _batch_target(session: Session, *, project_id: int) -> float:
    newest = select(BatchRow.confidence_target).where(BatchRow.project_id == project_id).order_by(BatchRow.id.desc())
    return session.scalar(newest.limit(1)) or DEFAULT_TARGET


def _sent_to_people(session: Session, *, project_id: int) -> int:
    """Count the items that were asked for what a model said of them, or to see whether it was right."""
    chosen = (
        select(func.count(ChoiceRow.item_id.distinct()))
        .join(RoundRow, RoundRow.id == ChoiceRow.round_id)
        .where(RoundRow.project_id == project_id, RoundRow.purpose.in_([Phase.LEARN, Phase.DOUBTFUL, Phase.AUDIT]))
        .where(ChoiceRow.reason != "random")
    )
    return session.scalar(chosen) or 0


def _model(session: Session, *, project: ProjectHead) -> ModelCounts | None:
    newest = session.scalars(
        select(ModelVersionRow)
        .where(ModelVersionRow.project_id == project.id)
        .order_by(ModelVersionRow.number.desc())
        .limit(1)
    ).one_or_none()
    if newest is None:
        return None
    accepted = session.scalar(
        select(func.count())
        .select_from(LabelRow)
        .where(LabelRow.project_id == project.id, LabelRow.state == "current", LabelRow.source == "model")
    )
    return ModelCounts(
        number=newest.number,
        learner=newest.learner,
        trained_on=newest.trained_on,
        gold=Share(right=newest.gold_right, seen=newest.gold_seen),
        accepted=int(accepted or 0),
        to_people=_sent_to_people(session, project_id=project.id),
    )
