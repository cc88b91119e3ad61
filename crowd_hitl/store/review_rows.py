"""Decisions about work: appeals against rejections, behaviour rules and what they found."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.store.rows import Key, Long, Row, index_while, to


class AppealRow(Row):
    """A worker asks for a second look at a rejection: once for each, until a deadline."""

    __tablename__ = "appeal"
    __table_args__ = (
        UniqueConstraint("assignment_id"),
        CheckConstraint("state IN ('open', 'upheld', 'dismissed')", name="known_state"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="decided_has_a_moment"),
        index_while("ix_appeal_due", "due_at", state="open"),
    )

    id: Mapped[Key]
    assignment_id: Mapped[int] = to("assignment")
    worker_id: Mapped[int] = to("worker", index=True)
    batch_id: Mapped[int] = to("batch", index=True)
    text: Mapped[Long]
    state: Mapped[str]
    reply: Mapped[Long | None]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    decided_by: Mapped[int | None] = to("account", nullable=True)
    decided_at: Mapped[datetime | None]


class RuleRow(Row):
    """A behaviour rule: what is collected of each worker, the condition, and what is done when it is met."""

    __tablename__ = "rule"
    __table_args__ = (CheckConstraint("state IN ('on', 'off')", name="known_state"),)

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation", index=True)
    project_id: Mapped[int | None] = to("project", nullable=True, index=True)
    name: Mapped[str]
    collector: Mapped[str]
    condition: Mapped[dict[str, Any]]
    action: Mapped[dict[str, Any]]
    state: Mapped[str]
    # only answers after this one are looked at next time
    seen_answer_id: Mapped[int] = mapped_column(BigInteger, default=0)
    created_by: Mapped[int | None] = to("account", nullable=True)
    created_at: Mapped[datetime]


class RuleHitRow(Row):
    """A rule's condition was met by a worker: what was measured, and what was done."""

    __tablename__ = "rule_hit"
    __table_args__ = (Index("ix_rule_hit_worker", "worker_id", "id"),)

    id: Mapped[Key]
    rule_id: Mapped[int] = to("rule", index=True)
    worker_id: Mapped[int] = to("worker")
    project_id: Mapped[int | None] = to("project", nullable=True)
    measured: Mapped[float]
    evidence: Mapped[dict[str, Any]]
    action: Mapped[str]
    block_id: Mapped[int | None] = to("worker_block", nullable=True)
    found_at: Mapped[datetime]
    # somebody has looked at it
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[int | None] = to("account", nullable=True)
