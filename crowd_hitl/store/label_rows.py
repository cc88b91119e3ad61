"""What came out: versioned labels."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.store.rows import Count, Key, Long, Row, to, unique_while


class CalibrationRow(Row):
    """How gold calibrated the confidence of a field's labels in the last pass, and how far it is believed since."""

    __tablename__ = "calibration"
    __table_args__ = (UniqueConstraint("project_id", "field"),)

    id: Mapped[Key]
    project_id: Mapped[int] = to("project")
    field: Mapped[str]
    gold: Mapped[int]
    base: Mapped[float]
    mixing: Mapped[float]
    # of gold that the fit did not see: what is claimed at or above the threshold, and which share of that is right
    threshold: Mapped[float]
    claimed: Mapped[float]
    kept: Mapped[float | None]
    ece: Mapped[float]
    bins: Mapped[list[Any]]
    made_at: Mapped[datetime]


class SnapshotRow(Row):
    """What the last pass over a field knew of the workers: enough to weigh one task by itself until the next pass."""

    __tablename__ = "snapshot"
    __table_args__ = (UniqueConstraint("project_id", "field", "pool"),)

    id: Mapped[Key]
    project_id: Mapped[int] = to("project")
    field: Mapped[str]
    pool: Mapped[int]
    aggregator: Mapped[str]
    classes: Mapped[list[Any]]
    worker_ids: Mapped[list[Any]]
    # float32, one after the other: chances (workers, K, K), the crowd's (K, K), the prior (K,); as logarithms
    logs: Mapped[bytes] = mapped_column(LargeBinary)
    temperature: Mapped[float]
    # where gold calibrated the labels
    base: Mapped[float | None]
    mixing: Mapped[float | None]
    # how many answers it rests on, and the newest answer of all projects then
    answers: Mapped[int]
    seen_answer_id: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[datetime]


class LabelRow(Row):
    """The agreed value of one field of an item; a new version only when it changes, old ones stay."""

    __tablename__ = "label"
    __table_args__ = (
        UniqueConstraint("item_id", "field", "version"),
        unique_while("one_current_label", "item_id", "field", states=("current",)),
        CheckConstraint("state IN ('current', 'superseded')", name="known_state"),
        CheckConstraint("source IN ('consensus', 'model', 'expert', 'gold', 'imported')", name="known_source"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence_in_range"),
        CheckConstraint(
            "(crowd_confidence IS NULL) = (crowd_value IS NULL)"
            " AND (crowd_confidence IS NULL OR (crowd_confidence >= 0 AND crowd_confidence <= 1))",
            name="crowd_is_whole",
        ),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = to("project", index=True)
    item_id: Mapped[int] = to("item")
    field: Mapped[str]
    version: Mapped[int]
    state: Mapped[str]
    # a class, or any other value as JSON (domain.values)
    value: Mapped[Long]
    confidence: Mapped[float]
    source: Mapped[str]
    # what people alone would say, where a model was heard beside them: models learn from this, audits count it
    crowd_value: Mapped[str | None] = mapped_column(String)
    crowd_confidence: Mapped[float | None]
    votes: Mapped[Count]
    aggregator: Mapped[str | None]
    batch_id: Mapped[int | None] = to("batch", index=True, nullable=True)
    round_id: Mapped[int | None] = to("round", index=True, nullable=True)
    model_version_id: Mapped[int | None] = to("model_version", nullable=True)
    certificate_id: Mapped[int | None] = to("certificate", nullable=True)
    created_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
