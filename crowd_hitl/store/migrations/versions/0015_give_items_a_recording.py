"""Give items a recording, and index those of a project by id: a page of them costs the same whatever others hold."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.add_column("item", sa.Column("audio_key", sa.String(length=255), nullable=True))
    op.create_index("ix_item_project", "item", ["project_id", "id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_item_project", "item")
    op.drop_column("item", "audio_key")
