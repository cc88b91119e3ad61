"""Payouts that fail: the bank refuses one or sends it back, and what it held goes into the next run, once."""

from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.errors import AlreadyDone, Conflict, bad_field
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.owing import due_to, lock_worker
from crowd_hitl.services.paying import Movement, transfer
from crowd_hitl.services.paying_out import lock_payout, payout_named
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow

REASON_MIN, REASON_MAX = 3, 1000


def fail_payout(session: Session, *, organisation_id: int, reference: str, reason: str, now: datetime) -> PayoutRow:
    """Note that the bank did not pay, or sent the money back; the same again changes nothing.

    What it held is due again. Conflict while it was not exported; AlreadyDone for another reason than before.
    """
    why = reason.strip()
    if not REASON_MIN <= len(why) <= REASON_MAX:
        raise bad_field("reason", expected=f"{REASON_MIN} to {REASON_MAX} characters: what the bank said", found=reason)
    lock_worker(session, payout_named(session, organisation_id=organisation_id, reference=reference).worker_id)
    payout = lock_payout(session, organisation_id=organisation_id, reference=reference)
    if payout.state == "failed":
        if payout.failure != why:
            raise AlreadyDone(f"{reference} was marked failed before: {payout.failure}.")
        return payout
    if payout.state == "due":
        raise Conflict(f"{reference} was not exported yet: nobody can have refused it.")
    if payout.state == "paid":
        transfer(
            session,
            Movement(
                kind=TransferKind.PAYOUT_RETURN,
                source=organisation_id,
                target=payout.worker_id,
                amount_micros=payout.amount_micros,
                currency=payout.currency,
                business_key=f"payout-return:{payout.id}",
                note=reference,
            ),
            now=now,
        )
    payout.state, payout.failed_at, payout.failure = "failed", now, why
    session.execute(update(PayoutLineRow).where(PayoutLineRow.payout_id == payout.id).values(is_void=True))
    session.flush()
    return payout


def reopen_payout(session: Session, *, organisation_id: int, reference: str) -> PayoutRow:
    """Make a payout that was marked failed by mistake exported again; one that is exported stays as it is.

    Conflict when its money came back, is in a later run, or was taken back since: then it is too late.
    """
    found = payout_named(session, organisation_id=organisation_id, reference=reference)
    lock_worker(session, found.worker_id)
    payout = lock_payout(session, organisation_id=organisation_id, reference=reference)
    if payout.state == "exported":
        return payout
    if payout.state != "failed":
        raise Conflict(f"{reference} is {payout.state}: only a payout that was marked failed can be opened again.")
    if payout.paid_at is not None:
        raise Conflict(f"{reference} was paid and came back: what it held goes out with the next run.")
    _check_free(session, payout)
    payout.state, payout.failed_at, payout.failure = "exported", None, None
    # Should a line stand elsewhere all the same, the index refuses this.
    session.execute(update(PayoutLineRow).where(PayoutLineRow.payout_id == payout.id).values(is_void=False))
    session.flush()
    return payout


def _check_free(session: Session, payout: PayoutRow) -> None:
    other = aliased(PayoutLineRow)
    later = session.scalar(
        select(PayoutRow)
        .join(other, other.payout_id == PayoutRow.id)
        .where(
            ~other.is_void,
            exists().where(PayoutLineRow.payout_id == payout.id, PayoutLineRow.transfer_id == other.transfer_id),
        )
        .limit(1)
    )
    if later is not None:
        raise Conflict(f"What {payout.reference} held is in {later.reference} now. Mark that one instead.")
    due = due_to(session, worker_id=payout.worker_id, currency=payout.currency)
    if due < payout.amount_micros:
        raise Conflict(
            f"{payout.reference} was for {units(payout.amount_micros)} {payout.currency}, and only {units(due)} of it "
            "is due still: the rest was taken back or paid out since. Collect a new run."
        )
