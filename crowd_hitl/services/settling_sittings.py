"""Settling a sitting: once nothing of it is held or undecided, what was approved is paid with one pay and one fee.

The order of locks: a submit, release or lapse holds its own leased assignment, then takes the sitting; a decision takes
the sitting first, then the answer it decides. With the sitting in hand its other submitted answers are taken, then
batch, task and budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import SET_ASIDE, AssignmentState, SittingState
from crowd_hitl.domain.fees import answer_fee_micros, fee_rule
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.sittings import time_pay_micros
from crowd_hitl.services.transferring import Movement, give_back, transfer
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, OfferRow, SittingRow

AUTO = "auto"
UNSETTLED = (SittingState.OPEN, SittingState.SUBMITTED)


@dataclass(frozen=True)
class Due:
    """What answers of a sitting earn together: pay and fee in micro-units, and the active seconds paid for, if any."""

    pay_micros: int
    fee_micros: int
    seconds: float | None = None

    @property
    def cost_micros(self) -> int:
        """Pay and fee together."""
        return self.pay_micros + self.fee_micros


def settle_sitting(session: Session, *, sitting_id: int, now: datetime) -> None:
    """Pay for a sitting that is over; does nothing while a place of it is leased, or after it was settled.

    With auto approval what was submitted is approved here, all at once; otherwise the last decision comes first. A
    sitting paid by the hour stays open until its end.
    """
    sitting = lock_sitting(session, sitting_id)
    if sitting.state not in UNSETTLED or _has(session, sitting_id, AssignmentState.LEASED):
        return
    batch = session.get_one(BatchRow, sitting.batch_id)
    if batch.hourly_micros is not None and (sitting.ends_at is None or now < sitting.ends_at):
        return
    undecided = _of(session, sitting_id, AssignmentState.SUBMITTED)
    if undecided and batch.approval != AUTO:
        sitting.state = SittingState.SUBMITTED
        session.flush()
        return
    for assignment in undecided:
        assignment.state, assignment.decided_at = AssignmentState.APPROVED, now
    session.flush()
    approved = _of(session, sitting_id, AssignmentState.APPROVED)
    set_aside = any(_has(session, sitting_id, state) for state in SET_ASIDE)
    sitting.state = SittingState.SETTLED if approved or set_aside else SittingState.LAPSED
    if approved:
        due = due_for(session, batch=batch, sitting=sitting, assignment_ids=[row.id for row in approved])
        pay_sitting(session, batch=batch, sitting=sitting, due=due, now=now)
        held = len(approved) * (batch.price_micros + batch.fee_micros)
        give_back(session, batch=batch, amount_micros=held - due.cost_micros, now=now)
    session.flush()


def not_needed(session: Session, batch: BatchRow) -> int:
    """Count, in one statement and so at one moment, what a batch holds beyond unsettled answers and its line."""
    undecided = (
        select(func.count())
        .where(AssignmentRow.batch_id == batch.id)
        .where(AssignmentRow.state.in_([AssignmentState.LEASED.value, AssignmentState.SUBMITTED.value]))
        .scalar_subquery()
    )
    approved = (  # of sittings that wait for their other answers, or for their hour
        select(func.count())
        .select_from(SittingRow)
        .join(AssignmentRow, AssignmentRow.sitting_id == SittingRow.id)
        .where(SittingRow.batch_id == batch.id, SittingRow.state.in_([state.value for state in UNSETTLED]))
        .where(AssignmentRow.state == AssignmentState.APPROVED.value)
        .scalar_subquery()
    )
    came_in = TransferRow.kind.in_([TransferKind.RESERVE.value, TransferKind.EXTEND.value])
    held = (
        select(func.coalesce(func.sum(case((came_in, 1), else_=-1) * TransferRow.amount_micros), 0))
        .where(TransferRow.batch_id == batch.id)
        .scalar_subquery()
    )
    found = session.scalar(select(held - (undecided + approved) * (batch.price_micros + batch.fee_micros)))
    return int(found or 0) - batch.compensation_micros


def lock_sitting(session: Session, sitting_id: int) -> SittingRow:
    """Read a sitting and keep others from changing it."""
    return session.scalars(
        select(SittingRow)
        .where(SittingRow.id == sitting_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def lock_sittings_of(session: Session, assignment_ids: Sequence[int]) -> None:
    """Lock the sittings of these assignments in the order of their ids, before any of the assignments."""
    theirs = select(AssignmentRow.sitting_id).where(AssignmentRow.id.in_(assignment_ids))
    session.execute(
        select(SittingRow.id).where(SittingRow.id.in_(theirs)).order_by(SittingRow.id).with_for_update(key_share=True)
    )


def due_for(session: Session, *, batch: BatchRow, sitting: SittingRow, assignment_ids: Sequence[int]) -> Due:
    """Work out what these answers of a sitting earn, by its own price, by the batch's, or by their active time."""
    count = len(assignment_ids)
    if batch.hourly_micros is not None:
        found = select(func.sum(AnswerRow.seconds)).where(AnswerRow.assignment_id.in_(assignment_ids))
        seconds = float(session.scalar(found) or 0.0)
        pay = time_pay_micros(
            seconds, hourly_micros=batch.hourly_micros, answers=count, price_micros=batch.price_micros
        )
        return Due(pay, _scaled_fee(session, batch, price_micros=pay, times=1, most=count * batch.fee_micros), seconds)
    if sitting.price_micros is None or sitting.price_micros == batch.price_micros:
        return Due(count * batch.price_micros, count * batch.fee_micros)
    fee = _scaled_fee(session, batch, price_micros=sitting.price_micros, times=count, most=count * batch.fee_micros)
    return Due(count * sitting.price_micros, fee)


def pay_sitting(session: Session, *, batch: BatchRow, sitting: SittingRow, due: Due, now: datetime) -> None:
    """Move a sitting's pay and fee out of what its batch holds; a second payment is refused by the ledger."""
    sitting.seconds = due.seconds
    shares = (
        (TransferKind.PAY, sitting.worker_id, due.pay_micros),
        (TransferKind.FEE, batch.id, due.fee_micros),
    )
    for kind, target, amount_micros in shares:
        if amount_micros:
            movement = Movement(
                kind=kind,
                source=batch.id,
                target=target,
                amount_micros=amount_micros,
                currency=batch.currency,
                batch_id=batch.id,
                sitting_id=sitting.id,
            )
            transfer(session, movement, now=now)


def _scaled_fee(session: Session, batch: BatchRow, *, price_micros: int, times: int, most: int) -> int:
    """Take the channel's fee of the day the batch was published on from a lower pay; the places' fee is its ceiling."""
    if most == 0:
        return 0
    channel = session.scalars(select(OfferRow.channel).where(OfferRow.batch_id == batch.id, OfferRow.ordinal == 0))
    rule = fee_rule(channel.one(), on=batch.published_at.date())
    return min(most, times * answer_fee_micros(rule, price_micros=price_micros, overlap_max=batch.overlap_max))


def _has(session: Session, sitting_id: int, state: AssignmentState) -> bool:
    found = select(AssignmentRow.id).where(AssignmentRow.sitting_id == sitting_id, AssignmentRow.state == state.value)
    return session.scalar(found.limit(1)) is not None


def _of(session: Session, sitting_id: int, state: AssignmentState) -> Sequence[AssignmentRow]:
    return session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.sitting_id == sitting_id, AssignmentRow.state == state.value)
        .order_by(AssignmentRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
