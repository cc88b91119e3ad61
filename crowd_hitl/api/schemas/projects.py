"""Projects, their questions and their items."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from crowd_hitl.api.schemas.base import Body, Given, Money, Name, Query
from crowd_hitl.api.schemas.problems import WrongField


class ProjectIn(Body):
    """A project to be made, with what it asks."""

    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9\-]{0,78}[a-z0-9])?$")]
    name: Name
    question: dict[str, JsonValue] = Field(
        description="The kind of question, and the settings of that kind.",
        examples=[{"kind": "choice", "prompt": "Which animal?", "options": [{"value": "cat", "label": "Cat"}]}],
    )


class ProjectLineOut(Given):
    """A project of the list."""

    id: int
    slug: str
    name: str
    simulated: bool
    items: int
    labels: int
    batches_open: int
    spent: Money
    currency: str


class ProjectsOut(Given):
    """One page of projects."""

    projects: list[ProjectLineOut]
    after: str | None


class ProjectOut(Given):
    """One project with the question it asks now."""

    id: int
    slug: str
    name: str
    simulated: bool
    created_at: datetime
    question: dict[str, JsonValue]
    question_version: int
    items: int
    batches: int


class ImportQuery(Query):
    """How an import takes media."""

    link: bool = Field(False, description="Leave images and audio of s3:// addresses in their bucket.")


class ItemOut(Given):
    """One item."""

    id: int
    key: str
    text: str | None
    image_url: str | None
    audio_url: str | None
    data: dict[str, JsonValue]
    created_at: datetime


class ItemsOut(Given):
    """One page of items."""

    items: list[ItemOut]
    after: str | None


class ImportOut(Given):
    """What an import did, with every row that was left out."""

    rows: int
    added: int
    already_there: int
    gold: int
    bad_rows: int
    bad: list[WrongField]
