"""Order work by level, remember second looks, and keep fewer indexes on what each answer writes."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# As domain/tasks.level has it on this day.
HOURS, HOUR_SECONDS = 2**28, 3600
OPEN = sa.text("state = 'open'")
LEASED = sa.text("state = 'leased'")
LET_GO = sa.text("state IN ('released', 'expired')")
# Plain ALTER TABLE: in a batch SQLite would copy the table, which others refer to.
ADD_LEVEL = "ALTER TABLE {table} ADD COLUMN level BIGINT DEFAULT 0 NOT NULL"
SECONDS = {
    "sqlite": "CAST(strftime('%s', deadline) AS INTEGER)",
    "postgresql": "CAST(floor(extract(epoch FROM deadline)) AS bigint)",
}


def upgrade() -> None:
    """Bring the database up to this revision."""
    _create_cursors()
    for table in ("task", "assignment"):
        op.execute(ADD_LEVEL.format(table=table))
    hour = f"{SECONDS[op.get_bind().dialect.name]} / {HOUR_SECONDS}"
    op.execute(
        f"UPDATE task SET level = CAST(priority AS BIGINT) * {HOURS} + CASE WHEN deadline IS NULL THEN 0 "
        f"ELSE {HOURS - 1} - {hour} END WHERE priority <> 0 OR deadline IS NOT NULL"
    )
    op.execute(
        "UPDATE assignment SET level = (SELECT t.level FROM task t WHERE t.id = assignment.task_id) "
        "WHERE EXISTS (SELECT 1 FROM task t WHERE t.id = assignment.task_id AND t.level <> 0)"
    )
    _drop("ix_task_open", "task", OPEN)
    _create("ix_task_open", "task", ["batch_id", "level", "pos"], OPEN)
    _drop("ix_assignment_bookmark", "assignment")
    op.create_index("ix_assignment_bookmark", "assignment", ["worker_id", "batch_id", "level", "pos"])
    op.execute("ALTER TABLE assignment DROP COLUMN priority")
    _drop("ix_assignment_lease", "assignment", LEASED)
    _create("ix_assignment_lease", "assignment", ["batch_id", "lease_ends_at"], LEASED)
    _create("ix_assignment_let_go", "assignment", ["worker_id", "batch_id", "level", "pos"], LET_GO)
    _drop("ix_sitting_batch_id", "sitting")
    _drop("ix_sitting_worker_id", "sitting")
    _drop("ix_assignment_task", "assignment")
    _drop("ix_answer_task_id", "answer")
    _leave_room(80)


def downgrade() -> None:
    """Go back to the revision before."""
    _leave_room(100)
    op.create_index("ix_answer_task_id", "answer", ["task_id"])
    op.create_index("ix_assignment_task", "assignment", ["task_id"])
    op.create_index("ix_sitting_worker_id", "sitting", ["worker_id"])
    op.create_index("ix_sitting_batch_id", "sitting", ["batch_id"])
    _drop("ix_assignment_let_go", "assignment", LET_GO)
    _drop("ix_assignment_lease", "assignment", LEASED)
    _create("ix_assignment_lease", "assignment", ["lease_ends_at"], LEASED)
    op.execute("ALTER TABLE assignment ADD COLUMN priority INTEGER DEFAULT 0 NOT NULL")
    op.execute("UPDATE assignment SET priority = (SELECT t.priority FROM task t WHERE t.id = assignment.task_id)")
    _drop("ix_assignment_bookmark", "assignment")
    op.create_index("ix_assignment_bookmark", "assignment", ["worker_id", "batch_id", "priority", "pos"])
    _drop("ix_task_open", "task", OPEN)
    _create("ix_task_open", "task", ["batch_id", "priority", "pos"], OPEN)
    for table in ("assignment", "task"):
        op.execute(f"ALTER TABLE {table} DROP COLUMN level")
    op.drop_table("worker_cursor")


def _create_cursors() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "worker_cursor",
        sa.Column("id", key, nullable=False),
        sa.Column("worker_id", key, nullable=False),
        sa.Column("batch_id", key, nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("passed", sa.BigInteger(), nullable=False),
        sa.Column("behind", sa.BigInteger(), nullable=False),
        sa.Column("is_through", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_worker_cursor_batch_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["worker.id"], name=op.f("fk_worker_cursor_worker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_cursor")),
        sa.UniqueConstraint("worker_id", "batch_id", "level", name=op.f("uq_worker_cursor_worker_id_batch_id_level")),
    )


def _leave_room(percent: int) -> None:
    """Let PostgreSQL update these rows, which every answer does, without touching their indexes."""
    if op.get_bind().dialect.name == "postgresql":
        for table in ("task", "sitting"):
            op.execute(f"ALTER TABLE {table} SET (fillfactor = {percent})")


def _create(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _drop(name: str, table: str, where: sa.TextClause | None = None) -> None:
    op.drop_index(name, table_name=table, sqlite_where=where, postgresql_where=where)
