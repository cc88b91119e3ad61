"""Payouts: a run collects what each worker is due, a file takes it to the bank, and it is marked paid by reference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Select, func, insert, select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, NotFound, bad_field
from crowd_hitl.domain.ledger import EARNING, AccountKind, TransferKind
from crowd_hitl.domain.money import payable, units
from crowd_hitl.services.paying import Movement, transfer
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow, PayoutRunRow

LINES_AT_ONCE = 5_000
PAID_AS_MAX = 200
FILE_COLUMNS = ("reference", "worker", "name", "currency", "amount", "run")


@dataclass
class Due:
    """What one worker has earned in one currency and no payout holds yet, and the rest of earlier payouts."""

    worker_id: int
    public_id: str
    name: str
    currency: str
    earned_micros: int = 0
    carried_micros: int = 0
    transfer_ids: list[int] = field(default_factory=list)

    @property
    def due_micros(self) -> int:
        """All that is due."""
        return self.earned_micros + self.carried_micros

    @property
    def payable_micros(self) -> int:
        """What a payout would send now: whole cents."""
        return payable(self.due_micros, currency=self.currency)


def due_now(session: Session, *, organisation_id: int) -> list[Due]:
    """List what is due, by worker and currency. Simulated workers and those another channel pays are left out."""
    found: dict[tuple[int, str], Due] = {}
    for worker, currency, transfer_id, amount in session.execute(_not_in_a_payout(organisation_id)):
        one = found.setdefault((worker.id, currency), Due(worker.id, worker.public_id, worker.name, currency))
        one.earned_micros += amount
        one.transfer_ids.append(transfer_id)
    rest = func.sum(PayoutRow.earned_micros) - func.sum(PayoutRow.amount_micros)
    carried = session.execute(
        select(WorkerRow, PayoutRow.currency, rest)
        .join(PayoutRow, PayoutRow.worker_id == WorkerRow.id)
        .where(WorkerRow.organisation_id == organisation_id)
        .group_by(WorkerRow.id, PayoutRow.currency)
        .having(rest > 0)
    )
    for worker, currency, amount in carried:
        one = found.setdefault((worker.id, currency), Due(worker.id, worker.public_id, worker.name, currency))
        one.carried_micros = int(amount)
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


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
    ready = [one for one in due_now(session, organisation_id=organisation_id) if one.payable_micros > 0]
    if not ready:
        raise Conflict("Nobody is due a payout. What is still to be approved or decided is not due yet.")
    run = PayoutRunRow(organisation_id=organisation_id, business_key=key, created_at=now)
    session.add(run)
    session.flush()
    for one in ready:
        payout = PayoutRow(
            run_id=run.id,
            worker_id=one.worker_id,
            currency=one.currency,
            earned_micros=one.earned_micros,
            carried_micros=one.carried_micros,
            amount_micros=one.payable_micros,
            state="due",
        )
        session.add(payout)
        session.flush()
        lines = [{"payout_id": payout.id, "transfer_id": transfer_id} for transfer_id in one.transfer_ids]
        for start in range(0, len(lines), LINES_AT_ONCE):
            # The loser of two runs at the same time meets the unique transfer here, and is run again.
            session.execute(insert(PayoutLineRow), lines[start : start + LINES_AT_ONCE])
    return run


def export_run(session: Session, *, run_id: int, now: datetime) -> int:
    """Say that the run's file is taken out; payouts that were exported or paid before stay as they are."""
    changed = session.execute(
        update(PayoutRow)
        .where(PayoutRow.run_id == run_id, PayoutRow.state == "due")
        .values(state="exported", exported_at=now)
        .returning(PayoutRow.id)
    )
    return len(changed.all())


def payout_file(session: Session, *, run_id: int) -> Iterator[dict[str, object]]:
    """Give the rows of the run's payout file (FILE_COLUMNS), the same ones each time."""
    rows = session.execute(
        select(PayoutRow, WorkerRow)
        .join(WorkerRow, WorkerRow.id == PayoutRow.worker_id)
        .where(PayoutRow.run_id == run_id, PayoutRow.state != "due")
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
    payout = _lock_payout(session, organisation_id=organisation_id, reference=reference)
    if payout.state == "paid":
        if paid_as not in (None, payout.paid_as):
            raise AlreadyDone(f"{reference} was marked paid before, as {payout.paid_as or 'no name'}.")
        return payout
    if payout.state == "due":
        raise Conflict(f"{reference} was not exported yet. Export its run first: crowd-hitl payout export RUN")
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


def _lock_payout(session: Session, *, organisation_id: int, reference: str) -> PayoutRow:
    found = payout_named(session, organisation_id=organisation_id, reference=reference)
    session.refresh(found, with_for_update=True)
    return found


def _not_in_a_payout(organisation_id: int) -> Select[WorkerRow, str, int, int]:
    return (
        select(WorkerRow, LedgerAccountRow.currency, TransferRow.id, TransferRow.amount_micros)
        .join(
            LedgerAccountRow,
            (LedgerAccountRow.kind == AccountKind.WORKER) & (LedgerAccountRow.ref_id == WorkerRow.id),
        )
        .join(TransferRow, TransferRow.to_id == LedgerAccountRow.id)
        .outerjoin(PayoutLineRow, PayoutLineRow.transfer_id == TransferRow.id)
        .where(
            WorkerRow.organisation_id == organisation_id,
            WorkerRow.channel == "inhouse",
            WorkerRow.simulated.is_(False),
            TransferRow.kind.in_(EARNING),
            PayoutLineRow.id.is_(None),
        )
        .order_by(TransferRow.id)
    )
