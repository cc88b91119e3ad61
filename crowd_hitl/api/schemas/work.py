"""What workers send and get: paid work, assignments, answers, earnings."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from crowd_hitl.api.schemas.base import WITHOUT_NUL, Body, Given, Id, Money
from crowd_hitl.api.schemas.gates import NoticeOut
from crowd_hitl.domain.sittings import PAGE_TASKS_MAX

CLAIM_MAX = 10
DAY_SECONDS = 86_400


class WorkLine(Given):
    """One batch a worker may work on now."""

    id: int
    project: str
    name: str
    prompt: str
    kind: str = Field(description="What its items are: text, image or audio.")
    price: Money
    currency: str
    hourly: Money | None = Field(description="It pays active time by the hour, up to `price` for each answer.")
    page_size: int
    available: int = Field(description="Places left for this worker; not counted beyond 1,000.")
    seconds_each: float | None = Field(description="How long an answer takes as a rule; null until it is known.")
    limit: str | None = Field(None, description="In words: this worker has done the most they may for now.")


class WorkOut(Given):
    """All paid work there is for this worker."""

    batches: list[WorkLine]
    blocks: list[NoticeOut] = Field([], description="What keeps this worker from work now, and why.")


class ItemShown(Given):
    """An item as its worker sees it."""

    id: int
    key: str
    text: str | None
    image_url: str | None
    audio_url: str | None
    parts: dict[str, str] = Field(
        {},
        description="What stands in those columns of the item's data that the question shows: the two of `pairwise`.",
    )


class AssignmentOut(Given):
    """One place held by this worker until the lease ends."""

    id: int
    sitting_id: int = Field(description="What is answered and paid together; of a batch with pages, the page.")
    task_id: int
    item: ItemShown
    question: dict[str, JsonValue]
    lease_ends_at: datetime
    price: Money
    currency: str


class ClaimIn(Body):
    """How many places are wanted."""

    count: int = Field(1, ge=1, le=CLAIM_MAX)


class AnswerIn(Body):
    """What an answer says, by field."""

    value: dict[str, JsonValue] = Field(examples=[{"label": "cat"}])


class SubmitIn(Body):
    """An answer, or why there can be none. The same client key again is the same submit, and gets the same reply."""

    value: dict[str, JsonValue] | None = Field(None, examples=[{"label": "cat"}])
    broken: Annotated[str, StringConstraints(min_length=3, max_length=500, pattern=WITHOUT_NUL)] | None = Field(
        None, description="Instead of a value: why the item itself cannot be answered. It is paid all the same."
    )
    client_key: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=WITHOUT_NUL)]
    seconds: float = Field(0.0, ge=0, le=365 * DAY_SECONDS, allow_inf_nan=False, description="How long it took.")
    next: int = Field(0, ge=0, le=CLAIM_MAX, description="How many places to claim next.")


class PagePartIn(AnswerIn):
    """One answer of a page."""

    assignment_id: Id
    seconds: float = Field(0.0, ge=0, le=365 * DAY_SECONDS, allow_inf_nan=False, description="How long it took.")


class PageIn(Body):
    """The answers of a page. The same client key again is the same submit, and gets the same reply."""

    answers: list[PagePartIn] = Field(min_length=1, max_length=PAGE_TASKS_MAX)
    client_key: Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=WITHOUT_NUL)]
    next: int = Field(0, ge=0, le=CLAIM_MAX, description="Not 0: claim the next page once this one is complete.")


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


class PageAnswerOut(AnswerOut):
    """One answer of a page."""

    late: bool = Field(description="Its place was filled by somebody else: it is kept and paid, and not used.")


class PageReceiptOut(Given):
    """What a worker gets for a page; what could not be taken any more is not among the answers."""

    answers: list[PageAnswerOut]
    next: list[AssignmentOut]
    earned: Money


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
