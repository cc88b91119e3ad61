"""What is to be labelled: projects, question versions, items and gold."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, and_, text, true
from sqlalchemy.orm import Mapped, mapped_column

from crowd_hitl.store.rows import Count, Key, Long, Row, to

IS_BROKEN = text("broken_at IS NOT NULL")


class ProjectRow(Row):
    """A question, its items and its quality policy."""

    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("organisation_id", "slug"),)

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation")
    slug: Mapped[str]
    name: Mapped[str]
    simulated: Mapped[bool]
    created_at: Mapped[datetime]


class QuestionVersionRow(Row):
    """What is asked, as it was asked: never changed, a new wording is a new version.

    Versions with the same `pool` ask the same thing, so their answers may be weighed together.
    """

    __tablename__ = "question_version"
    __table_args__ = (UniqueConstraint("project_id", "number"),)

    id: Mapped[Key]
    project_id: Mapped[int] = to("project")
    number: Mapped[int]
    pool: Mapped[int]
    kind: Mapped[str]
    spec: Mapped[dict[str, Any]]
    # an answer is one class of a short list, so that answers can be compared by being the same
    is_class: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime]


class ItemRow(Row):
    """One thing to be labelled, with the requester's own key."""

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("project_id", "key"),
        # a page of a project's items is read without walking through those of others
        Index("ix_item_project", "project_id", "id"),
        Index("ix_item_broken", "project_id", sqlite_where=IS_BROKEN, postgresql_where=IS_BROKEN),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = to("project")
    key: Mapped[str]
    text: Mapped[Long | None]
    image_key: Mapped[str | None]
    audio_key: Mapped[str | None]
    data: Mapped[dict[str, Any]]
    # workers found that it cannot be answered: it is not asked again until somebody mends it
    broken_at: Mapped[datetime | None]
    # put back to work: only voices after this count against it again
    mended_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


# The source of gold that this project's own workers settled, as the loop's reference.
BOUGHT = "bought"
# That of gold which a person put right, after what the workers said of it.
CORRECTED = "corrected"


class GoldRow(Row):
    """The known answer to one field of an item; shown to workers at most `views_max` times."""

    __tablename__ = "gold"
    __table_args__ = (
        UniqueConstraint("item_id", "field"),
        CheckConstraint("views_reserved >= 0 AND views_reserved <= views_max", name="views_within_max"),
        CheckConstraint("suspected_at IS NULL OR confirmed_at IS NULL", name="confirmed_is_not_suspect"),
    )

    id: Mapped[Key]
    project_id: Mapped[int] = to("project", index=True)
    item_id: Mapped[int] = to("item")
    field: Mapped[str]
    # as a label's
    value: Mapped[Long]
    source: Mapped[str]
    views_max: Mapped[int]
    views_reserved: Mapped[Count]
    created_at: Mapped[datetime]
    # many good workers answered otherwise: until a person decides it counts for nobody
    suspected_at: Mapped[datetime | None]
    # a person said that this is the answer: never suspected again
    confirmed_at: Mapped[datetime | None]
    # no gold any more
    retired_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = to("account", nullable=True)


class GoldRevisionRow(Row):
    """What was held to be known before a person corrected it."""

    __tablename__ = "gold_revision"

    id: Mapped[Key]
    gold_id: Mapped[int] = to("gold", index=True)
    value: Mapped[Long]
    source: Mapped[str]
    replaced_at: Mapped[datetime]
    replaced_by: Mapped[int | None] = to("account", nullable=True)


# What is gold at all, and what of it answers are held against.
IS_GOLD = GoldRow.retired_at.is_(None)
IS_TRUSTED = and_(IS_GOLD, GoldRow.suspected_at.is_(None))
