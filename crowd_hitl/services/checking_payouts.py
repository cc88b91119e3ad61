"""What must hold of money on its way to workers: payouts, their lines, returns and claw-backs."""

from collections.abc import Iterator

from sqlalchemy import String, and_, case, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.ledger import EARNING, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.balances import signed_amount
from crowd_hitl.services.owing import PROMISED
from crowd_hitl.store.money_rows import LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import ClawbackRow, PayoutLineRow, PayoutRow


def payouts_add_up(session: Session) -> Iterator[Problem]:
    """A payout's earnings are its lines, all its worker's and in its currency, void exactly when it failed."""
    own = and_(LedgerAccountRow.ref_id == PayoutRow.worker_id, LedgerAccountRow.currency == PayoutRow.currency)
    known = TransferRow.kind.in_((*EARNING, TransferKind.CLAWBACK))
    right = and_(
        *(own, known, LedgerAccountRow.kind == AccountKind.WORKER),
        PayoutLineRow.is_void == (PayoutRow.state == "failed"),
    )
    worker = case((TransferRow.kind == TransferKind.CLAWBACK, TransferRow.from_id), else_=TransferRow.to_id)
    lines = func.coalesce(func.sum(case((right, signed_amount()), else_=0)), 0)
    wrong = func.coalesce(func.sum(case((right, 0), (TransferRow.id.is_(None), 0), else_=1)), 0)
    rows = session.execute(
        select(PayoutRow.id, PayoutRow.earned_micros, lines, wrong)
        .outerjoin(PayoutLineRow, PayoutLineRow.payout_id == PayoutRow.id)
        .outerjoin(TransferRow, TransferRow.id == PayoutLineRow.transfer_id)
        .outerjoin(LedgerAccountRow, LedgerAccountRow.id == worker)
        .group_by(PayoutRow.id, PayoutRow.earned_micros)
        .having((PayoutRow.earned_micros != lines) | (wrong > 0))
    )
    for payout_id, earned, found, strange in rows:
        yield Problem("payout", f"payout {payout_id}", units(int(earned)), f"{units(int(found))}, {strange} strange")


def payouts_leave_the_ledger_once(session: Session) -> Iterator[Problem]:
    """Money left the ledger as the paid payouts say, and came back as those say that failed after it."""
    paid = PayoutRow.paid_at.is_not(None)
    ways = (
        (TransferKind.PAYOUT, "payout:", paid),
        (TransferKind.PAYOUT_RETURN, "payout-return:", and_(paid, PayoutRow.state == "failed")),
    )
    for kind, key, holds in ways:
        due = case((holds, PayoutRow.amount_micros), else_=0)
        right = and_(TransferRow.business_key == literal(key) + cast(PayoutRow.id, String), TransferRow.kind == kind)
        rows = session.execute(
            select(PayoutRow.id, due, func.coalesce(TransferRow.amount_micros, 0))
            .outerjoin(TransferRow, right)
            .where(due != func.coalesce(TransferRow.amount_micros, 0))
        )
        for payout_id, expected, found in rows:
            yield Problem("paid out", f"payout {payout_id}", units(int(expected)), f"{units(int(found))} as {kind}")
        counted = select(func.count()).select_from(PayoutRow).where(holds).scalar_subquery()
        moved = session.scalar(select(func.count() - counted).where(TransferRow.kind == kind))
        if moved:
            yield Problem("paid out", "the ledger", f"one {kind} for each such payout", f"{moved} more")


def nobody_is_due_less_than_nothing(session: Session) -> Iterator[Problem]:
    """What a worker earned covers what was paid out, what is on its way and what was taken back."""
    moved = (
        select(TransferRow.to_id.label("account_id"), TransferRow.amount_micros.label("amount"))
        .union_all(select(TransferRow.from_id, -TransferRow.amount_micros))
        .subquery()
    )
    held = (
        select(LedgerAccountRow.ref_id, LedgerAccountRow.currency, func.sum(moved.c.amount).label("held"))
        .join(moved, moved.c.account_id == LedgerAccountRow.id)
        .where(LedgerAccountRow.kind == AccountKind.WORKER)
        .group_by(LedgerAccountRow.ref_id, LedgerAccountRow.currency)
        .subquery()
    )
    promised = (
        select(PayoutRow.worker_id, PayoutRow.currency, func.sum(PayoutRow.amount_micros).label("promised"))
        .where(PayoutRow.state.in_(PROMISED))
        .group_by(PayoutRow.worker_id, PayoutRow.currency)
        .subquery()
    )
    under_way = func.coalesce(promised.c.promised, 0)
    same = and_(promised.c.worker_id == held.c.ref_id, promised.c.currency == held.c.currency)
    rows = session.execute(
        select(held.c.ref_id, held.c.currency, held.c.held, under_way)
        .outerjoin(promised, same)
        .where(held.c.held < under_way)
    )
    for worker_id, currency, holds, sent in rows:
        expected = f"at least {units(int(sent))} {currency}, which is on its way"
        yield Problem("due", f"worker {worker_id}", expected, units(int(holds)))


def clawbacks_say_who(session: Session) -> Iterator[Problem]:
    """Every claw-back has its row of who took it, and no such row belongs to another transfer."""
    taken = TransferRow.kind == TransferKind.CLAWBACK
    rows = session.scalars(
        select(TransferRow.id)
        .outerjoin(ClawbackRow, ClawbackRow.transfer_id == TransferRow.id)
        .where(or_(and_(taken, ClawbackRow.id.is_(None)), and_(~taken, ClawbackRow.id.is_not(None))))
    )
    for transfer_id in rows:
        yield Problem("claw-back", f"transfer {transfer_id}", "a claw-back and who took it", "one without the other")
