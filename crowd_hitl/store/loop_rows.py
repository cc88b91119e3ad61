"""The loop: its policy and phase, rounds, model versions, predictions and certificates."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.store.rows import BigId, Count, Key, Micros, Row, to, unique_while


class LoopRow(Row):
    """One project's loop: what it may spend, what it promises, and where it stands."""

    __tablename__ = "loop"
    __table_args__ = (
        unique_while("one_running_loop", "project_id", states=("running",)),
        CheckConstraint("state IN ('running', 'stopped')", name="known_state"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = to("project", index=True)
    budget_id: Mapped[int] = to("budget")
    state: Mapped[str]
    phase: Mapped[str]
    stopped: Mapped[str | None]
    # the next audit adds to the last one instead of starting anew
    extending: Mapped[bool]
    seed: Mapped[int] = mapped_column(BigInteger)
    policy: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class RoundRow(Row):
    """One turn of the loop, with what it bought and what it found."""

    __tablename__ = "round"
    __table_args__ = (UniqueConstraint("loop_id", "number"),)

    id: Mapped[Key]
    loop_id: Mapped[int] = to("loop")
    project_id: Mapped[int] = to("project", index=True)
    number: Mapped[int]
    purpose: Mapped[str]
    state: Mapped[str]
    items_asked: Mapped[Count]
    answers: Mapped[Count]
    human_labels: Mapped[Count]
    model_labels: Mapped[Count]
    model_version_id: Mapped[int | None] = mapped_column(BigId)
    model_accuracy: Mapped[float | None]
    # the share of unlabelled items whose predicted class is the same as the model before said
    model_agreement: Mapped[float | None]
    spent_micros: Mapped[Micros]
    # of an audit: how many labels were frozen, a hash of those not drawn, and the audit that froze them
    pool: Mapped[int | None]
    pool_sha256: Mapped[str | None]
    pool_round_number: Mapped[int | None]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ChoiceRow(Row):
    """Why an item was asked in a round, and the chance it had."""

    __tablename__ = "choice"
    __table_args__ = (UniqueConstraint("round_id", "item_id"),)

    id: Mapped[Key]
    round_id: Mapped[int] = to("round")
    item_id: Mapped[int] = to("item", index=True)
    reason: Mapped[str]
    propensity: Mapped[float]
    # what would have been delivered, as it stood when the item was drawn for an audit
    frozen_value: Mapped[str | None]


class ModelVersionRow(Row):
    """A trained model: what it learned from, how it scored on gold it never saw, and where it is kept."""

    __tablename__ = "model_version"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[Key]
    project_id: Mapped[int] = to("project")
    round_id: Mapped[int | None] = to("round", nullable=True)
    number: Mapped[int]
    learner: Mapped[str]
    question_version_id: Mapped[int] = to("question_version")
    field: Mapped[str]
    trained_on: Mapped[int]
    data_key: Mapped[str]
    data_sha256: Mapped[str]
    model_key: Mapped[str]
    model_sha256: Mapped[str]
    libraries: Mapped[dict[str, Any]]
    gold_seen: Mapped[Count]
    gold_right: Mapped[Count]
    spent_micros: Mapped[Micros]
    # how far the newest pass heard it beside the crowd (0: not at all), and what it gained in nats a task
    temper: Mapped[float | None]
    gain: Mapped[float | None]
    created_at: Mapped[datetime]


class HeldOutRow(Row):
    """What a model says of items that it did not learn from, for the passes to weigh: some thousand items at a time.

    `item_ids`: little-endian 64-bit numbers in rising order. `probabilities`: little-endian 32-bit, a row an item, a
    column a class of the question version that the model was taught by.
    """

    __tablename__ = "held_out"
    __table_args__ = (UniqueConstraint("model_version_id", "part"),)

    id: Mapped[Key]
    model_version_id: Mapped[int] = to("model_version")
    part: Mapped[int]
    item_ids: Mapped[bytes] = mapped_column(LargeBinary)
    probabilities: Mapped[bytes] = mapped_column(LargeBinary)


class PredictionRow(Row):
    """What one model version says of one item."""

    __tablename__ = "prediction"
    __table_args__ = (
        UniqueConstraint("model_version_id", "item_id"),
        Index("ix_prediction_item", "item_id"),
    )

    id: Mapped[Key]
    model_version_id: Mapped[int] = to("model_version")
    item_id: Mapped[int] = to("item")
    value: Mapped[str]
    confidence: Mapped[float]
    margin: Mapped[float]
    route: Mapped[str]


class CertificateRow(Row):
    """Proof, or its failure, that the delivered labels keep the promise: every label it let in carries its id."""

    __tablename__ = "certificate"

    id: Mapped[Key]
    project_id: Mapped[int] = to("project", index=True)
    round_id: Mapped[int] = to("round")
    model_version_id: Mapped[int | None] = to("model_version", nullable=True)
    method: Mapped[str]
    threshold: Mapped[float]
    max_error: Mapped[float]
    delta: Mapped[float]
    looks: Mapped[int]
    pool: Mapped[int]
    pool_sha256: Mapped[str]
    accepted: Mapped[int]
    audited: Mapped[int]
    errors: Mapped[int]
    bound: Mapped[float]
    kept: Mapped[bool]
    state: Mapped[str]
    created_at: Mapped[datetime]
