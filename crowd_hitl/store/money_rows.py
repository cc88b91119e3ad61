"""Money: budgets, ledger accounts, transfers; and the outbox of calls to be made outside."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.store.rows import Count, Key, Long, Micros, Row, to


class BudgetRow(Row):
    """Money that batches may draw on. `available_micros` is the one guarded counter: it cannot go below nothing."""

    __tablename__ = "budget"
    __table_args__ = (
        UniqueConstraint("organisation_id", "name"),
        CheckConstraint("available_micros >= 0", name="never_overdrawn"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation")
    name: Mapped[str]
    currency: Mapped[str]
    available_micros: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]


class LedgerAccountRow(Row):
    """One account of the double-entry ledger: a budget, a batch, a worker, a fee or the outside."""

    __tablename__ = "ledger_account"
    __table_args__ = (UniqueConstraint("kind", "ref_id", "currency"),)

    id: Mapped[Key]
    kind: Mapped[str]
    ref_id: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]


class TransferRow(Row):
    """One movement of money from one account to another. Appended, never updated."""

    __tablename__ = "transfer"
    __table_args__ = (
        UniqueConstraint("sitting_id", "kind"),
        UniqueConstraint("business_key"),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("from_id <> to_id", name="moves_somewhere"),
        Index("ix_transfer_from", "from_id"),
        Index("ix_transfer_to", "to_id"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    from_id: Mapped[int] = to("ledger_account")
    to_id: Mapped[int] = to("ledger_account")
    amount_micros: Mapped[Micros]
    currency: Mapped[str]
    batch_id: Mapped[int | None] = to("batch", index=True, nullable=True)
    sitting_id: Mapped[int | None] = to("sitting", nullable=True)
    business_key: Mapped[str | None]
    note: Mapped[str | None]
    created_at: Mapped[datetime]


class OutboxRow(Row):
    """A call to be made outside, written with the change that asks for it; its key makes a resend the same call."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("business_key"),
        Index("ix_outbox_due", "state", "due_at"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    business_key: Mapped[str]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    attempts: Mapped[Count]
    due_at: Mapped[datetime]
    last_error: Mapped[Long | None]
    created_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
