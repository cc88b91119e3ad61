"""The loop's rounds: what each asked, bought, cost and found; and what the certificates say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.services.reporting.intervals import Share
from crowd_hitl.services.reporting.money import Cost, costs_by
from crowd_hitl.store.loop_rows import CertificateRow, ChoiceRow, LoopRow, ModelVersionRow, RoundRow
from crowd_hitl.store.work_rows import AnswerRow, BatchRow

MOST_ROUNDS = 200


@dataclass(frozen=True)
class HeardModel:
    """The newest model that a pass has tried beside people's answers: its τ (0: not heard), its gain in nats a task."""

    number: int
    temper: float
    gain: float


@dataclass(frozen=True)
class LoopState:
    """Where the newest loop of a project stands, and what it works towards; `heard` is what became of its model's word.

    `joint`: whether the loop wants the model weighed with people at all.
    """

    id: int
    state: str
    phase: str
    stopped: str | None
    max_error: float
    delta: float
    confidence_target: float
    started_at: datetime
    stopped_at: datetime | None
    joint: bool
    heard: HeardModel | None


@dataclass(frozen=True)
class RoundLine:
    """One round; money and answers are added up, `reasons` counts why its items were chosen."""

    id: int
    number: int
    purpose: str
    state: str
    items: int
    answers: int
    human_labels: int
    model_labels: int
    model_number: int | None
    gold: Share | None
    heard: HeardModel | None
    cost: Cost
    spent_so_far_micros: int
    reasons: dict[str, int]
    started_at: datetime

    @property
    def spent_micros(self) -> int:
        """Return all that this round spent."""
        return self.cost.spent_micros

    @property
    def per_label_micros(self) -> float | None:
        """Return what one label of this round cost; None when it made none."""
        return self.cost.per_label_micros(self.human_labels + self.model_labels)


@dataclass(frozen=True)
class CertificateLine:
    """What an audit proved, or did not."""

    id: int
    round_number: int
    model_number: int | None
    method: str
    threshold: float
    max_error: float
    delta: float
    pool: int
    accepted: int
    audited: int
    errors: int
    bound: float
    kept: bool
    state: str
    created_at: datetime


def loop_state(session: Session, *, project_id: int) -> LoopState | None:
    """Return the project's newest loop, None when there was none."""
    loop = session.scalars(
        select(LoopRow).where(LoopRow.project_id == project_id).order_by(LoopRow.id.desc()).limit(1)
    ).one_or_none()
    if loop is None:
        return None
    return LoopState(
        id=loop.id,
        state=loop.state,
        phase=loop.phase,
        stopped=loop.stopped,
        max_error=float(loop.policy.get("max_error", 0.0)),
        delta=float(loop.policy.get("delta", 0.0)),
        confidence_target=float(loop.policy.get("confidence_target", 0.95)),
        started_at=loop.started_at,
        stopped_at=loop.stopped_at,
        joint=bool(loop.policy.get("joint", LoopPolicy.joint)),
        heard=_newest_heard(session, loop_id=loop.id),
    )


def list_rounds(session: Session, *, project_id: int) -> list[RoundLine]:
    """List the rounds of the project's newest loop in their order."""
    loop = loop_state(session, project_id=project_id)
    if loop is None:
        return []
    rounds = session.scalars(
        select(RoundRow).where(RoundRow.loop_id == loop.id).order_by(RoundRow.number).limit(MOST_ROUNDS)
    ).all()
    ids = [one.id for one in rounds]
    costs, answers = _costs(session, round_ids=ids), _answers(session, round_ids=ids)
    models = _models(session, round_ids=ids)
    reasons = _reasons(session, round_ids=ids)
    lines: list[RoundLine] = []
    so_far = 0
    for one in rounds:
        cost = costs.get(one.id, Cost())
        so_far += cost.spent_micros
        model = models.get(one.id)
        lines.append(
            RoundLine(
                id=one.id,
                number=one.number,
                purpose=one.purpose,
                state=one.state,
                items=one.items_asked,
                answers=answers.get(one.id, 0),
                human_labels=one.human_labels,
                model_labels=one.model_labels,
                model_number=model.number if model else None,
                gold=Share(right=model.gold_right, seen=model.gold_seen) if model else None,
                heard=_heard(model),
                cost=cost,
                spent_so_far_micros=so_far,
                reasons=reasons.get(one.id, {}),
                started_at=one.started_at,
            )
        )
    return lines


def list_certificates(session: Session, *, project_id: int) -> list[CertificateLine]:
    """List the project's certificates, the newest first."""
    rows = session.execute(
        select(CertificateRow, RoundRow.number, ModelVersionRow.number)
        .join(RoundRow, RoundRow.id == CertificateRow.round_id)
        .outerjoin(ModelVersionRow, ModelVersionRow.id == CertificateRow.model_version_id)
        .where(CertificateRow.project_id == project_id)
        .order_by(CertificateRow.id.desc())
        .limit(MOST_ROUNDS)
    ).all()
    return [
        CertificateLine(
            id=row.id,
            round_number=round_number,
            model_number=model_number,
            method=row.method,
            threshold=row.threshold,
            max_error=row.max_error,
            delta=row.delta,
            pool=row.pool,
            accepted=row.accepted,
            audited=row.audited,
            errors=row.errors,
            bound=row.bound,
            kept=row.kept,
            state=row.state,
            created_at=row.created_at,
        )
        for row, round_number, model_number in rows
    ]


def _answers(session: Session, *, round_ids: Sequence[int]) -> dict[int, int]:
    # counted here, as the round's own figure is written only when its asking is over
    rows = session.execute(
        select(BatchRow.round_id, func.count(AnswerRow.id))
        .join(AnswerRow, AnswerRow.batch_id == BatchRow.id)
        .where(BatchRow.round_id.in_(round_ids))
        .group_by(BatchRow.round_id)
    ).all()
    return {round_id: count for round_id, count in rows if round_id is not None}


def _models(session: Session, *, round_ids: Sequence[int]) -> dict[int, ModelVersionRow]:
    rows = session.scalars(
        select(ModelVersionRow).where(ModelVersionRow.round_id.in_(round_ids)).order_by(ModelVersionRow.number)
    ).all()
    return {row.round_id: row for row in rows if row.round_id is not None}


def _newest_heard(session: Session, *, loop_id: int) -> HeardModel | None:
    models = select(ModelVersionRow).join(RoundRow, RoundRow.id == ModelVersionRow.round_id)
    tried = models.where(RoundRow.loop_id == loop_id, ModelVersionRow.temper.is_not(None))
    return _heard(session.scalar(tried.order_by(ModelVersionRow.number.desc()).limit(1)))


def _heard(model: ModelVersionRow | None) -> HeardModel | None:
    if model is None or model.temper is None or model.gain is None:
        return None
    return HeardModel(number=model.number, temper=model.temper, gain=model.gain)


def _reasons(session: Session, *, round_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    rows = session.execute(
        select(ChoiceRow.round_id, ChoiceRow.reason, func.count())
        .where(ChoiceRow.round_id.in_(round_ids))
        .group_by(ChoiceRow.round_id, ChoiceRow.reason)
        .order_by(ChoiceRow.reason)
    ).all()
    for round_id, reason, count in rows:
        found.setdefault(round_id, {})[reason] = count
    return found


def _costs(session: Session, *, round_ids: Sequence[int]) -> dict[int, Cost]:
    """Add up each round's cost; a loop has one budget, and so one currency."""
    return {round_id: cost for (round_id, _), cost in costs_by(session, BatchRow.round_id, round_ids).items()}
