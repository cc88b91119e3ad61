"""The shape of every error: a problem as in RFC 9457."""

from pydantic import Field

from crowd_hitl.api.schemas.base import Given


class WrongField(Given):
    """One field that is not as expected; `row` is set when it came from a file."""

    field: str
    expected: str
    found: str
    row: int | None = None


class ProblemOut(Given):
    """What went wrong and how to mend it."""

    type: str = Field(description="Names the kind of problem, such as /problems/too-late.")
    title: str
    status: int
    detail: str
    errors: list[WrongField] | None = None
