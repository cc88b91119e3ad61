"""Background jobs: their state, progress and what came of them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from crowd_hitl.api.schemas.base import WITHOUT_NUL, Body, Given, PageQuery
from crowd_hitl.domain.jobs import JobState


class JobsQuery(PageQuery):
    """Which jobs."""

    state: JobState | None = None


class JobOut(Given):
    """One job."""

    id: int
    kind: str
    key: str = Field(description="What it does; two of the same key never wait or run at once.")
    state: JobState
    done: int = Field(description="Rows done so far.")
    total: int | None = Field(description="Of how many, if that is known.")
    runs: int
    failures: int = Field(description="Since it was last done or started by hand; the fifth parks it.")
    last_error: str | None
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    file_url: str | None = Field(description="Where the file that it wrote is read.")


class JobsOut(Given):
    """Jobs, the newest first."""

    jobs: list[JobOut]
    after: str | None


class ExportIn(Body):
    """What is to be written to a file."""

    what: Literal["labels", "answers"] = "labels"
    format: Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=WITHOUT_NUL)] = "jsonl"
