"""Keep values that are no class: labels and gold of any length, and which questions are answered by a class."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLES = ("label", "gold")


def upgrade() -> None:
    """Bring the database up to this revision."""
    # until now every question was a choice
    op.add_column("question_version", sa.Column("is_class", sa.Boolean(), server_default=sa.true(), nullable=False))
    for table in TABLES:
        with op.batch_alter_table(table) as changes:
            changes.alter_column("value", type_=sa.String(), existing_type=sa.String(255), existing_nullable=False)


def downgrade() -> None:
    """Go back to the revision before; refused by PostgreSQL while there is a longer value."""
    for table in TABLES:
        with op.batch_alter_table(table) as changes:
            changes.alter_column("value", type_=sa.String(255), existing_type=sa.String(), existing_nullable=False)
    op.drop_column("question_version", "is_class")
