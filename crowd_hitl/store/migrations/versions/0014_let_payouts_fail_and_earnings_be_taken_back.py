"""Let payouts fail and earnings be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BEFORE = {
    "known_state": "state IN ('due', 'exported', 'paid')",
    "paid_has_a_moment": "(state = 'paid') = (paid_at IS NOT NULL)",
    "parts_not_negative": "carried_micros >= 0 AND earned_micros >= 0",
}
AFTER = {
    "known_state": "state IN ('due', 'exported', 'paid', 'failed')",
    "paid_has_a_moment": "state <> 'paid' OR paid_at IS NOT NULL",
    "paid_before_it_came_back": "paid_at IS NULL OR state IN ('paid', 'failed')",
    "failed_has_a_moment": "(state = 'failed') = (failed_at IS NOT NULL)",
    "failed_has_a_reason": "(failure IS NULL) = (failed_at IS NULL)",
}
KEPT = {
    "amount_positive": "amount_micros > 0",
    "within_what_is_due": "amount_micros <= earned_micros + carried_micros",
    "exported_has_a_moment": "(state = 'due') = (exported_at IS NULL)",
}


def upgrade() -> None:
    """Bring the database up to this revision."""
    if op.get_bind().dialect.name == "sqlite":
        _copy_both(checks={**KEPT, **AFTER}, fails=True)
    else:
        op.add_column("payout", sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True))
        op.add_column("payout", sa.Column("failure", sa.String(), nullable=True))
        _change_checks(BEFORE, AFTER)
        op.add_column("payout_line", sa.Column("is_void", sa.Boolean(), server_default=sa.false(), nullable=False))
        op.drop_constraint("uq_payout_line_transfer_id", "payout_line", type_="unique")
    op.create_index(
        "in_one_payout",
        "payout_line",
        ["transfer_id"],
        unique=True,
        sqlite_where=sa.text("is_void = 0"),
        postgresql_where=sa.text("NOT is_void"),
    )
    op.create_table(
        "clawback",
        sa.Column("id", ID, nullable=False),
        sa.Column("transfer_id", ID, nullable=False),
        sa.Column("taken_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["taken_by"], ["account.id"], name=op.f("fk_clawback_taken_by")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_clawback_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clawback")),
        sa.UniqueConstraint("transfer_id", name=op.f("uq_clawback_transfer_id")),
    )


def downgrade() -> None:
    """Go back to the revision before; the old checks refuse a payout that failed."""
    op.drop_table("clawback")
    op.drop_index("in_one_payout", "payout_line")
    if op.get_bind().dialect.name == "sqlite":
        _copy_both(checks={**KEPT, **BEFORE}, fails=False)
    else:
        _change_checks(AFTER, BEFORE)
        op.create_unique_constraint("uq_payout_line_transfer_id", "payout_line", ["transfer_id"])
        op.drop_column("payout_line", "is_void")
        op.drop_column("payout", "failure")
        op.drop_column("payout", "failed_at")


def _change_checks(old: dict[str, str], new: dict[str, str]) -> None:
    for name in old:
        op.drop_constraint(op.f(f"ck_payout_{name}"), "payout", type_="check")
    for name, rule in new.items():
        op.create_check_constraint(op.f(f"ck_payout_{name}"), "payout", rule)


def _copy_both(*, checks: dict[str, str], fails: bool) -> None:
    """Copy both tables: SQLite can change no check, and drops no table that another refers to.

    The copies refer to each other, so the old lines can go first and their payouts next; foreign keys stay on.
    """
    failed: list[sa.schema.SchemaItem] = [
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
    ]
    void: sa.schema.SchemaItem = sa.Column("is_void", sa.Boolean(), server_default=sa.false(), nullable=False)
    once: sa.schema.SchemaItem = sa.UniqueConstraint("transfer_id", name="uq_payout_line_transfer_id")
    op.create_table(
        "payout_new",
        sa.Column("id", ID, nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("worker_id", ID, nullable=False),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.Column("earned_micros", sa.BigInteger(), nullable=False),
        sa.Column("carried_micros", sa.BigInteger(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("paid_as", sa.String(length=255), nullable=True),
        sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        *(failed if fails else []),
        *(sa.CheckConstraint(rule, name=op.f(f"ck_payout_{name}")) for name, rule in checks.items()),
        sa.ForeignKeyConstraint(["run_id"], ["payout_run.id"], name="fk_payout_run_id"),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name="fk_payout_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payout"),
        sa.UniqueConstraint("run_id", "worker_id", "currency", name="uq_payout_run_id_worker_id_currency"),
    )
    op.create_table(
        "payout_line_new",
        sa.Column("id", ID, nullable=False),
        sa.Column("payout_id", ID, nullable=False),
        sa.Column("transfer_id", ID, nullable=False),
        void if fails else once,
        sa.ForeignKeyConstraint(["payout_id"], ["payout_new.id"], name="fk_payout_line_payout_id"),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name="fk_payout_line_transfer_id"),
        sa.PrimaryKeyConstraint("id", name="pk_payout_line"),
    )
    kept = (
        "id, run_id, worker_id, currency, earned_micros, carried_micros, amount_micros, state, paid_as, "
        "exported_at, paid_at"
    )
    op.execute(f"INSERT INTO payout_new ({kept}) SELECT {kept} FROM payout ORDER BY id")
    lines = "id, payout_id, transfer_id"
    op.execute(f"INSERT INTO payout_line_new ({lines}) SELECT {lines} FROM payout_line ORDER BY id")
    op.drop_table("payout_line")
    op.drop_table("payout")
    # what refers to a table follows its new name
    op.rename_table("payout_new", "payout")
    op.rename_table("payout_line_new", "payout_line")
    op.create_index("ix_payout_worker", "payout", ["worker_id", "currency"])
    op.create_index(op.f("ix_payout_line_payout_id"), "payout_line", ["payout_id"])
