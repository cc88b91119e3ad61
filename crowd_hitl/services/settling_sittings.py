"""Settling a sitting: it is paid once, when nothing in it is open any more."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services.paying import Movement, transfer
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, SittingRow

# A sitting in one of these is done with.
OVER = (SittingState.SETTLED, SittingState.OWED)


def settle_sitting(session: Session, *, sitting_id: int, now: datetime) -> None:
    """Pay for a sitting if none of its assignments is leased or undecided any more; else leave it as it is.

    Where answers are approved by themselves, those of a page are so together, once the page is complete.
    """
    session.flush()
    # Whoever ends one of its assignments comes here: this lock is their turn, so that the last one sees all the others.
    sitting = session.scalars(
        select(SittingRow)
        .where(SittingRow.id == sitting_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
    assignments = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.sitting_id == sitting_id)
        .order_by(AssignmentRow.id)
        .execution_options(populate_existing=True)
    ).all()
    if sitting.state in OVER or any(row.state == AssignmentState.LEASED for row in assignments):
        return
    batch = session.get_one(BatchRow, sitting.batch_id)
    undecided = [row for row in assignments if row.state == AssignmentState.SUBMITTED]
    if batch.approval == "auto":
        for row in undecided:
            row.state = AssignmentState.APPROVED
        undecided = []
    answered = any(row.state not in (AssignmentState.RELEASED, AssignmentState.EXPIRED) for row in assignments)
    if answered and sitting.submitted_at is None:
        sitting.submitted_at = now
    if undecided:
        sitting.state = SittingState.SUBMITTED
    else:
        sitting.state = SittingState.SETTLED if answered else SittingState.LAPSED
        approved = sum(row.state == AssignmentState.APPROVED for row in assignments)
        _pay(session, sitting, batch, answers=approved, now=now)
    session.flush()


def _pay(session: Session, sitting: SittingRow, batch: BatchRow, *, answers: int, now: datetime) -> None:
    shares = (
        (TransferKind.PAY, sitting.worker_id, answers * batch.price_micros),
        (TransferKind.FEE, batch.id, answers * batch.fee_micros),
    )
    for kind, target, amount_micros in shares:
        if amount_micros:
            transfer(
                session,
                Movement(
                    kind=kind,
                    source=batch.id,
                    target=target,
                    amount_micros=amount_micros,
                    currency=batch.currency,
                    batch_id=batch.id,
                    sitting_id=sitting.id,
                ),
                now=now,
            )
