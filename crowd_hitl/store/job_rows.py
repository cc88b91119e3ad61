"""Background jobs, and the tables in which Huey keeps their numbers on PostgreSQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Double, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.domain.jobs import ACTIVE
from crowd_hitl.store.rows import BigId, Count, Key, Long, Row, to, unique_while


class JobRow(Row):
    """One piece of background work: the truth about it; the queue only carries its id to a process.

    A pass (expiry, agreement, a loop's steps) has one row that runs again and again; what a requester starts has its
    own. While it runs it has a holder, whose lease is renewed as long as its process lives.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'parked', 'cancelled')", name="known_state"),
        CheckConstraint("(state = 'running') = (holder IS NOT NULL)", name="running_has_a_holder"),
        CheckConstraint("(holder IS NULL) = (lease_ends_at IS NULL)", name="holder_has_a_lease"),
        CheckConstraint("attempts >= 0 AND runs >= 0 AND done_count >= 0", name="counts_from_zero"),
        unique_while("one_job_for_a_thing", "key", states=ACTIVE),
        Index("ix_job_key", "key"),
        Index("ix_job_state_due_at", "state", "due_at"),
        Index("ix_job_organisation_id_id", "organisation_id", "id"),
    )

    id: Mapped[Key]
    kind: Mapped[str]
    key: Mapped[str]
    # none: a pass over all of the house, which is the admins' business
    organisation_id: Mapped[int | None] = to("organisation", nullable=True)
    account_id: Mapped[int | None] = to("account", nullable=True)
    payload: Mapped[dict[str, Any]]
    state: Mapped[str]
    done_count: Mapped[Count]
    total_count: Mapped[int | None]
    result: Mapped[dict[str, Any] | None]
    runs: Mapped[Count]
    # failures since it was last done or started by hand
    attempts: Mapped[Count]
    last_error: Mapped[Long | None]
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    # when its id was given to the queue; empty: not yet
    handed_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    heartbeat_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    holder: Mapped[str | None]
    lease_ends_at: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]


class QueueTaskRow(Row):
    """What Huey has queued on PostgreSQL, its columns as Huey names them; the embedded queue is a file of its own."""

    __tablename__ = "queue_task"
    __table_args__ = (Index("ix_queue_task_queue_id", "queue", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    queue: Mapped[str] = mapped_column(String)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    priority: Mapped[float] = mapped_column(Double, server_default="0")


class QueueKeyRow(Row):
    """Huey's small store of keys: it looks here before each task whether somebody took the task back."""

    __tablename__ = "queue_kv"

    queue: Mapped[str] = mapped_column(String, primary_key=True)
    key: Mapped[str] = mapped_column(String, primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
