"""Concluding a round: gold is made, a model trained or an audit certified, and the loop told what follows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ports import Plugins, Storage, Verdict
from crowd_hitl.domain.rounds import Facts, LoopPolicy, Phase, StopReason, next_phase, policy_from
from crowd_hitl.services.auditing import predictions
from crowd_hitl.services.certifying import (
    Audited,
    accept_predictions,
    is_near_miss,
    looks_taken,
    read_audit,
    verdict_on,
    write_certificate,
)
from crowd_hitl.services.choosing import learner_name
from crowd_hitl.services.training import (
    Trained,
    keep_model,
    next_model_number,
    read_lesson,
    train,
    unlabelled,
    write_model,
)
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ChoiceRow, LoopRow, RoundRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.project_rows import BOUGHT, GoldRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow

TRAINS = (Phase.LEARN, Phase.DOUBTFUL, Phase.RECHECK)
# A bought reference may be shown to so many workers; each sees it once in any case.
REFERENCE_VIEWS = 1000


@dataclass(frozen=True)
class Outcome:
    """What a round led to, computed outside any transaction."""

    trained: Trained | None = None
    columns: Mapping[str, Any] | None = None
    agreement: float | None = None
    audit: Audited | None = None
    verdict: Verdict | None = None


def conclude(uow: UnitOfWork, *, loop: LoopRow, round_row: RoundRow, plugins: Plugins, storage: Storage) -> None:
    """Do what a round's phase asks for, then write it down and set the loop's next phase."""
    phase, policy, outcome = Phase(round_row.purpose), policy_from(loop.policy), Outcome()
    if phase in TRAINS and round_row.items_asked:
        outcome = _train(uow, loop=loop, policy=policy, plugins=plugins, storage=storage)
    if phase == Phase.CONFIRM:
        audit = uow.read(read_audit, loop=loop, policy=policy)
        outcome = Outcome(
            audit=audit, verdict=verdict_on(audit, certifier=plugins.certifiers[policy.certifier], policy=policy)
        )
    uow.run(write_outcome, loop_id=loop.id, round_id=round_row.id, outcome=outcome)


def write_outcome(session: Session, *, loop_id: int, round_id: int, outcome: Outcome, now: datetime) -> None:
    """Write a round's outcome and what follows; does nothing when another process has done it."""
    loop = session.scalars(select(LoopRow).where(LoopRow.id == loop_id).with_for_update(key_share=True)).one()
    row = session.get_one(RoundRow, round_id, populate_existing=True)
    if row.state != "asked" or loop.state != "running":
        return
    policy = policy_from(loop.policy)
    if row.purpose == Phase.REFERENCE:
        _make_gold(session, row, policy=policy, now=now)
    if outcome.trained is not None and outcome.columns is not None:
        _keep(session, row, outcome, now=now)
    if outcome.audit is not None and outcome.verdict is not None:
        _certify(session, row, outcome.audit, outcome.verdict, policy=policy, now=now)
    row.human_labels = _human_labels(session, round_id)
    row.state, row.finished_at = "done", now
    session.flush()
    _set_next(session, loop, row, policy=policy, verdict=outcome.verdict, now=now)


def stop(session: Session, *, loop_id: int, reason: StopReason, now: datetime) -> LoopRow:
    """End a loop and say why; stopping twice changes nothing."""
    loop = session.scalars(select(LoopRow).where(LoopRow.id == loop_id).with_for_update(key_share=True)).one()
    if loop.state == "running":
        loop.state, loop.phase, loop.stopped, loop.stopped_at = "stopped", Phase.STOPPED, reason, now
        session.flush()
    return loop


def _train(uow: UnitOfWork, *, loop: LoopRow, policy: LoopPolicy, plugins: Plugins, storage: Storage) -> Outcome:
    try:
        lesson = uow.read(read_lesson, project_id=loop.project_id, plugins=plugins)
    except BadInput:
        return Outcome()  # nothing was agreed in this round: there is nothing to learn, and the loop goes on
    learner = plugins.learners[learner_name(policy, lesson)]
    trained = train(uow, lesson, learner=learner, storage=storage, seed=loop.seed, held_out=policy.joint)
    number = uow.read(next_model_number, project_id=loop.project_id)
    before = {i: row.value for i, row in uow.read(predictions, project_id=loop.project_id).items()}
    both = [(value, before[item_id]) for item_id, value, _, _ in trained.predicted if item_id in before]
    return Outcome(
        trained=trained,
        columns=keep_model(lesson, trained, storage=storage, number=number),
        agreement=sum(new == old for new, old in both) / len(both) if both else None,
    )


def _keep(session: Session, row: RoundRow, outcome: Outcome, *, now: datetime) -> None:
    assert outcome.trained is not None
    assert outcome.columns is not None
    model = write_model(
        session,
        columns=outcome.columns,
        trained=outcome.trained,
        round_id=row.id,
        spent_micros=_spent(session, row.loop_id),
        now=now,
    )
    row.model_version_id = model.id
    row.model_agreement = outcome.agreement
    row.model_accuracy = model.gold_right / model.gold_seen if model.gold_seen else None


def _certify(
    session: Session, row: RoundRow, audit: Audited, verdict: Verdict, *, policy: LoopPolicy, now: datetime
) -> None:
    certificate = write_certificate(session, audit=audit, verdict=verdict, round_id=row.id, policy=policy, now=now)
    if verdict.kept:
        row.model_labels = accept_predictions(session, certificate_id=certificate.id, now=now)


def _set_next(
    session: Session, loop: LoopRow, row: RoundRow, *, policy: LoopPolicy, verdict: Verdict | None, now: datetime
) -> None:
    kept = verdict is not None and verdict.kept
    phase = Phase(row.purpose)
    facts = Facts(
        unlabelled=len(unlabelled(session, project_id=loop.project_id)),
        learn_rounds=_count_rounds(session, loop.id, Phase.LEARN),
        agreements=_agreements(session, loop.id),
        looks_taken=looks_taken(session, loop_id=loop.id),
        kept=kept,
        near=verdict is not None and is_near_miss(verdict, policy),
    )
    following = next_phase(Phase.CERTIFY if phase == Phase.CONFIRM else phase, facts, policy)
    stuck = phase == Phase.LEARN and following == Phase.LEARN and row.items_asked == 0
    if following == Phase.STOPPED or stuck:
        stop(session, loop_id=loop.id, reason=StopReason.PROMISE if kept else StopReason.EXHAUSTED, now=now)
        return
    loop.phase = following
    if phase == Phase.CONFIRM:
        loop.extending = following == Phase.AUDIT
    session.flush()


def _make_gold(session: Session, row: RoundRow, *, policy: LoopPolicy, now: datetime) -> None:
    """Keep as gold what the reference answers settled; the rest stays an ordinary label that nothing learns from."""
    labels = session.scalars(
        select(LabelRow)
        .join(ChoiceRow, ChoiceRow.item_id == LabelRow.item_id)
        .where(ChoiceRow.round_id == row.id, LabelRow.state == "current")
        .where(LabelRow.confidence >= policy.reference_confidence, LabelRow.source == LabelSource.CONSENSUS)
        .where(LabelRow.crowd_value.is_(None))
        .order_by(LabelRow.item_id)
    )
    session.add_all(
        GoldRow(
            project_id=row.project_id,
            item_id=label.item_id,
            field=label.field,
            value=label.value,
            source=BOUGHT,
            views_max=REFERENCE_VIEWS,
            views_reserved=0,
            created_at=now,
        )
        for label in labels
    )
    session.flush()


def _human_labels(session: Session, round_id: int) -> int:
    found = select(func.count()).where(
        LabelRow.round_id == round_id, LabelRow.state == "current", LabelRow.source == LabelSource.CONSENSUS
    )
    return session.scalar(found) or 0


def _count_rounds(session: Session, loop_id: int, phase: Phase) -> int:
    found = select(func.count()).where(RoundRow.loop_id == loop_id, RoundRow.purpose == phase)
    return session.scalar(found) or 0


def _agreements(session: Session, loop_id: int) -> tuple[float, ...]:
    rows = session.scalars(
        select(RoundRow.model_agreement)
        .where(RoundRow.loop_id == loop_id, RoundRow.purpose == Phase.LEARN, RoundRow.model_agreement.is_not(None))
        .order_by(RoundRow.number)
    )
    return tuple(agreement for agreement in rows if agreement is not None)


def _spent(session: Session, loop_id: int) -> int:
    """Add up what the loop's batches have paid so far, in micro-units."""
    found = (
        select(func.sum(TransferRow.amount_micros))
        .join(BatchRow, BatchRow.id == TransferRow.batch_id)
        .join(RoundRow, RoundRow.id == BatchRow.round_id)
        .where(RoundRow.loop_id == loop_id, TransferRow.kind.in_(["pay", "fee"]))
    )
    return int(session.scalar(found) or 0)
