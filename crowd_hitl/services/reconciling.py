"""Reconciling: what was really paid, as a file says, against what was exported. It lists differences and mends none."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.money import micros, units
from crowd_hitl.store.payout_rows import PayoutRow

PAID_COLUMNS = ("reference", "currency", "amount")
# A column `status` may say of each row whether it was paid; without one, or with an empty one, it was.
PAID_WORDS = frozenset(("", "paid", "ok", "done", "booked", "settled", "complete", "completed", "success", "succeeded"))
FAILED_WORDS = frozenset(("failed", "failure", "refused", "rejected", "returned", "bounced", "reversed", "cancelled"))


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was exported; `row` is the line of the file, None if it has none."""

    reference: str
    what: str
    expected: str
    found: str
    row: int | None = None


@dataclass
class Reconciliation:
    """What the file and the run agree on, and where they do not."""

    run_id: int
    rows: int = 0
    matched: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)


def reconcile(session: Session, *, run_id: int, rows: Iterable[Mapping[str, str]]) -> Reconciliation:
    """Compare a file of payments with the run, row by row; a row whose `status` says so is a payment that failed.

    A difference is `unknown`, `not exported`, `twice`, `unreadable`, `status`, `currency`, `amount`, `failed` (paid in
    one, failed in the other), or `missing` from the file.
    """
    payouts = {
        payout.reference: payout
        for payout in session.scalars(select(PayoutRow).where(PayoutRow.run_id == run_id).order_by(PayoutRow.id))
    }
    found = Reconciliation(run_id=run_id)
    seen: set[tuple[str, bool]] = set()
    for number, row in enumerate(rows, start=2):  # line 1 is the header
        found.rows += 1
        reference = row.get("reference", "").strip()
        difference = _compare(row, payouts.get(reference), reference=reference, number=number)
        # a payment and its return are two rows of one reference
        moved = (reference, _status(row) in FAILED_WORDS)
        if moved in seen:
            difference = Difference(reference, "twice", "one payment", "one more", number)
        if difference is None:
            found.matched.append(reference)
        else:
            found.differences.append(difference)
        seen.add(moved)
    named = {reference for reference, _ in seen}
    found.differences += [
        Difference(reference, "missing", _shown(payout), "no payment")
        for reference, payout in payouts.items()
        if reference not in named and payout.state in ("exported", "paid")
    ]
    return found


def _compare(row: Mapping[str, str], payout: PayoutRow | None, *, reference: str, number: int) -> Difference | None:
    said = f"{row.get('amount', '')} {row.get('currency', '')}".strip()
    if payout is None:
        return Difference(reference[:80], "unknown", "a payout of this run", said[:80], number)
    if payout.state == "due":
        return Difference(reference, "not exported", "no payment yet", said[:80], number)
    failed = _status(row) in FAILED_WORDS
    try:
        # money that came back may be written with a minus
        amount = micros(row.get("amount", "").strip().removeprefix("-" if failed else ""))
    except BadInput:
        return Difference(reference, "unreadable", _shown(payout), said[:80], number)
    if row.get("currency", "").upper() != payout.currency:
        return Difference(reference, "currency", _shown(payout), said[:80], number)
    if amount != payout.amount_micros:
        return Difference(reference, "amount", _shown(payout), said[:80], number)
    return _compare_status(row, payout, number=number)


def _compare_status(row: Mapping[str, str], payout: PayoutRow, *, number: int) -> Difference | None:
    status = _status(row)
    if status not in PAID_WORDS | FAILED_WORDS:
        return Difference(payout.reference, "status", "paid or failed", status[:80], number)
    if status in FAILED_WORDS and payout.state != "failed":
        return Difference(payout.reference, "failed", f"{payout.state} here", f"{status} there", number)
    if status in PAID_WORDS and payout.state == "failed" and payout.paid_at is None:
        return Difference(payout.reference, "failed", "failed here, so no payment", _shown(payout), number)
    return None


def _status(row: Mapping[str, str]) -> str:
    return row.get("status", "").strip().lower()


def _shown(payout: PayoutRow) -> str:
    return f"{units(payout.amount_micros)} {payout.currency}"
