"""Hold tasks back: full ones that a pass left, as they may be asked further once more is known of the others."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.add_column("batch", sa.Column("held_back", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("batch", "held_back")
