"""What workers send and get: paid work, assignments, answers, earnings."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from crowd_hitl.api.schemas.base import WITHOUT_NUL, Body, Given, Money

CLAIM_MAX = 10
DAY_SECONDS = 86_400


class WorkLine(Given):
    """One batch a worker may work on now."""

    id: int
    project: str
    name: str
    prompt: str
    kind: str = Field(description="What its items are: text or image.")
    price: Money
    currency: str
    hourly: Money | None = Field(description="It pays active time by the hour, up to `price` for each answer.")
    page_size: int
    available: int
    seconds_each: float | None = Field(description="How long an answer takes as a rule; null until it is known.")


class WorkOut(Given):
    """All paid work there is for this worker."""

    batches: list[WorkLine]


class ItemShown(Given):
    """An item as its worker sees it."""

    id: int
    key: str
    text: str | None
    image_url: str | None


class AssignmentOut(Given):
    """One place held by this worker until the lease ends."""

    id: int
    task_id: int
    item: ItemShown
    question: dict[str, JsonValue]
    lease_ends_at: datetime
    sitting_id: int | None = Field(description="With what it is paid together; null when it is paid by itself.")
    price: Money
    currency: str


class ClaimIn(Body):
    """How many places are wanted."""

    count: int = Field(1, ge=1, le=CLAIM_MAX)


class AnswerIn(Body):
    """What an answer says, by field."""

    value: dict[str, JsonValue] = Field(examples=[{"label": "cat"}])


class SubmitIn(AnswerIn):
    """An answer. The same client key again is the same submit, and gets the same reply."""

    client_key: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=WITHOUT_NUL)]
    seconds: float = Field(0.0, ge=0, le=365 * DAY_SECONDS, allow_inf_nan=False, description="How long it took.")
    next: int = Field(0, ge=0, le=CLAIM_MAX, description="How many places to claim next.")


class AnswerOut(Given):
    """An answer that was taken, and until when it may be replaced."""

    id: int
    assignment_id: int
    replaceable_until: datetime


class ReceiptOut(Given):
    """What a worker gets for an answer."""

    answer: AnswerOut
    next: list[AssignmentOut]
    earned: Money
    late: bool = Field(description="Somebody else had the place by then: kept and paid, but not used.")
    owed: bool = Field(description="It could not be paid yet; it is paid when the requester sets more aside.")


class DayOut(Given):
    """One day's earnings (UTC)."""

    day: str
    answers: int
    amount: Money


class AnswerCountsOut(Given):
    """How a worker's answers stand."""

    submitted: int
    approved: int
    rejected: int


class EarningsOut(Given):
    """What a worker has earned."""

    currency: str
    due: Money
    paid: Money
    total: Money
    owed: Money
    by_day: list[DayOut]
    answers: AnswerCountsOut


class RejectIn(Body):
    """Why an answer is not paid for; the worker sees it."""

    reason: Annotated[str, StringConstraints(min_length=10, max_length=2000, pattern=WITHOUT_NUL)]
