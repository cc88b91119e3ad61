"""What all schemas share: unknown fields are refused, amounts are decimal strings, texts hold no NUL."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

PAGE_MAX = 500
LARGEST_ID = 2**63 - 1
# No NUL: PostgreSQL cannot store one in a text.
WITHOUT_NUL = r"^[^\u0000]*$"
DECIMAL = r"^[0-9]{1,12}(\.[0-9]{1,6})?$"


class Body(BaseModel):
    """A JSON body: an unknown field is a mistake, and "1" is not 1."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Query(BaseModel):
    """The parameters behind the `?`: they arrive as text, so "1" is 1."""

    model_config = ConfigDict(extra="forbid")


class Given(BaseModel):
    """What the API answers with."""

    model_config = ConfigDict(from_attributes=True)


class PageQuery(Query):
    """Which page of a list: rows behind `after`, the cursor that the page before gave."""

    after: Annotated[str, StringConstraints(max_length=100, pattern=WITHOUT_NUL)] | None = None
    limit: int = Field(50, ge=1, le=PAGE_MAX)


def _text_moment(value: Any) -> Any:
    """Let through only texts: a bare number would be read as seconds since 1970."""
    if not isinstance(value, str):
        raise ValueError("expected a moment as text, such as 2026-01-31T12:00:00Z")
    return value


def _within_calendar(value: datetime) -> datetime:
    """Refuse a moment that has no date in UTC."""
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("expected a moment between the years 1 and 9999, UTC") from error


Amount = Annotated[
    str, StringConstraints(pattern=DECIMAL), Field(description="A decimal amount in currency units.", examples=["0.05"])
]
Money = Annotated[str, Field(description="A decimal amount in currency units.", examples=["0.05"])]
Text = Annotated[str, StringConstraints(max_length=10_000, pattern=WITHOUT_NUL)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=WITHOUT_NUL)]
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_text_moment, json_schema_input_type=str),
    AfterValidator(_within_calendar),
    Field(strict=False),
]
