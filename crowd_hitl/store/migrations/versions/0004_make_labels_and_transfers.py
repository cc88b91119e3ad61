"""Make labels and transfers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "label",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("field", sa.String(length=255), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("source", sa.String(length=255), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("aggregator", sa.String(length=255), nullable=True),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("model_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("certificate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "source IN ('consensus', 'model', 'expert', 'gold', 'imported')", name=op.f("ck_label_known_source")
        ),
        sa.CheckConstraint("state IN ('current', 'superseded')", name=op.f("ck_label_known_state")),
        sa.CheckConstraint("confidence >= 0 AND confidence <= 1", name=op.f("ck_label_confidence_in_range")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_label_batch_id")),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificate.id"], name=op.f("fk_label_certificate_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_label_item_id")),
        sa.ForeignKeyConstraint(["model_version_id"], ["model_version.id"], name=op.f("fk_label_model_version_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_label_project_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_label_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint("item_id", "field", "version", name=op.f("uq_label_item_id_field_version")),
    )
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_label_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_label_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_label_round_id"), ["round_id"], unique=False)
        batch_op.create_index(
            "one_current_label",
            ["item_id", "field"],
            unique=True,
            sqlite_where=sa.text("state IN ('current')"),
            postgresql_where=sa.text("state IN ('current')"),
        )

    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("from_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("to_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sitting_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("business_key", sa.String(length=255), nullable=True),
        sa.Column("note", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount_micros > 0", name=op.f("ck_transfer_amount_positive")),
        sa.CheckConstraint("from_id <> to_id", name=op.f("ck_transfer_moves_somewhere")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_transfer_batch_id")),
        sa.ForeignKeyConstraint(["from_id"], ["ledger_account.id"], name=op.f("fk_transfer_from_id")),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name=op.f("fk_transfer_sitting_id")),
        sa.ForeignKeyConstraint(["to_id"], ["ledger_account.id"], name=op.f("fk_transfer_to_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("business_key", name=op.f("uq_transfer_business_key")),
        sa.UniqueConstraint("sitting_id", "kind", name=op.f("uq_transfer_sitting_id_kind")),
    )
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transfer_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index("ix_transfer_from", ["from_id"], unique=False)
        batch_op.create_index("ix_transfer_to", ["to_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("transfer", schema=None) as batch_op:
        batch_op.drop_index("ix_transfer_to")
        batch_op.drop_index("ix_transfer_from")
        batch_op.drop_index(batch_op.f("ix_transfer_batch_id"))

    op.drop_table("transfer")
    with op.batch_alter_table("label", schema=None) as batch_op:
        batch_op.drop_index(
            "one_current_label",
            sqlite_where=sa.text("state IN ('current')"),
            postgresql_where=sa.text("state IN ('current')"),
        )
        batch_op.drop_index(batch_op.f("ix_label_round_id"))
        batch_op.drop_index(batch_op.f("ix_label_project_id"))
        batch_op.drop_index(batch_op.f("ix_label_batch_id"))

    op.drop_table("label")
