"""What reviewers send and get: the queue, many decisions at once, further answers, appeals, broken items."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from crowd_hitl.api.schemas.base import PAGE_MAX, WITHOUT_NUL, Body, Given, Id, Money, PageQuery

Words = Annotated[str, StringConstraints(min_length=10, max_length=2000, pattern=WITHOUT_NUL)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=WITHOUT_NUL)]


class ReviewQuery(PageQuery):
    """Which page of the queue, and whose answers."""

    worker: Short | None = Field(None, description="Only this worker's, by pseudonym.")


class VoteOut(Given):
    """What somebody else said of the same item."""

    value: str
    worker: str
    state: str


class ReviewOut(Given):
    """One answer that waits for a decision."""

    answer_id: int
    batch_id: int
    item_id: int
    key: str
    text: str | None
    image_url: str | None
    value: str
    broken: str | None = Field(description="Why the item cannot be answered, where the answer says so.")
    worker: str
    seconds: float
    submitted_at: datetime
    approves_at: datetime | None = Field(description="When it is approved if nobody decides; null: never by itself.")
    gold: str | None = Field(description="The known answer, where the item is gold.")
    cost: Money
    currency: str
    others: list[VoteOut]


class ReviewsOut(Given):
    """One page of the queue."""

    answers: list[ReviewOut]
    waiting: int
    after: str | None


class ApproveIn(Body):
    """Which undecided answers of a batch to approve: those listed, one worker's, or all."""

    answers: list[Id] | None = Field(None, min_length=1, max_length=PAGE_MAX)
    worker: Short | None = Field(None, description="Only this worker's, by pseudonym.")


class ApprovedOut(Given):
    """How many were approved and paid now; what somebody else decided meanwhile is not among them."""

    approved: int


class RequeueIn(Body):
    """Which tasks get further answers: by number or by their item's key."""

    answers: int = Field(ge=1, le=100, description="So many more for each.")
    tasks: list[Id] = Field(default_factory=list, max_length=1000)
    items: list[Short] = Field(default_factory=list, max_length=1000, description="Keys of items.")


class RequeueOut(Given):
    """What further answers cost: reserved at once, and what the budget lacks of it."""

    tasks: int
    answers: int
    reserve: Money
    budget_lacks: Money
    currency: str


class AppealIn(Body):
    """Why the rejection should be looked at again."""

    text: Words


class AppealMadeOut(Given):
    """An appeal that was taken, and until when it is decided: upheld by itself after that."""

    id: int
    state: str
    due_at: datetime


class AppealsQuery(PageQuery):
    """Which appeals."""

    state: Literal["open", "upheld", "dismissed", "all"] = "open"


class AppealOut(Given):
    """One appeal, with the rejection that it is about."""

    id: int
    state: str
    answer_id: int
    batch_id: int
    key: str
    value: str
    worker: str
    reason: str
    appeal: str
    reply: str | None
    created_at: datetime
    due_at: datetime
    decided_at: datetime | None
    cost: Money
    currency: str


class AppealsOut(Given):
    """One page of appeals."""

    appeals: list[AppealOut]
    after: str | None


class UpholdIn(Body):
    """What the worker is told."""

    reply: Words | None = None


class DismissIn(Body):
    """Why the rejection stands; the worker sees it."""

    reply: Words


class BrokenOut(Given):
    """An item that workers found cannot be answered, and what they say of it."""

    id: int
    key: str
    broken_at: datetime
    reasons: list[str]


class BrokenItemsOut(Given):
    """One page of broken items."""

    items: list[BrokenOut]
    after: str | None
