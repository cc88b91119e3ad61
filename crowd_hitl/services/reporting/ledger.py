"""A project's transfers, the newest first, with the names of whose money moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ledger import EXTRAS, AccountKind, TransferKind
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.loop_rows import LoopRow
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.work_rows import BatchRow


@dataclass(frozen=True)
class Party:
    """One side of a transfer."""

    kind: str
    ref_id: int
    name: str
    simulated: bool = False


@dataclass(frozen=True)
class TransferLine:
    """One transfer."""

    id: int
    kind: str
    source: Party
    target: Party
    amount_micros: int
    currency: str
    batch_id: int | None
    note: str | None
    created_at: datetime


def list_transfers(
    session: Session,
    *,
    project_id: int,
    kind: str | None = None,
    after: str | None = None,
    limit: int = PAGE_ROWS,
) -> Page[TransferLine]:
    """List the transfers of the project's batches, and the top-ups, bonuses and claw-backs of its budgets.

    BadInput for an unknown kind. A payout belongs to a worker and to no project: it is not here.
    """
    if kind is not None and kind not in set(TransferKind):
        raise bad_field("kind", expected=", ".join(TransferKind), found=kind)
    query = select(TransferRow).where(or_(TransferRow.batch_id.in_(_batches(project_id)), _of_budgets(project_id)))
    if kind is not None:
        query = query.where(TransferRow.kind == kind)
    below = id_after(after)
    if below is not None:
        query = query.where(TransferRow.id < below)
    found = session.scalars(query.order_by(TransferRow.id.desc()).limit(limit + 1)).all()
    rows, more = first_rows(found, limit=limit)
    parties = _parties(session, account_ids={one for row in rows for one in (row.from_id, row.to_id)})
    lines = [
        TransferLine(
            id=row.id,
            kind=row.kind,
            source=parties[row.from_id],
            target=parties[row.to_id],
            amount_micros=row.amount_micros,
            currency=row.currency,
            batch_id=row.batch_id,
            note=row.note,
            created_at=row.created_at,
        )
        for row in rows
    ]
    return Page(rows=lines, after=str(rows[-1].id) if more else None)


def _batches(project_id: int) -> Select[int]:
    return select(BatchRow.id).where(BatchRow.project_id == project_id)


def _of_budgets(project_id: int) -> ColumnElement[bool]:
    used = select(BatchRow.budget_id).where(BatchRow.project_id == project_id)
    looped = select(LoopRow.budget_id).where(LoopRow.project_id == project_id)
    accounts = select(LedgerAccountRow.id).where(
        LedgerAccountRow.kind == AccountKind.BUDGET,
        or_(LedgerAccountRow.ref_id.in_(used), LedgerAccountRow.ref_id.in_(looped)),
    )
    put_in = and_(TransferRow.kind == TransferKind.TOP_UP, TransferRow.to_id.in_(accounts))
    # one for a batch is listed with that batch's project
    extra = and_(TransferRow.kind.in_(EXTRAS), TransferRow.batch_id.is_(None), TransferRow.from_id.in_(accounts))
    taken = and_(
        TransferRow.kind == TransferKind.CLAWBACK, TransferRow.batch_id.is_(None), TransferRow.to_id.in_(accounts)
    )
    return or_(put_in, extra, taken)


def _parties(session: Session, *, account_ids: set[int]) -> dict[int, Party]:
    accounts = session.scalars(select(LedgerAccountRow).where(LedgerAccountRow.id.in_(account_ids))).all()
    names = {
        AccountKind.BATCH: _names(session, BatchRow, _refs(accounts, AccountKind.BATCH)),
        AccountKind.BUDGET: _names(session, BudgetRow, _refs(accounts, AccountKind.BUDGET)),
    }
    workers = {
        row.id: row
        for row in session.scalars(select(WorkerRow).where(WorkerRow.id.in_(_refs(accounts, AccountKind.WORKER)))).all()
    }
    found = {}
    for account in accounts:
        worker = workers.get(account.ref_id) if account.kind == AccountKind.WORKER else None
        name = worker.public_id if worker else names.get(AccountKind(account.kind), {}).get(account.ref_id, "")
        found[account.id] = Party(
            kind=account.kind, ref_id=account.ref_id, name=name, simulated=worker.simulated if worker else False
        )
    return found


def _refs(accounts: Sequence[LedgerAccountRow], kind: AccountKind) -> list[int]:
    return [account.ref_id for account in accounts if account.kind == kind]


def _names(session: Session, row: type[BatchRow] | type[BudgetRow], ids: list[int]) -> dict[int, str]:
    return dict(session.execute(select(row.id, row.name).where(row.id.in_(ids))).all())
