"""Answers taken out of a batch: why and by whom, and of each answer whether its place opened again."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from crowd_hitl.store.rows import Key, Long, Row, to

STANDS = text("restored_at IS NULL")


class RemovalRow(Row):
    """One worker's answers were taken out of one batch."""

    __tablename__ = "removal"

    id: Mapped[Key]
    worker_id: Mapped[int] = to("worker", index=True)
    batch_id: Mapped[int] = to("batch", index=True)
    reason: Mapped[Long]
    removed_by: Mapped[int | None] = to("account", nullable=True)
    removed_at: Mapped[datetime]


class RemovedAnswerRow(Row):
    """One answer of a removal; restoring ends the row, and taking the answer out again makes a new one."""

    __tablename__ = "removed_answer"
    __table_args__ = (
        Index("one_removal_at_a_time", "assignment_id", unique=True, sqlite_where=STANDS, postgresql_where=STANDS),
    )

    id: Mapped[Key]
    removal_id: Mapped[int] = to("removal", index=True)
    assignment_id: Mapped[int] = to("assignment", index=True)
    # its place opened again, for which money was set aside anew; else the task's overlap was lowered
    reissued: Mapped[bool]
    restored_at: Mapped[datetime | None]
