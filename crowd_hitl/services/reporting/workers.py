"""The workers of a project or a batch: what they answered, how often they agree, how fast, what they earned."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services.reporting.gold import gold_left
from crowd_hitl.services.reporting.intervals import Share
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, number_and_id_after
from crowd_hitl.services.reporting.projects import ProjectHead
from crowd_hitl.store.account_rows import WorkerRow, WorkerSkillRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, BatchRow, SittingRow, TaskRow


@dataclass(frozen=True)
class WorkerLine:
    """One worker; `agrees` is with the agreed labels, `gold` with known answers. Gold is left out of `agrees`.

    `gold_left`: how much gold may still be shown to this worker, who has not seen it.
    """

    id: int
    public_id: str
    name: str
    simulated: bool
    state: str
    answers: int
    agrees: Share
    gold: Share
    gold_left: int
    median_seconds: float
    earned_micros: int


@dataclass(frozen=True)
class Crowd:
    """All workers together."""

    workers: int
    answers: int
    agrees: Share
    simulated: int


def list_workers(
    session: Session,
    *,
    project: ProjectHead,
    batch_id: int | None = None,
    after: str | None = None,
    limit: int = PAGE_ROWS,
) -> Page[WorkerLine]:
    """List those who answered, the busiest first."""
    query = _busiest(project, batch_id, after=after).limit(limit + 1)
    rows, more = first_rows(session.execute(query).all(), limit=limit)
    ids = [worker.id for worker, _ in rows]
    agrees = _agreement(session, project=project, batch_id=batch_id, worker_ids=ids)
    gold = _gold(session, project=project, worker_ids=ids)
    left = gold_left(session, project_id=project.id, worker_ids=ids)
    seconds = _median_seconds(session, project=project, batch_id=batch_id, worker_ids=ids)
    earned = _earned(session, project=project, batch_id=batch_id, worker_ids=ids)
    lines = [
        WorkerLine(
            id=worker.id,
            public_id=worker.public_id,
            name=worker.name,
            simulated=worker.simulated,
            state=worker.state,
            answers=count,
            agrees=agrees.get(worker.id, Share(0, 0)),
            gold=gold.get(worker.id, Share(0, 0)),
            gold_left=left.get(worker.id, 0),
            median_seconds=seconds.get(worker.id, 0.0),
            earned_micros=earned.get(worker.id, 0),
        )
        for worker, count in rows
    ]
    return Page(rows=lines, after=f"{lines[-1].answers}:{lines[-1].id}" if more else None)


def crowd(session: Session, *, project: ProjectHead, batch_id: int | None = None) -> Crowd:
    """Add up all workers of a project or a batch."""
    workers, answers = session.execute(
        select(func.count(AnswerRow.worker_id.distinct()), func.count(AnswerRow.id)).where(_of(project, batch_id))
    ).one()
    shown = select(AnswerRow.worker_id).where(_of(project, batch_id))
    simulated = session.scalar(
        select(func.count()).select_from(WorkerRow).where(WorkerRow.simulated.is_(True), WorkerRow.id.in_(shown))
    )
    right, seen = session.execute(
        select(_same(project), func.count())
        .select_from(AnswerRow)
        .join(LabelRow, and_(LabelRow.item_id == AnswerRow.item_id, LabelRow.field == project.field))
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .where(_of(project, batch_id), _by_people())
    ).one()
    return Crowd(
        workers=workers, answers=answers, agrees=Share(right=int(right or 0), seen=seen), simulated=int(simulated or 0)
    )


def _busiest(project: ProjectHead, batch_id: int | None, *, after: str | None) -> Select[WorkerRow, int]:
    answers = func.count(AnswerRow.id)
    query = (
        select(WorkerRow, answers)
        .join(AnswerRow, AnswerRow.worker_id == WorkerRow.id)
        .where(_of(project, batch_id))
        .group_by(WorkerRow.id)
        .order_by(answers.desc(), WorkerRow.id)
    )
    last = number_and_id_after(after)
    if last is None:
        return query
    count, worker_id = last
    return query.having(or_(answers < count, and_(answers == count, WorkerRow.id > worker_id)))


def _of(project: ProjectHead, batch_id: int | None) -> ColumnElement[bool]:
    if batch_id is not None:
        return AnswerRow.batch_id == batch_id
    return AnswerRow.batch_id.in_(select(BatchRow.id).where(BatchRow.project_id == project.id))


def _agreement(
    session: Session, *, project: ProjectHead, batch_id: int | None, worker_ids: Sequence[int]
) -> dict[int, Share]:
    """Count, by worker, the answers that are the item's agreed label."""
    rows = session.execute(
        select(AnswerRow.worker_id, _same(project), func.count())
        .join(LabelRow, and_(LabelRow.item_id == AnswerRow.item_id, LabelRow.field == project.field))
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .where(_of(project, batch_id), _by_people(), AnswerRow.worker_id.in_(worker_ids))
        .where(AnswerRow.is_broken.is_(False))
        .group_by(AnswerRow.worker_id)
    ).all()
    return {worker_id: Share(right=int(right or 0), seen=seen) for worker_id, right, seen in rows}


def _same(project: ProjectHead) -> ColumnElement[int]:
    return func.sum(case((AnswerRow.value[project.field].as_string() == LabelRow.value, 1), else_=0))


def _by_people() -> ColumnElement[bool]:
    # A model's label is no yardstick for people, gold has its own column, and only classes agree by being the same.
    classes = AnswerRow.question_version_id.in_(select(QuestionVersionRow.id).where(QuestionVersionRow.is_class))
    return and_(LabelRow.state == "current", LabelRow.source != "model", TaskRow.is_gold.is_(False), classes)


def _gold(session: Session, *, project: ProjectHead, worker_ids: Sequence[int]) -> dict[int, Share]:
    rows = session.scalars(
        select(WorkerSkillRow).where(
            WorkerSkillRow.project_id == project.id,
            WorkerSkillRow.field == project.field,
            WorkerSkillRow.worker_id.in_(worker_ids),
        )
    ).all()
    return {row.worker_id: Share(right=row.gold_right, seen=row.gold_seen) for row in rows}


def _median_seconds(
    session: Session, *, project: ProjectHead, batch_id: int | None, worker_ids: Sequence[int]
) -> dict[int, float]:
    """Take the middle answer of each worker (the mean of the middle two), in SQL both databases know."""
    mine = AnswerRow.worker_id
    ranked = (
        select(
            mine.label("worker_id"),
            AnswerRow.seconds.label("seconds"),
            func.row_number().over(partition_by=mine, order_by=AnswerRow.seconds).label("place"),
            func.count().over(partition_by=mine).label("answers"),
        )
        .where(_of(project, batch_id), mine.in_(worker_ids))
        .subquery()
    )
    # place * 2 is answers, answers + 1 or answers + 2 exactly in the middle
    twice = ranked.c.place * 2
    rows = session.execute(
        select(ranked.c.worker_id, func.avg(ranked.c.seconds))
        .where(twice >= ranked.c.answers, twice <= ranked.c.answers + 2)
        .group_by(ranked.c.worker_id)
    ).all()
    return {worker_id: float(seconds) for worker_id, seconds in rows}


def _earned(
    session: Session, *, project: ProjectHead, batch_id: int | None, worker_ids: Sequence[int]
) -> dict[int, int]:
    query = (
        select(SittingRow.worker_id, func.sum(TransferRow.amount_micros))
        .join(TransferRow, TransferRow.sitting_id == SittingRow.id)
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .where(
            BatchRow.project_id == project.id,
            TransferRow.kind == TransferKind.PAY,
            TransferRow.currency == project.currency,
            SittingRow.worker_id.in_(worker_ids),
        )
        .group_by(SittingRow.worker_id)
    )
    if batch_id is not None:
        query = query.where(SittingRow.batch_id == batch_id)
    return {worker_id: int(amount) for worker_id, amount in session.execute(query).all()}
