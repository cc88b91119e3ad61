"""Make removals of answers."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "removal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("removed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_removal_batch_id")),
        sa.ForeignKeyConstraint(["removed_by"], ["account.id"], name=op.f("fk_removal_removed_by")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_removal_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal")),
    )
    with op.batch_alter_table("removal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_removal_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_removal_worker_id"), ["worker_id"], unique=False)

    op.create_table(
        "removed_answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("removal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("assignment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reissued", sa.Boolean(), nullable=False),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_removed_answer_assignment_id")),
        sa.ForeignKeyConstraint(["removal_id"], ["removal.id"], name=op.f("fk_removed_answer_removal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removed_answer")),
    )
    with op.batch_alter_table("removed_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_removed_answer_assignment_id"), ["assignment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_removed_answer_removal_id"), ["removal_id"], unique=False)
        batch_op.create_index(
            "one_removal_at_a_time",
            ["assignment_id"],
            unique=True,
            sqlite_where=sa.text("restored_at IS NULL"),
            postgresql_where=sa.text("restored_at IS NULL"),
        )


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("removed_answer", schema=None) as batch_op:
        batch_op.drop_index(
            "one_removal_at_a_time",
            sqlite_where=sa.text("restored_at IS NULL"),
            postgresql_where=sa.text("restored_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_removed_answer_removal_id"))
        batch_op.drop_index(batch_op.f("ix_removed_answer_assignment_id"))

    op.drop_table("removed_answer")
    with op.batch_alter_table("removal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_removal_worker_id"))
        batch_op.drop_index(batch_op.f("ix_removal_batch_id"))

    op.drop_table("removal")
