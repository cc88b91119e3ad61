"""Money on its way out to workers, and the alerts on the way to a budget's end."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from crowd_hitl.store.rows import Key, Micros, Row, to


class PayoutRunRow(Row):
    """One collection of what workers are due; `business_key` makes a repeated request the same run."""

    __tablename__ = "payout_run"
    __table_args__ = (UniqueConstraint("organisation_id", "business_key"),)

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation")
    business_key: Mapped[str | None]
    created_at: Mapped[datetime]


class PayoutRow(Row):
    """What one worker is sent in one currency: `earned` + `carried` (the rest of earlier ones), cut to whole cents."""

    __tablename__ = "payout"
    __table_args__ = (
        UniqueConstraint("run_id", "worker_id", "currency"),
        CheckConstraint("state IN ('due', 'exported', 'paid')", name="known_state"),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("carried_micros >= 0 AND earned_micros >= 0", name="parts_not_negative"),
        CheckConstraint("amount_micros <= earned_micros + carried_micros", name="within_what_is_due"),
        CheckConstraint("(state = 'due') = (exported_at IS NULL)", name="exported_has_a_moment"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid_has_a_moment"),
        Index("ix_payout_worker", "worker_id", "currency"),
    )

    id: Mapped[Key]
    run_id: Mapped[int] = to("payout_run")
    worker_id: Mapped[int] = to("worker")
    currency: Mapped[str]
    earned_micros: Mapped[Micros]
    carried_micros: Mapped[Micros]
    amount_micros: Mapped[Micros]
    state: Mapped[str]
    # What the bank or payment service calls it, once it was paid.
    paid_as: Mapped[str | None]
    exported_at: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]

    @property
    def reference(self) -> str:
        """The name under which this payout goes to the bank and comes back."""
        return f"CH-{self.run_id}-{self.id}"


class PayoutLineRow(Row):
    """One earning behind a payout; unique, so nothing is ever paid out twice."""

    __tablename__ = "payout_line"
    __table_args__ = (UniqueConstraint("transfer_id"),)

    id: Mapped[Key]
    payout_id: Mapped[int] = to("payout", index=True)
    transfer_id: Mapped[int] = to("transfer")


class BudgetAlertRow(Row):
    """A budget passed a level; once for each level of what was put in, so a top-up arms it again."""

    __tablename__ = "budget_alert"
    __table_args__ = (
        UniqueConstraint("budget_id", "percent", "topped_up_micros"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent_in_range"),
    )

    id: Mapped[Key]
    budget_id: Mapped[int] = to("budget")
    percent: Mapped[int]
    used_micros: Mapped[Micros]
    topped_up_micros: Mapped[Micros]
    created_at: Mapped[datetime]
