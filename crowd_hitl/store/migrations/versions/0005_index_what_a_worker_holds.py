"""Index what a worker holds, so that counting it costs the same however much the worker has done."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HELD = sa.text("state = 'leased'")


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_index(
        "ix_assignment_held",
        "assignment",
        ["worker_id", "batch_id", "id"],
        sqlite_where=HELD,
        postgresql_where=HELD,
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_assignment_held", table_name="assignment", sqlite_where=HELD, postgresql_where=HELD)
