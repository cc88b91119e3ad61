"""Money on its way out to workers, and the alerts on the way to a budget's end."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.store.rows import Key, Long, Micros, Row, to


class PayoutRunRow(Row):
    """One collection of what workers are due; `business_key` makes a repeated request the same run."""

    __tablename__ = "payout_run"
    __table_args__ = (UniqueConstraint("organisation_id", "business_key"),)

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation")
    business_key: Mapped[str | None]
    created_at: Mapped[datetime]


class PayoutRow(Row):
    """What one worker is sent in one currency: `earned` + `carried` (the rest of earlier ones), cut to whole cents.

    Both may be below nothing, their sum never: a claw-back is a line with a minus, and a payout that failed takes the
    rest it had carried on with it. `paid_at` stays when a payment came back: it had left.
    """

    __tablename__ = "payout"
    __table_args__ = (
        UniqueConstraint("run_id", "worker_id", "currency"),
        CheckConstraint("state IN ('due', 'exported', 'paid', 'failed')", name="known_state"),
        CheckConstraint("amount_micros > 0", name="amount_positive"),
        CheckConstraint("amount_micros <= earned_micros + carried_micros", name="within_what_is_due"),
        CheckConstraint("(state = 'due') = (exported_at IS NULL)", name="exported_has_a_moment"),
        CheckConstraint("state <> 'paid' OR paid_at IS NOT NULL", name="paid_has_a_moment"),
        CheckConstraint("paid_at IS NULL OR state IN ('paid', 'failed')", name="paid_before_it_came_back"),
        CheckConstraint("(state = 'failed') = (failed_at IS NOT NULL)", name="failed_has_a_moment"),
        CheckConstraint("(failure IS NULL) = (failed_at IS NULL)", name="failed_has_a_reason"),
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
    failed_at: Mapped[datetime | None]
    # Why the bank refused it or sent it back.
    failure: Mapped[Long | None]

    @property
    def reference(self) -> str:
        """The name under which this payout goes to the bank and comes back."""
        return f"CH-{self.run_id}-{self.id}"


class PayoutLineRow(Row):
    """One earning or claw-back behind a payout.

    Unique while it stands, so nothing is ever paid out twice; the lines of a payout that failed are void, and what
    they name goes into the next run.
    """

    __tablename__ = "payout_line"
    __table_args__ = (
        Index(
            "in_one_payout",
            "transfer_id",
            unique=True,
            sqlite_where=text("is_void = 0"),
            postgresql_where=text("NOT is_void"),
        ),
    )

    id: Mapped[Key]
    payout_id: Mapped[int] = to("payout", index=True)
    transfer_id: Mapped[int] = to("transfer")
    is_void: Mapped[bool] = mapped_column(default=False, server_default=false())


class ClawbackRow(Row):
    """Who took earnings back; what and why is the transfer's. No account when it was done at the command line."""

    __tablename__ = "clawback"
    __table_args__ = (UniqueConstraint("transfer_id"),)

    id: Mapped[Key]
    transfer_id: Mapped[int] = to("transfer")
    taken_by: Mapped[int | None] = to("account", nullable=True)


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
