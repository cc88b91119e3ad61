"""What each worker is due, by currency and page by page; nothing is added up across currencies."""

from dataclasses import dataclass

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import payable
from crowd_hitl.services.owing import dues_of, step_of
from crowd_hitl.services.reporting.pages import Page, first_rows
from crowd_hitl.store.account_rows import WorkerRow


@dataclass(frozen=True)
class Due:
    """What one worker has earned in one currency and no payout holds yet, and the rest of earlier payouts."""

    worker_id: int
    public_id: str
    name: str
    currency: str
    earned_micros: int
    carried_micros: int
    lines: int

    @property
    def due_micros(self) -> int:
        """All that is due."""
        return self.earned_micros + self.carried_micros

    @property
    def payable_micros(self) -> int:
        """What a payout would send now: whole cents."""
        return max(0, payable(self.due_micros, currency=self.currency))


def due_now(session: Session, *, organisation_id: int, after: str | None = None, limit: int | None = None) -> Page[Due]:
    """List what is due, by currency and worker. Simulated workers and those another channel pays are left out."""
    dues = dues_of(organisation_id)
    query = (
        select(dues, WorkerRow.public_id, WorkerRow.name)
        .join(WorkerRow, WorkerRow.id == dues.c.worker_id)
        .order_by(dues.c.currency, dues.c.worker_id)
    )
    start = _currency_and_id(after)
    if start is not None:
        currency, worker_id = start
        beyond = (dues.c.currency == currency) & (dues.c.worker_id > worker_id)
        query = query.where((dues.c.currency > currency) | beyond)
    if limit is not None:
        query = query.limit(limit + 1)
    found = [
        Due(
            worker_id=row.worker_id,
            public_id=row.public_id,
            name=row.name,
            currency=row.currency,
            earned_micros=row.earned,
            carried_micros=row.carried,
            lines=row.lines,
        )
        for row in session.execute(query)
    ]
    rows, more = first_rows(found, limit=len(found) if limit is None else limit)
    return Page(rows=rows, after=f"{rows[-1].currency}:{rows[-1].worker_id}" if more else None)


@dataclass(frozen=True)
class DueTotal:
    """All that is due in one currency: to how many, and how much of it a run would send now."""

    currency: str
    workers: int
    due_micros: int
    payable_micros: int


def due_totals(session: Session, *, organisation_id: int) -> list[DueTotal]:
    """Add up what is due, one line for each currency."""
    dues = dues_of(organisation_id)
    due = dues.c.earned + dues.c.carried
    step = step_of(dues.c.currency)
    payable_now = case((due >= step, due - due % step), else_=0)
    rows = session.execute(
        select(dues.c.currency, func.count(), func.sum(due), func.sum(payable_now))
        .group_by(dues.c.currency)
        .order_by(dues.c.currency)
    )
    return [DueTotal(currency, count, int(total), int(now)) for currency, count, total, now in rows]


def _currency_and_id(cursor: str | None) -> tuple[str, int] | None:
    if not cursor:
        return None
    currency, _, key = cursor.partition(":")
    if len(currency) != 3 or not key.isdecimal() or len(key) > 18:
        raise bad_field("after", expected="the cursor of an earlier page", found=cursor)
    return currency, int(key)
