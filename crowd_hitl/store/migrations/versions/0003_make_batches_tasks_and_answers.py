"""Make batches, tasks and answers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the database up to this revision."""
    op.create_table(
        "batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("question_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("budget_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("purpose", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("overlap_min", sa.Integer(), nullable=False),
        sa.Column("overlap_max", sa.Integer(), nullable=False),
        sa.Column("confidence_target", sa.Double(), nullable=False),
        sa.Column("gold_rate", sa.Double(), nullable=False),
        sa.Column("lease_seconds", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("price_micros", sa.BigInteger(), nullable=False),
        sa.Column("fee_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=255), nullable=False),
        sa.Column("aggregator", sa.String(length=255), nullable=False),
        sa.Column("overlap_policy", sa.String(length=255), nullable=False),
        sa.Column("approval", sa.String(length=255), nullable=False),
        sa.Column("quote", sa.JSON(), nullable=False),
        sa.Column("agreed_at_answer_id", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'paused', 'closed')", name=op.f("ck_batch_known_state")),
        sa.CheckConstraint("overlap_min >= 1 AND overlap_max >= overlap_min", name=op.f("ck_batch_overlap_in_order")),
        sa.CheckConstraint("price_micros > 0 AND fee_micros >= 0", name=op.f("ck_batch_price_positive")),
        sa.ForeignKeyConstraint(["budget_id"], ["budget.id"], name=op.f("fk_batch_budget_id")),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name=op.f("fk_batch_project_id")),
        sa.ForeignKeyConstraint(
            ["question_version_id"], ["question_version.id"], name=op.f("fk_batch_question_version_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["round.id"], name=op.f("fk_batch_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_project_id"), ["project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_batch_round_id"), ["round_id"], unique=False)

    op.create_table(
        "offer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("channel", sa.String(length=255), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("price_micros", sa.BigInteger(), nullable=False),
        sa.Column("fee_micros", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_offer_batch_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer")),
        sa.UniqueConstraint("batch_id", "channel", name=op.f("uq_offer_batch_id_channel")),
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("question_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voice_key", sa.String(length=255), nullable=False),
        sa.Column("is_gold", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.Column("overlap", sa.Integer(), nullable=False),
        sa.Column("places_left", sa.Integer(), nullable=False),
        sa.Column("answers_count", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("retire_reason", sa.String(length=255), nullable=True),
        sa.CheckConstraint("(state = 'open') = (places_left > 0)", name=op.f("ck_task_open_means_places")),
        sa.CheckConstraint("answers_count >= 0", name=op.f("ck_task_answers_count_not_negative")),
        sa.CheckConstraint("places_left + answers_count <= overlap", name=op.f("ck_task_within_overlap")),
        sa.CheckConstraint("places_left >= 0", name=op.f("ck_task_places_left_not_negative")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_task_batch_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_task_item_id")),
        sa.ForeignKeyConstraint(
            ["question_version_id"], ["question_version.id"], name=op.f("fk_task_question_version_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("batch_id", "item_id", name=op.f("uq_task_batch_id_item_id")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(
            "ix_task_full",
            ["batch_id"],
            unique=False,
            sqlite_where=sa.text("state = 'full'"),
            postgresql_where=sa.text("state = 'full'"),
        )
        batch_op.create_index(batch_op.f("ix_task_item_id"), ["item_id"], unique=False)
        batch_op.create_index(
            "ix_task_open",
            ["batch_id", "priority", "pos"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    op.create_table(
        "sitting",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("offer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_sitting_batch_id")),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_sitting_offer_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_sitting_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sitting")),
    )
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sitting_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sitting_worker_id"), ["worker_id"], unique=False)

    op.create_table(
        "assignment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sitting_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("voice_key", sa.String(length=255), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=255), nullable=False),
        sa.Column("leased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.CheckConstraint("lease_ends_at > leased_at", name=op.f("ck_assignment_lease_runs_forward")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_assignment_batch_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["account.id"], name=op.f("fk_assignment_decided_by")),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name=op.f("fk_assignment_sitting_id")),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_assignment_task_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_assignment_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment")),
    )
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_assignment_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index("ix_assignment_bookmark", ["worker_id", "batch_id", "priority", "pos"], unique=False)
        batch_op.create_index(
            "ix_assignment_lease",
            ["lease_ends_at"],
            unique=False,
            sqlite_where=sa.text("state = 'leased'"),
            postgresql_where=sa.text("state = 'leased'"),
        )
        batch_op.create_index(batch_op.f("ix_assignment_sitting_id"), ["sitting_id"], unique=False)
        batch_op.create_index("ix_assignment_task", ["task_id"], unique=False)
        batch_op.create_index("ix_assignment_voice", ["voice_key", "worker_id"], unique=False)
        batch_op.create_index(
            "one_voice_per_worker",
            ["voice_key", "worker_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('leased', 'submitted', 'approved')"),
            postgresql_where=sa.text("state IN ('leased', 'submitted', 'approved')"),
        )

    op.create_table(
        "answer",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("assignment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("task_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("worker_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("question_version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("client_key", sa.String(length=255), nullable=False),
        sa.Column("next_ids", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["assignment_id"], ["assignment.id"], name=op.f("fk_answer_assignment_id")),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_answer_batch_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_answer_item_id")),
        sa.ForeignKeyConstraint(
            ["question_version_id"], ["question_version.id"], name=op.f("fk_answer_question_version_id")
        ),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_answer_task_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_answer_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("assignment_id", name=op.f("uq_answer_assignment_id")),
        sa.UniqueConstraint("worker_id", "client_key", name=op.f("uq_answer_worker_id_client_key")),
    )
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index("ix_answer_batch", ["batch_id", "id"], unique=False)
        batch_op.create_index("ix_answer_item", ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_answer_task_id"), ["task_id"], unique=False)

    op.create_table(
        "answer_revision",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("answer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["answer_id"], ["answer.id"], name=op.f("fk_answer_revision_answer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_revision")),
    )
    with op.batch_alter_table("answer_revision", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answer_revision_answer_id"), ["answer_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    with op.batch_alter_table("answer_revision", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answer_revision_answer_id"))

    op.drop_table("answer_revision")
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answer_task_id"))
        batch_op.drop_index("ix_answer_item")
        batch_op.drop_index("ix_answer_batch")

    op.drop_table("answer")
    with op.batch_alter_table("assignment", schema=None) as batch_op:
        batch_op.drop_index(
            "one_voice_per_worker",
            sqlite_where=sa.text("state IN ('leased', 'submitted', 'approved')"),
            postgresql_where=sa.text("state IN ('leased', 'submitted', 'approved')"),
        )
        batch_op.drop_index("ix_assignment_voice")
        batch_op.drop_index("ix_assignment_task")
        batch_op.drop_index(batch_op.f("ix_assignment_sitting_id"))
        batch_op.drop_index(
            "ix_assignment_lease",
            sqlite_where=sa.text("state = 'leased'"),
            postgresql_where=sa.text("state = 'leased'"),
        )
        batch_op.drop_index("ix_assignment_bookmark")
        batch_op.drop_index(batch_op.f("ix_assignment_batch_id"))

    op.drop_table("assignment")
    with op.batch_alter_table("sitting", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sitting_worker_id"))
        batch_op.drop_index(batch_op.f("ix_sitting_batch_id"))

    op.drop_table("sitting")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_task_open", sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'")
        )
        batch_op.drop_index(batch_op.f("ix_task_item_id"))
        batch_op.drop_index(
            "ix_task_full", sqlite_where=sa.text("state = 'full'"), postgresql_where=sa.text("state = 'full'")
        )

    op.drop_table("task")
    op.drop_table("offer")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_round_id"))
        batch_op.drop_index(batch_op.f("ix_batch_project_id"))

    op.drop_table("batch")
