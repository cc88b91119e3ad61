"""Payout runs and payslips as people read them: each currency by itself, and what stands behind every amount."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.services.sharing_costs import was_paid_for
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow, PayoutRunRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow

SLIP_COLUMNS = (
    "reference", "worker", "date", "what", "project", "batch", "item", "answer", "answers", "amount", "currency",
    "note",
)  # fmt: skip


@dataclass(frozen=True)
class RunTotal:
    """The payouts of a run in one currency and state."""

    currency: str
    state: str
    payouts: int
    amount_micros: int


@dataclass(frozen=True)
class RunLine:
    """One run with its totals: one for each currency and state, never added up across currencies."""

    id: int
    created_at: datetime
    totals: list[RunTotal]


@dataclass(frozen=True)
class PayoutLine:
    """One payout."""

    reference: str
    worker_id: int
    worker: str
    name: str
    currency: str
    amount_micros: int
    earned_micros: int
    carried_micros: int
    state: str
    paid_as: str | None
    exported_at: datetime | None
    paid_at: datetime | None
    failed_at: datetime | None
    failure: str | None


def list_runs(
    session: Session, *, organisation_id: int, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[RunLine]:
    """List the organisation's runs, the newest first."""
    query = select(PayoutRunRow).where(PayoutRunRow.organisation_id == organisation_id)
    below = id_after(after)
    if below is not None:
        query = query.where(PayoutRunRow.id < below)
    found = session.scalars(query.order_by(PayoutRunRow.id.desc()).limit(limit + 1)).all()
    rows, more = first_rows(found, limit=limit)
    totals: dict[int, list[RunTotal]] = {row.id: [] for row in rows}
    sums = session.execute(
        select(PayoutRow.run_id, PayoutRow.currency, PayoutRow.state, func.count(), func.sum(PayoutRow.amount_micros))
        .where(PayoutRow.run_id.in_(totals))
        .group_by(PayoutRow.run_id, PayoutRow.currency, PayoutRow.state)
        .order_by(PayoutRow.currency, PayoutRow.state)
    )
    for run_id, currency, state, count, amount in sums:
        totals[run_id].append(RunTotal(currency, state, count, int(amount)))
    lines = [RunLine(id=row.id, created_at=row.created_at, totals=totals[row.id]) for row in rows]
    return Page(rows=lines, after=str(rows[-1].id) if more else None)


def one_run(session: Session, *, organisation_id: int, run_id: int) -> PayoutRunRow:
    """Return a run; NotFound if the organisation has none of this number."""
    run = session.get(PayoutRunRow, run_id)
    if run is None or run.organisation_id != organisation_id:
        raise NotFound(f"There is no payout run {run_id}.")
    return run


def list_payouts(
    session: Session, *, run_id: int, after: str | None = None, limit: int = PAGE_ROWS
) -> Page[PayoutLine]:
    """List the payouts of a run."""
    query = select(PayoutRow, WorkerRow).join(WorkerRow, WorkerRow.id == PayoutRow.worker_id)
    query = query.where(PayoutRow.run_id == run_id, PayoutRow.id > (id_after(after) or 0))
    found = session.execute(query.order_by(PayoutRow.id).limit(limit + 1)).all()
    rows, more = first_rows(found, limit=limit)
    lines = [payout_line(payout, worker) for payout, worker in rows]
    return Page(rows=lines, after=str(rows[-1][0].id) if more else None)


def one_payout(session: Session, *, payout_id: int) -> PayoutLine:
    """Show one payout by its number."""
    payout = session.get_one(PayoutRow, payout_id)
    return payout_line(payout, session.get_one(WorkerRow, payout.worker_id))


def payout_line(payout: PayoutRow, worker: WorkerRow) -> PayoutLine:
    """Show one payout."""
    return PayoutLine(
        reference=payout.reference,
        worker_id=worker.id,
        worker=worker.public_id,
        name=worker.name,
        currency=payout.currency,
        amount_micros=payout.amount_micros,
        earned_micros=payout.earned_micros,
        carried_micros=payout.carried_micros,
        state=payout.state,
        paid_as=payout.paid_as,
        exported_at=payout.exported_at,
        paid_at=payout.paid_at,
        failed_at=payout.failed_at,
        failure=payout.failure,
    )


def payslip(session: Session, *, payout_id: int) -> Iterator[dict[str, object]]:
    """Give the rows of one payslip (SLIP_COLUMNS): each earning and claw-back, then what is carried and sent."""
    payout = session.get_one(PayoutRow, payout_id)
    worker = session.get_one(WorkerRow, payout.worker_id)
    head = {"reference": payout.reference, "worker": worker.public_id, "currency": payout.currency}
    if payout.carried_micros:
        yield {**head, "what": "carried from before", "amount": units(payout.carried_micros)}
    for line in slip_lines(session, payout_id=payout_id):
        yield {**head, **line}
    rest = payout.earned_micros + payout.carried_micros - payout.amount_micros
    if rest:
        yield {**head, "what": "carried on", "amount": units(-rest)}
    yield {**head, "what": "payout", "amount": units(payout.amount_micros)}
    if payout.state == "failed":
        yield {**head, "what": "failed", "amount": units(-payout.amount_micros), "note": payout.failure}


def slip_lines(
    session: Session, *, payout_id: int, after: int = 0, limit: int | None = None
) -> Iterator[dict[str, object]]:
    """Give the earnings and claw-backs behind a payout, after a line's id; `line` names it.

    Answers that were paid together are one line that counts them; a line of one answer names it and its item.
    """
    answers, first = _answers_paid()
    rows = session.execute(
        select(PayoutLineRow.id, TransferRow, ProjectRow.slug, BatchRow.name, ItemRow.key, AnswerRow.id, answers)
        .join(TransferRow, TransferRow.id == PayoutLineRow.transfer_id)
        .outerjoin(BatchRow, BatchRow.id == TransferRow.batch_id)
        .outerjoin(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .outerjoin(AnswerRow, AnswerRow.id == first)
        .outerjoin(ItemRow, ItemRow.id == AnswerRow.item_id)
        .where(PayoutLineRow.payout_id == payout_id, PayoutLineRow.id > after)
        .order_by(PayoutLineRow.id)
        .limit(limit)
        .execution_options(yield_per=1_000)
    )
    for line, moved, slug, batch, key, answer_id, count in rows:
        taken = moved.kind == TransferKind.CLAWBACK
        yield {
            "line": line,
            "date": moved.created_at.date().isoformat(),
            "what": moved.kind,
            "project": slug,
            "batch": batch,
            "item": key if count == 1 else None,
            "answer": answer_id if count == 1 else None,
            "answers": count or None,
            "amount": units(-moved.amount_micros if taken else moved.amount_micros),
            "note": moved.note,
        }


def _answers_paid() -> tuple[ScalarSelect[int], ScalarSelect[int]]:
    """Select how many answers a transfer paid for, and the first of them."""
    theirs = (
        select(AnswerRow.id)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AssignmentRow.sitting_id == TransferRow.sitting_id, was_paid_for())
        .correlate(TransferRow)
    )
    return (
        theirs.with_only_columns(func.count(AnswerRow.id)).scalar_subquery(),
        theirs.with_only_columns(func.min(AnswerRow.id)).scalar_subquery(),
    )
