"""Index what counts towards a worker's caps, so that a claim costs the same however much the worker has done."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0007"
branch_labels = None
depends_on = None

WORKED = sa.text("state IN ('leased', 'submitted', 'approved', 'rejected', 'late', 'soft_rejected', 'removed')")


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_index(
        "ix_assignment_cap",
        "assignment",
        ["worker_id", "batch_id", "leased_at"],
        sqlite_where=WORKED,
        postgresql_where=WORKED,
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_assignment_cap", table_name="assignment", sqlite_where=WORKED, postgresql_where=WORKED)
