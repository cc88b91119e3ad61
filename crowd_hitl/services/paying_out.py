"""Payouts: a run collects what each worker is due, a file takes it to the bank, and it is marked paid by reference."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import BigInteger, func, insert, literal, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, NotFound, bad_field
from crowd_hitl.domain.ledger import AccountKind, TransferKind
from crowd_hitl.domain.money import payable, units
from crowd_hitl.services.balances import signed_amount
from crowd_hitl.services.owing import dues_of, lock_worker, lock_workers, loose_lines, step_of
from crowd_hitl.services.paying import Movement, transfer
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow, PayoutRunRow

# In the file: what the bank was asked to pay. A payout that failed stays out of it when it is taken out again.
SENT = ("exported", "paid")
PAID_AS_MAX = 200
FILE_COLUMNS = ("reference", "worker", "name", "currency", "amount", "run")


def collect(session: Session, *, organisation_id: int, key: str | None, now: datetime) -> PayoutRunRow:
    """Put all that is due into a new run of payouts; the same key again is the same run. Conflict if nothing is due."""
    if key is not None:
        done = session.scalar(
            select(PayoutRunRow).where(
                PayoutRunRow.organisation_id == organisation_id, PayoutRunRow.business_key == key
            )
        )
        if done is not None:
            return done
    # Before anything is added up: nobody takes from it until this is done (more may be earned meanwhile).
    lock_workers(session, organisation_id=organisation_id)
    run = PayoutRunRow(organisation_id=organisation_id, business_key=key, created_at=now)
    session.add(run)
    session.flush()
    _collect_payouts(session, run)
    if session.scalar(select(PayoutRow.id).where(PayoutRow.run_id == run.id).limit(1)) is None:
        raise Conflict("Nobody is due a payout. What is still to be approved or decided is not due yet.")
    _collect_lines(session, run)
    _take_in_late_earnings(session, run)
    return run


def _collect_payouts(session: Session, run: PayoutRunRow) -> None:
    """Make a payout for whom at least a cent is due; added up in the database, however much there is."""
    dues = dues_of(run.organisation_id)
    due = dues.c.earned + dues.c.carried
    step = step_of(dues.c.currency)
    session.execute(
        insert(PayoutRow).from_select(
            ["run_id", "worker_id", "currency", "earned_micros", "carried_micros", "amount_micros", "state"],
            select(
                literal(run.id, BigInteger),
                dues.c.worker_id,
                dues.c.currency,
                dues.c.earned,
                dues.c.carried,
                due - due % step,
                literal("due"),
            )
            .where(due >= step)
            .order_by(dues.c.currency, dues.c.worker_id),
        )
    )


def _collect_lines(session: Session, run: PayoutRunRow) -> None:
    loose = loose_lines()
    session.execute(
        insert(PayoutLineRow).from_select(
            ["payout_id", "transfer_id", "is_void"],
            select(PayoutRow.id, loose.c.transfer_id, literal(False))
            .join(
                LedgerAccountRow,
                (LedgerAccountRow.kind == AccountKind.WORKER)
                & (LedgerAccountRow.ref_id == PayoutRow.worker_id)
                & (LedgerAccountRow.currency == PayoutRow.currency),
            )
            .join(loose, loose.c.account_id == LedgerAccountRow.id)
            .where(PayoutRow.run_id == run.id)
            .order_by(loose.c.transfer_id),
        )
    )


def _take_in_late_earnings(session: Session, run: PayoutRunRow) -> None:
    """Count in what was approved between adding up and taking the lines; it can only have become more."""
    lines = (
        select(PayoutLineRow.payout_id, func.sum(signed_amount()).label("earned"))
        .join(TransferRow, TransferRow.id == PayoutLineRow.transfer_id)
        .join(PayoutRow, PayoutRow.id == PayoutLineRow.payout_id)
        .where(PayoutRow.run_id == run.id)
        .group_by(PayoutLineRow.payout_id)
        .subquery()
    )
    rows = session.execute(
        select(PayoutRow, lines.c.earned)
        .join(lines, lines.c.payout_id == PayoutRow.id)
        .where(lines.c.earned != PayoutRow.earned_micros)
    )
    for payout, earned in rows.all():
        payout.earned_micros = int(earned)
        payout.amount_micros = payable(payout.earned_micros + payout.carried_micros, currency=payout.currency)
    session.flush()


def export_run(session: Session, *, run_id: int, now: datetime) -> int:
    """Say that the run's file is taken out; payouts that were exported or paid before stay as they are."""
    mine = (PayoutRow.run_id == run_id, PayoutRow.state == "due")
    count = session.scalar(select(func.count()).where(*mine)) or 0
    session.execute(update(PayoutRow).where(*mine).values(state="exported", exported_at=now))
    return count


def payout_file(session: Session, *, run_id: int) -> Iterator[dict[str, object]]:
    """Give the rows of the run's payout file (FILE_COLUMNS), the same ones each time."""
    rows = session.execute(
        select(PayoutRow, WorkerRow)
        .join(WorkerRow, WorkerRow.id == PayoutRow.worker_id)
        .where(PayoutRow.run_id == run_id, PayoutRow.state.in_(SENT))
        .order_by(PayoutRow.currency, PayoutRow.id)
        .execution_options(yield_per=1_000)
    )
    for payout, worker in rows:
        yield {
            "reference": payout.reference,
            "worker": worker.public_id,
            "name": worker.name,
            "currency": payout.currency,
            "amount": units(payout.amount_micros),
            "run": run_id,
        }


def mark_paid(
    session: Session, *, organisation_id: int, reference: str, paid_as: str | None, now: datetime
) -> PayoutRow:
    """Note that a payout was paid; the same again changes nothing, another `paid_as` is AlreadyDone.

    Conflict while it was not exported: nobody can have paid what was never sent.
    """
    if paid_as is not None and not 1 <= len(paid_as) <= PAID_AS_MAX:
        raise bad_field("paid_as", expected=f"1 to {PAID_AS_MAX} characters", found=paid_as)
    # before the payout, as whoever counts what a worker is due does: a claw-back would count it twice, or not at all
    lock_worker(session, payout_named(session, organisation_id=organisation_id, reference=reference).worker_id)
    payout = lock_payout(session, organisation_id=organisation_id, reference=reference)
    if payout.state == "paid":
        if paid_as not in (None, payout.paid_as):
            raise AlreadyDone(f"{reference} was marked paid before, as {payout.paid_as or 'no name'}.")
        return payout
    if payout.state == "due":
        raise Conflict(f"{reference} was not exported yet. Export its run first: crowd-hitl payout export RUN")
    if payout.state == "failed":
        raise Conflict(
            f"{reference} was marked failed: {payout.failure}. If it was paid in the end, open it again first: "
            f"crowd-hitl payout reopen {reference}"
        )
    payout.state, payout.paid_at, payout.paid_as = "paid", now, paid_as
    transfer(
        session,
        Movement(
            kind=TransferKind.PAYOUT,
            source=payout.worker_id,
            target=organisation_id,
            amount_micros=payout.amount_micros,
            currency=payout.currency,
            business_key=f"payout:{payout.id}",
            note=reference if paid_as is None else f"{reference} {paid_as}",
        ),
        now=now,
    )
    return payout


def mark_all_paid(
    session: Session, *, organisation_id: int, references: Sequence[str], paid_as: str | None, now: datetime
) -> list[PayoutRow]:
    """Mark several payouts paid, all or none."""
    return [
        mark_paid(session, organisation_id=organisation_id, reference=one, paid_as=paid_as, now=now)
        for one in references
    ]


def payout_named(session: Session, *, organisation_id: int, reference: str) -> PayoutRow:
    """Find a payout by its reference; NotFound if the organisation has none of that name."""
    _, _, numbers = reference.strip().partition("CH-")
    run_id, _, payout_id = numbers.partition("-")
    found = None
    if run_id.isdecimal() and payout_id.isdecimal() and len(numbers) < 37:
        found = session.scalar(
            select(PayoutRow)
            .join(PayoutRunRow, PayoutRunRow.id == PayoutRow.run_id)
            .where(
                PayoutRow.id == int(payout_id),
                PayoutRow.run_id == int(run_id),
                PayoutRunRow.organisation_id == organisation_id,
            )
        )
    if found is None or found.reference != reference.strip():
        raise NotFound(f"There is no payout {reference[:80]}.")
    return found


def lock_payout(session: Session, *, organisation_id: int, reference: str) -> PayoutRow:
    """Find a payout by its reference and keep others from changing it."""
    found = payout_named(session, organisation_id=organisation_id, reference=reference)
    session.refresh(found, with_for_update={"key_share": True})
    return found
