"""Hear the model: what it says of items it did not learn from, and what people say without it."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "held_out",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("item_ids", sa.LargeBinary(), nullable=False),
        sa.Column("probabilities", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["model_version_id"], ["model_version.id"], name=op.f("fk_held_out_model_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_out")),
        sa.UniqueConstraint("model_version_id", "part", name=op.f("uq_held_out_model_version_id_part")),
    )
    op.add_column("label", sa.Column("crowd_confidence", sa.Double(), nullable=True))
    # a table that others refer to: on SQLite a check comes in with its column, or the table would be made anew
    op.execute(
        "ALTER TABLE label ADD COLUMN crowd_value VARCHAR "
        "CONSTRAINT ck_label_crowd_is_whole CHECK ((crowd_confidence IS NULL) = (crowd_value IS NULL)"
        " AND (crowd_confidence IS NULL OR (crowd_confidence >= 0 AND crowd_confidence <= 1)))"
    )
    op.add_column("model_version", sa.Column("temper", sa.Double(), nullable=True))
    op.add_column("model_version", sa.Column("gain", sa.Double(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("model_version", "gain")
    op.drop_column("model_version", "temper")
    op.drop_column("label", "crowd_value")
    op.drop_column("label", "crowd_confidence")
    op.drop_table("held_out")
