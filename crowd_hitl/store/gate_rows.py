"""Who may work on what: qualifications that are granted, pauses and blocks."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped

from crowd_hitl.store.rows import Key, Long, Row, to

STANDS = text("revoked_at IS NULL")
HOLDS = text("lifted_at IS NULL")


class QualificationRow(Row):
    """A gate of an organisation: a language, a training, a signed agreement."""

    __tablename__ = "qualification"
    __table_args__ = (UniqueConstraint("organisation_id", "name"),)

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation")
    name: Mapped[str]
    description: Mapped[Long | None]
    created_at: Mapped[datetime]


class GrantRow(Row):
    """A qualification that a worker has, or had: revoking ends the row, granting again makes a new one."""

    __tablename__ = "qualification_grant"
    __table_args__ = (
        Index(
            "one_grant_at_a_time",
            "qualification_id",
            "worker_id",
            unique=True,
            sqlite_where=STANDS,
            postgresql_where=STANDS,
        ),
        Index("ix_qualification_grant_worker", "worker_id"),
    )

    id: Mapped[Key]
    qualification_id: Mapped[int] = to("qualification")
    worker_id: Mapped[int] = to("worker")
    value: Mapped[float | None]
    granted_by: Mapped[int | None] = to("account", nullable=True)
    granted_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WorkerBlockRow(Row):
    """A worker is kept from work: from a batch, a project or (neither named) all of the organisation's.

    It ends at `ends_at`, if that is set, or when somebody lifts it.
    """

    __tablename__ = "worker_block"
    __table_args__ = (
        CheckConstraint("kind IN ('pause', 'block')", name="known_kind"),
        CheckConstraint("batch_id IS NULL OR project_id IS NOT NULL", name="batch_within_project"),
        Index("ix_worker_block_worker", "worker_id", sqlite_where=HOLDS, postgresql_where=HOLDS),
    )

    id: Mapped[Key]
    worker_id: Mapped[int] = to("worker")
    project_id: Mapped[int | None] = to("project", nullable=True)
    batch_id: Mapped[int | None] = to("batch", nullable=True)
    kind: Mapped[str]
    reason: Mapped[Long]
    placed_by: Mapped[int | None] = to("account", nullable=True)
    rule_id: Mapped[int | None] = to("rule", nullable=True)
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    lifted_at: Mapped[datetime | None]
    lifted_by: Mapped[int | None] = to("account", nullable=True)
