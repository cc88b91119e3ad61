"""Keep how far labels are believed: what gold makes of their confidence."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "calibration",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("field", sa.String(length=255), nullable=False),
        sa.Column("gold", sa.Integer(), nullable=False),
        sa.Column("base", sa.Double(), nullable=False),
        sa.Column("mixing", sa.Double(), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("claimed", sa.Double(), nullable=False),
        sa.Column("kept", sa.Double(), nullable=True),
        sa.Column("ece", sa.Double(), nullable=False),
        sa.Column("bins", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_calibration_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibration")),
        sa.UniqueConstraint("project_id", "field", name=op.f("uq_calibration_project_id_field")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("calibration")
