"""The work itself: batches, offers, tasks, sittings, assignments and answers."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.domain.assignments import LET_GO, STANDING
from crowd_hitl.store.rows import Count, Key, Long, Micros, Row, index_while, index_while_one_of, to, unique_while

# Every answer updates a task and a sitting: in the room that is left, PostgreSQL need not touch their indexes.
ROOM = {"postgresql_with": {"fillfactor": 80}}

IS_BROKEN = text("is_broken")


class BatchRow(Row):
    """Tasks published together, with the defaults of its tasks and a budget."""

    __tablename__ = "batch"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'paused', 'closed')", name="known_state"),
        CheckConstraint("overlap_min >= 1 AND overlap_max >= overlap_min", name="overlap_in_order"),
        CheckConstraint("price_micros > 0 AND fee_micros >= 0", name="price_positive"),
        CheckConstraint("compensation_micros >= 0", name="compensation_not_negative"),
        CheckConstraint("page_size >= 1", name="page_has_a_task"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = to("project", index=True)
    question_version_id: Mapped[int] = to("question_version")
    budget_id: Mapped[int] = to("budget")
    round_id: Mapped[int | None] = to("round", index=True, nullable=True)
    name: Mapped[str]
    purpose: Mapped[str]
    state: Mapped[str]
    overlap_min: Mapped[int]
    overlap_max: Mapped[int]
    confidence_target: Mapped[float]
    gold_rate: Mapped[float]
    lease_seconds: Mapped[int]
    deadline: Mapped[datetime | None]
    priority: Mapped[int]
    # tasks of one sitting, and what one answer earns at most; each place holds this much, and the fee, until it is paid
    page_size: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    price_micros: Mapped[Micros]
    fee_micros: Mapped[Micros]
    currency: Mapped[str]
    # paid by active time instead, up to the price for each answer
    hourly_micros: Mapped[int | None] = mapped_column(BigInteger)
    # lower prices for some workers: [{"price_micros", "requirement"}], the first that a worker meets
    rates: Mapped[list[Any] | None]
    # what is left of the line that pays for late answers and for those that are paid but not used
    compensation_micros: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    # who may work: a requirement, and the most that one worker may answer: in all, as a share, in a day
    requirement: Mapped[dict[str, Any] | None]
    cap_answers: Mapped[int | None]
    cap_share: Mapped[float | None]
    cap_per_day: Mapped[int | None]
    # a claim needs more than the hot path checks: rates, hours, requirements or caps
    is_special: Mapped[bool] = mapped_column(default=False, server_default=false())
    aggregator: Mapped[str]
    overlap_policy: Mapped[str]
    approval: Mapped[str]
    # what the kind of approval needs to know: a delay, a share, an accuracy
    review: Mapped[dict[str, Any] | None]
    # answers up to this moment were looked at by the pass that approves all but a sample
    reviewed_until: Mapped[datetime | None]
    quote: Mapped[dict[str, Any]]
    # full tasks that the last pass left as they are: they may be asked further, once more is known of the others
    held_back: Mapped[Count] = mapped_column(server_default=text("0"))
    agreed_at_answer_id: Mapped[int] = mapped_column(BigInteger, default=0)
    published_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class OfferRow(Row):
    """A batch on one channel: its price and fee there."""

    __tablename__ = "offer"
    __table_args__ = (UniqueConstraint("batch_id", "channel"),)

    id: Mapped[Key]
    batch_id: Mapped[int] = to("batch")
    channel: Mapped[str]
    ordinal: Mapped[Count]
    price_micros: Mapped[Micros]
    fee_micros: Mapped[Micros]
    state: Mapped[str]


class TaskRow(Row):
    """One item put as one question version in one batch.

    `places_left + held + answers_count = overlap`; the first two checks make too many answers impossible.
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("batch_id", "item_id"),
        CheckConstraint("places_left >= 0", name="places_left_not_negative"),
        CheckConstraint("answers_count >= 0", name="answers_count_not_negative"),
        CheckConstraint("places_left + answers_count <= overlap", name="within_overlap"),
        CheckConstraint("(state = 'open') = (places_left > 0)", name="open_means_places"),
        index_while("ix_task_open", "batch_id", "level", "pos", state="open"),
        index_while("ix_task_full", "batch_id", state="full"),
        ROOM,
    )

    id: Mapped[Key]
    batch_id: Mapped[int] = to("batch")
    item_id: Mapped[int] = to("item", index=True)
    question_version_id: Mapped[int] = to("question_version")
    voice_key: Mapped[str]
    is_gold: Mapped[bool]
    # for people; work goes by `level`, which is made of both
    priority: Mapped[int]
    deadline: Mapped[datetime | None]
    level: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    pos: Mapped[int] = mapped_column(BigInteger)
    overlap: Mapped[int]
    places_left: Mapped[int]
    answers_count: Mapped[Count]
    state: Mapped[str]
    retire_reason: Mapped[str | None]
    # put back to work by hand: the overlap may be as much as this, beyond the batch's own most
    requeued_to: Mapped[int | None]


class SittingRow(Row):
    """What one worker leases, submits and is paid for together: one answer in-house."""

    __tablename__ = "sitting"
    __table_args__ = ROOM

    id: Mapped[Key]
    offer_id: Mapped[int] = to("offer")
    batch_id: Mapped[int] = to("batch")
    worker_id: Mapped[int] = to("worker")
    state: Mapped[str]
    # what one answer earns here, where it is not the batch's price; and the active seconds that were paid for
    price_micros: Mapped[int | None] = mapped_column(BigInteger)
    seconds: Mapped[float | None]
    opened_at: Mapped[datetime]
    # an hourly sitting ends here at the latest
    ends_at: Mapped[datetime | None]
    submitted_at: Mapped[datetime | None]


class AssignmentRow(Row):
    """One worker's hold on one task. Never deleted: a lapsed lease is history."""

    __tablename__ = "assignment"
    __table_args__ = (
        CheckConstraint("lease_ends_at > leased_at", name="lease_runs_forward"),
        # a partial unique index: it binds only while the assignment is leased, submitted or approved
        unique_while("one_voice_per_worker", "voice_key", "worker_id", states=STANDING),
        index_while("ix_assignment_lease", "batch_id", "lease_ends_at", state="leased"),
        index_while("ix_assignment_held", "worker_id", "batch_id", "id", state="leased"),
        # what waits for a decision: by time, for delays and samples; by worker, for what gold says of them
        index_while("ix_assignment_undecided", "batch_id", "ended_at", "id", state="submitted"),
        index_while("ix_assignment_undecided_of", "batch_id", "worker_id", "id", state="submitted"),
        Index("ix_assignment_bookmark", "worker_id", "batch_id", "level", "pos"),
        index_while_one_of("ix_assignment_let_go", "worker_id", "batch_id", "level", "pos", states=LET_GO),
        # by task too: a task and its assignments have the same voice key
        Index("ix_assignment_voice", "voice_key", "worker_id"),
    )

    id: Mapped[Key]
    sitting_id: Mapped[int] = to("sitting", index=True)
    task_id: Mapped[int] = to("task")
    batch_id: Mapped[int] = to("batch", index=True)
    worker_id: Mapped[int] = to("worker")
    voice_key: Mapped[str]
    level: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
    pos: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    leased_at: Mapped[datetime]
    lease_ends_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = to("account", nullable=True)
    decided_at: Mapped[datetime | None]
    reason: Mapped[Long | None]


class WorkerCursorRow(Row):
    """How far a worker's second looks went: written only when nothing lay ahead of the worker's bookmark.

    Up to `passed` nothing new lies ahead; what lies behind is walked round and round, and `behind` is where the
    walk stopped. `is_through` says that it has been all the way once.
    """

    __tablename__ = "worker_cursor"
    __table_args__ = (UniqueConstraint("worker_id", "batch_id", "level"),)

    id: Mapped[Key]
    worker_id: Mapped[int] = to("worker")
    batch_id: Mapped[int] = to("batch")
    level: Mapped[int] = mapped_column(BigInteger)
    passed: Mapped[int] = mapped_column(BigInteger)
    behind: Mapped[int] = mapped_column(BigInteger)
    is_through: Mapped[bool]


class AnswerRow(Row):
    """What a worker submitted. The client's key makes a repeated submit the same submit."""

    __tablename__ = "answer"
    __table_args__ = (
        UniqueConstraint("assignment_id"),
        UniqueConstraint("worker_id", "client_key"),
        Index("ix_answer_batch", "batch_id", "id"),
        Index("ix_answer_item", "item_id"),
        Index("ix_answer_broken", "item_id", "id", sqlite_where=IS_BROKEN, postgresql_where=IS_BROKEN),
    )

    id: Mapped[Key]
    assignment_id: Mapped[int] = to("assignment")
    batch_id: Mapped[int] = to("batch")
    task_id: Mapped[int] = to("task")
    item_id: Mapped[int] = to("item")
    worker_id: Mapped[int] = to("worker")
    question_version_id: Mapped[int] = to("question_version")
    value: Mapped[dict[str, Any]]
    # the worker says that the item itself cannot be answered; `value` says why
    is_broken: Mapped[bool] = mapped_column(default=False, server_default=false())
    client_key: Mapped[str]
    # what the first submit handed out next, so that a repeat can return the same
    next_ids: Mapped[list[Any]]
    seconds: Mapped[float]
    submitted_at: Mapped[datetime]


class AnswerRevisionRow(Row):
    """What an answer said before its worker replaced it."""

    __tablename__ = "answer_revision"

    id: Mapped[Key]
    answer_id: Mapped[int] = to("answer", index=True)
    value: Mapped[dict[str, Any]]
    replaced_at: Mapped[datetime]
