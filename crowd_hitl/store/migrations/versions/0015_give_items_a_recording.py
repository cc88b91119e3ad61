"""Index the items of a project by id, so that a page of them costs the same whatever other projects hold."""

from alembic import op

revision = "0015"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_index("ix_item_project", "item", ["project_id", "id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_item_project", "item")
