"""Note reviews, requeues and broken items."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index(
            "ix_answer_broken",
            ["item_id", "id"],
            unique=False,
            sqlite_where=sa.text("is_broken"),
            postgresql_where=sa.text("is_broken"),
        )

    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index(
            "ix_appeal_due",
            ["due_at"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_assignment_undecided",
            ["batch_id", "ended_at", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'submitted'"),
            postgresql_where=sa.text("state = 'submitted'"),
        )
        batch_op.create_index(
            "ix_assignment_undecided_of",
            ["batch_id", "worker_id", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'submitted'"),
            postgresql_where=sa.text("state = 'submitted'"),
        )

    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reviewed_until", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mended_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(
            "ix_item_broken",
            ["project_id"],
            unique=False,
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        )

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("requeued_to", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_column("requeued_to")

    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_item_broken",
            sqlite_where=sa.text("broken_at IS NOT NULL"),
            postgresql_where=sa.text("broken_at IS NOT NULL"),
        )
        batch_op.drop_column("mended_at")

    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_column("reviewed_until")

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_assignment_undecided_of",
            sqlite_where=sa.text("state = 'submitted'"),
            postgresql_where=sa.text("state = 'submitted'"),
        )
        batch_op.drop_index(
            "ix_assignment_undecided",
            sqlite_where=sa.text("state = 'submitted'"),
            postgresql_where=sa.text("state = 'submitted'"),
        )

    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_appeal_due", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )

    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_answer_broken", sqlite_where=sa.text("is_broken"), postgresql_where=sa.text("is_broken")
        )
