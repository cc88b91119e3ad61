"""Qualifications, grants, blocks and pauses."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from crowd_hitl.api.schemas.accounts import WorkerOut
from crowd_hitl.api.schemas.base import Body, Given, Id, Moment, Name, Query, Text

HOURS_MAX = 10 * 365 * 24


class QualificationIn(Body):
    """A gate to be made."""

    name: Name
    description: Text | None = None


class QualificationOut(Given):
    """One qualification and how many workers have it."""

    id: int
    name: str
    description: str | None
    holders: int
    created_at: datetime


class QualificationsOut(Given):
    """One page of qualifications."""

    qualifications: list[QualificationOut]
    after: str | None


class GrantIn(Body):
    """What a worker is granted with the qualification."""

    value: float | None = Field(None, allow_inf_nan=False, description="A score or level; empty is none.")


class GrantOut(Given):
    """One grant."""

    id: int
    qualification_id: int
    qualification: str
    worker_id: int
    worker: str
    worker_name: str
    value: float | None
    granted_by: str | None
    granted_at: datetime
    revoked_at: datetime | None


class GrantsOut(Given):
    """One page of grants."""

    grants: list[GrantOut]
    after: str | None


class GrantProblemOut(Given):
    """A row of the table that was not taken."""

    row: int
    field: str
    expected: str
    found: str


class GrantReportOut(Given):
    """What an import of grants did."""

    rows: int
    granted: int
    unchanged: int
    problems: list[GrantProblemOut]


class BlockIn(Body):
    """What is put on a worker: in a batch, a project or (neither) all work; until its end or until it is lifted."""

    kind: Literal["pause", "block"]
    reason: Text = Field(description="The worker reads it.")
    project: Name | None = Field(None, description="A project's slug.")
    batch_id: Id | None = None
    ends_at: Moment | None = None
    hours: float | None = Field(None, gt=0, le=HOURS_MAX, allow_inf_nan=False)


class BlockOut(Given):
    """One block or pause; it stands until `ends_at` or until somebody lifts it."""

    id: int
    worker_id: int
    worker: str
    kind: str
    scope: str = Field(description="organisation, project or batch")
    project: str | None
    batch_id: int | None
    reason: str
    starts_at: datetime
    ends_at: datetime | None
    lifted_at: datetime | None
    placed_by: str | None
    lifted_by: str | None
    stands: bool


class BlocksOut(Given):
    """One page of blocks and pauses."""

    blocks: list[BlockOut]
    after: str | None


class BlocksQuery(Query):
    """Which blocks to list."""

    after: str | None = Field(None, max_length=100)
    standing: bool = Field(False, description="Only those that keep somebody away now.")


class WorkerDetailOut(Given):
    """A worker with what they have and what stands on them."""

    worker: WorkerOut
    qualifications: list[GrantOut]
    blocks: list[BlockOut]


class NoticeOut(Given):
    """What keeps this worker from work: where, why and until when."""

    kind: str
    where: str
    reason: str
    ends_at: datetime | None
