"""Make gates, reviews and sittings of several tasks."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "qualification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_qualification_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification")),
        sa.UniqueConstraint("organisation_id", "name", name=op.f("uq_qualification_organisation_id_name")),
    )
    op.create_table(
        "rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("collector", sa.String(length=255), nullable=False),
        sa.Column("condition", sa.JSON(), nullable=False),
        sa.Column("action", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("seen_answer_id", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('on', 'off')", name=op.f("ck_rule_known_state")),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_rule_created_by")),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_rule_organisation_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rule_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
    )
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rule_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_rule_project_id"), ["project_id"], unique=False)

    op.create_table(
        "qualification_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("qualification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("granted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["granted_by"], ["account.id"], name=op.f("fk_qualification_grant_granted_by")),
        sa.ForeignKeyConstraint(
            ["qualification_id"], ["qualification.id"], name=op.f("fk_qualification_grant_qualification_id")
        ),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_qualification_grant_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_qualification_grant")),
    )
    with op.batch_alter_table("qualification_grant", schema=None) as batch_op:
        batch_op.create_index("ix_qualification_grant_worker", ["worker_id"], unique=False)
        batch_op.create_index(
            "one_grant_at_a_time",
            ["qualification_id", "worker_id"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )

    op.create_table(
        "worker_block",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("placed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("kind IN ('pause', 'block')", name=op.f("ck_worker_block_known_kind")),
        sa.CheckConstraint(
            "batch_id IS NULL OR project_id IS NOT NULL", name=op.f("ck_worker_block_batch_within_project")
        ),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_worker_block_batch_id")),
        sa.ForeignKeyConstraint(["lifted_by"], ["account.id"], name=op.f("fk_worker_block_lifted_by")),
        sa.ForeignKeyConstraint(["placed_by"], ["account.id"], name=op.f("fk_worker_block_placed_by")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_worker_block_project_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name=op.f("fk_worker_block_rule_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_worker_block_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_block")),
    )
    with op.batch_alter_table("worker_block", schema=None) as batch_op:
        batch_op.create_index(
            "ix_worker_block_worker",
            ["worker_id"],
            unique=False,
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )

    op.create_table(
        "rule_hit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("measured", sa.Double(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("action", sa.String(length=255), nullable=False),
        sa.Column("block_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["block_id"], ["worker_block.id"], name=op.f("fk_rule_hit_block_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_rule_hit_project_id")),
        sa.ForeignKeyConstraint(["rule_id"], ["rule.id"], name=op.f("fk_rule_hit_rule_id")),
        sa.ForeignKeyConstraint(["seen_by"], ["account.id"], name=op.f("fk_rule_hit_seen_by")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_rule_hit_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_hit")),
    )
    with op.batch_alter_table("rule_hit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rule_hit_rule_id"), ["rule_id"], unique=False)
        batch_op.create_index("ix_rule_hit_worker", ["worker_id", "id"], unique=False)

    op.create_table(
        "appeal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("assignment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("reply", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_appeal_decided_has_a_moment")),
        sa.CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name=op.f("ck_appeal_known_state")),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_appeal_assignment_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_appeal_batch_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=op.f("fk_appeal_decided_by")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_appeal_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeal")),
        sa.UniqueConstraint("assignment_id", name=op.f("uq_appeal_assignment_id")),
    )
    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_appeal_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_appeal_worker_id"), ["worker_id"], unique=False)

    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_broken", sa.Boolean(), server_default=sa.false(), nullable=False))

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))

    # With their checks in the same statement: SQLite would otherwise copy the table, which others refer to.
    op.execute(
        "ALTER TABLE batch ADD COLUMN page_size INTEGER DEFAULT 1 NOT NULL "
        "CONSTRAINT ck_batch_page_has_a_task CHECK (page_size >= 1)"
    )
    op.execute(
        "ALTER TABLE batch ADD COLUMN compensation_micros BIGINT DEFAULT 0 NOT NULL "
        "CONSTRAINT ck_batch_compensation_not_negative CHECK (compensation_micros >= 0)"
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hourly_micros", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("rates", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("requirement", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("cap_answers", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("cap_share", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("cap_per_day", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("is_special", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("review", sa.JSON(), nullable=True))

    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("broken_at", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.add_column(sa.Column("price_micros", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("seconds", sa.Double(), nullable=True))
        batch_op.add_column(sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.drop_column("ends_at")
        batch_op.drop_column("seconds")
        batch_op.drop_column("price_micros")

    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_column("broken_at")

    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_column("review")
        batch_op.drop_column("is_special")
        batch_op.drop_column("cap_per_day")
        batch_op.drop_column("cap_share")
        batch_op.drop_column("cap_answers")
        batch_op.drop_column("requirement")
        batch_op.drop_column("compensation_micros")
        batch_op.drop_column("rates")
        batch_op.drop_column("hourly_micros")
        batch_op.drop_column("page_size")

    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_column("decided_at")

    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_column("is_broken")

    with op.batch_alter_table("appeal", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_appeal_worker_id"))
        batch_op.drop_index(batch_op.f("ix_appeal_batch_id"))

    op.drop_table("appeal")
    with op.batch_alter_table("rule_hit", schema=None) as batch_op:
        batch_op.drop_index("ix_rule_hit_worker")
        batch_op.drop_index(batch_op.f("ix_rule_hit_rule_id"))

    op.drop_table("rule_hit")
    with op.batch_alter_table("worker_block", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_worker_block_worker",
            sqlite_where=sa.text("lifted_at IS NULL"),
            postgresql_where=sa.text("lifted_at IS NULL"),
        )

    op.drop_table("worker_block")
    with op.batch_alter_table("qualification_grant", schema=None) as batch_op:
        batch_op.drop_index(
            "one_grant_at_a_time",
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )
        batch_op.drop_index("ix_qualification_grant_worker")

    op.drop_table("qualification_grant")
    with op.batch_alter_table("rule", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rule_project_id"))
        batch_op.drop_index(batch_op.f("ix_rule_organisation_id"))

    op.drop_table("rule")
    op.drop_table("qualification")
