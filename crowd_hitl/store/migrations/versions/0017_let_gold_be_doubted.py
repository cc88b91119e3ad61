"""Let gold be doubted: suspected, confirmed, corrected (what it said before is kept) and retired."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    with op.batch_alter_table("gold") as changes:
        changes.add_column(sa.Column("suspected_at", sa.DateTime(timezone=True), nullable=True))
        changes.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        changes.add_column(sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
        changes.add_column(sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True))
        changes.create_foreign_key(changes.f("fk_gold_decided_by"), "account", ["decided_by"], ["id"])
        changes.create_check_constraint(
            changes.f("ck_gold_confirmed_is_not_suspect"), "suspected_at IS NULL OR confirmed_at IS NULL"
        )
    op.create_table(
        "gold_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("gold_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["gold_id"], ["gold.id"], name=op.f("fk_gold_revision_gold_id")),
        sa.ForeignKeyConstraint(["replaced_by"], ["account.id"], name=op.f("fk_gold_revision_replaced_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gold_revision")),
    )
    op.create_index(op.f("ix_gold_revision_gold_id"), "gold_revision", ["gold_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before; what gold said before it was corrected is lost."""
    op.drop_index(op.f("ix_gold_revision_gold_id"), table_name="gold_revision")
    op.drop_table("gold_revision")
    with op.batch_alter_table("gold") as changes:
        changes.drop_constraint(changes.f("ck_gold_confirmed_is_not_suspect"), type_="check")
        changes.drop_constraint(changes.f("fk_gold_decided_by"), type_="foreignkey")
        for column in ("decided_by", "retired_at", "confirmed_at", "suspected_at"):
            changes.drop_column(column)
