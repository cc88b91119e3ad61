"""Who there is: organisations, accounts, access tokens and workers."""

from datetime import datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from crowd_hitl.store.rows import Count, Key, Row, to


class OrganisationRow(Row):
    """Who owns projects, budgets and accounts."""

    __tablename__ = "organisation"

    id: Mapped[Key]
    name: Mapped[str]
    created_at: Mapped[datetime]


class AccountRow(Row):
    """Somebody who can sign in. The password is kept as an argon2 hash."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("login"),
        CheckConstraint("role IN ('admin', 'requester', 'worker')", name="known_role"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation", index=True)
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    state: Mapped[str]
    created_at: Mapped[datetime]


class AccessTokenRow(Row):
    """A bearer token of an account; only its SHA-256 is kept."""

    __tablename__ = "access_token"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[Key]
    account_id: Mapped[int] = to("account", index=True)
    name: Mapped[str]
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class WorkerRow(Row):
    """Somebody who answers. In-house workers have an account; a marketplace's are known by their pseudonym."""

    __tablename__ = "worker"
    __table_args__ = (
        UniqueConstraint("organisation_id", "public_id"),
        CheckConstraint("state IN ('active', 'paused', 'blocked')", name="known_state"),
    )

    id: Mapped[Key]
    organisation_id: Mapped[int] = to("organisation", index=True)
    account_id: Mapped[int | None] = to("account", nullable=True, unique=True)
    channel: Mapped[str]
    public_id: Mapped[str]
    name: Mapped[str]
    simulated: Mapped[bool]
    state: Mapped[str]
    created_at: Mapped[datetime]


class WorkerSkillRow(Row):
    """How well a worker answers one project's field: derived, written by `agreeing` only."""

    __tablename__ = "worker_skill"
    __table_args__ = (UniqueConstraint("project_id", "worker_id", "field"),)

    id: Mapped[Key]
    project_id: Mapped[int] = to("project")
    worker_id: Mapped[int] = to("worker", index=True)
    field: Mapped[str]
    accuracy: Mapped[float]
    answers: Mapped[Count]
    gold_seen: Mapped[Count]
    gold_right: Mapped[Count]
    updated_at: Mapped[datetime]
