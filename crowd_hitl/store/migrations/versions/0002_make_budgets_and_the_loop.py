"""Make budgets and the loop."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "ledger_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("ref_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_account")),
        sa.UniqueConstraint("kind", "ref_id", "currency", name=op.f("uq_ledger_account_kind_ref_id_currency")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("business_key", sa.String(length=255), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("business_key", name=op.f("uq_outbox_business_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_due", ["state", "due_at"], unique=False)

    op.create_table(
        "budget",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.Column("available_micros", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("available_micros >= 0", name=op.f("ck_budget_never_overdrawn")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_budget_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budget")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_budget_organisation_id_name")),
    )
    op.create_table(
        "loop",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("budget_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("phase", sa.String(length=255), nullable=False),
        sa.Column("stopped", sa.String(length=255), nullable=True),
        sa.Column("extending", sa.Boolean(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('running', 'stopped')", name=op.f("ck_loop_known_state")),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_loop_budget_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_loop_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loop")),
    )
    with op.batch_alter_table("loop", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_loop_project_id"), ["project_id"], unique=False)
        batch_op.create_index(
            "one_running_loop",
            ["project_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('running')"),
            postgresql_where=sa.text("state IN ('running')"),
        )

    op.create_table(
        "round",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("loop_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("items_asked", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("human_labels", sa.Integer(), nullable=False),
        sa.Column("model_labels", sa.Integer(), nullable=False),
        sa.Column("model_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("model_accuracy", sa.Double(), nullable=True),
        sa.Column("model_agreement", sa.Double(), nullable=True),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=True),
        sa.Column("pool_sha256", sa.String(length=255), nullable=True),
        sa.Column("pool_round_number", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["loop_id"], ["loop.id"], name=op.f("fk_round_loop_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_round_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round")),
        sa.UniqueConstraint("loop_id", "number", name=op.f("uq_round_loop_id_number")),
    )
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_round_project_id"), ["project_id"], unique=False)

    op.create_table(
        "choice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.String(length=255), nullable=False),
        sa.Column("propensity", sa.Double(), nullable=False),
        sa.Column("frozen_value", sa.String(length=255), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_choice_item_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_choice_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_choice")),
        sa.UniqueConstraint("round_id", "item_id", name=op.f("uq_choice_round_id_item_id")),
    )
    with op.batch_alter_table("choice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_choice_item_id"), ["item_id"], unique=False)

    op.create_table(
        "model_version",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("learner", sa.String(length=255), nullable=False),
        sa.Column("question_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("field", sa.String(length=255), nullable=False),
        sa.Column("trained_on", sa.Integer(), nullable=False),
        sa.Column("data_key", sa.String(length=255), nullable=False),
        sa.Column("data_sha256", sa.String(length=255), nullable=False),
        sa.Column("model_key", sa.String(length=255), nullable=False),
        sa.Column("model_sha256", sa.String(length=255), nullable=False),
        sa.Column("libraries", sa.JSON(), nullable=False),
        sa.Column("gold_seen", sa.Integer(), nullable=False),
        sa.Column("gold_right", sa.Integer(), nullable=False),
        sa.Column("spent_micros", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_model_version_project_id")),
        sa.ForeignKeyConstraint(
            ["question_version_id"], ["question_version.id"], name=op.f("fk_model_version_question_version_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_model_version_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("project_id", "number", name=op.f("uq_model_version_project_id_number")),
    )
    op.create_table(
        "certificate",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("method", sa.String(length=255), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("max_error", sa.Double(), nullable=False),
        sa.Column("delta", sa.Double(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("pool_sha256", sa.String(length=255), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("audited", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("bound", sa.Double(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.id"], name=op.f("fk_certificate_model_version_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_certificate_project_id")),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_certificate_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
    )
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificate_project_id"), ["project_id"], unique=False)

    op.create_table(
        "prediction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("model_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.String(length=255), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("margin", sa.Double(), nullable=False),
        sa.Column("route", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_prediction_item_id")),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.id"], name=op.f("fk_prediction_model_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction")),
        sa.UniqueConstraint("model_version_id", "item_id", name=op.f("uq_prediction_model_version_id_item_id")),
    )
    with op.batch_alter_table("prediction", schema=None) as batch_op:
        batch_op.create_index("ix_prediction_item", ["item_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("prediction", schema=None) as batch_op:
        batch_op.drop_index("ix_prediction_item")

    op.drop_table("prediction")
    with op.batch_alter_table("certificate", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificate_project_id"))

    op.drop_table("certificate")
    op.drop_table("model_version")
    with op.batch_alter_table("choice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_choice_item_id"))

    op.drop_table("choice")
    with op.batch_alter_table("round", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_round_project_id"))

    op.drop_table("round")
    with op.batch_alter_table("loop", schema=None) as batch_op:
        batch_op.drop_index(
            "one_running_loop",
            sqlite_where=sa.text("state IN ('running')"),
            postgresql_where=sa.text("state IN ('running')"),
        )
        batch_op.drop_index(batch_op.f("ix_loop_project_id"))

    op.drop_table("loop")
    op.drop_table("budget")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_due")

    op.drop_table("outbox")
    op.drop_table("ledger_account")
