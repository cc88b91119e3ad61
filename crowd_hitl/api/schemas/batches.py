"""Batches and their quotes."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from crowd_hitl.api.schemas.base import WITHOUT_NUL, Amount, Body, Given, Id, Moment, Money, Name, Query, Share
from crowd_hitl.api.schemas.sittings import OwedOut, RateIn, RateOut
from crowd_hitl.domain.quotes import COMPENSATION_SHARE
from crowd_hitl.domain.sittings import PAGE_TASKS_MAX, RATES_MAX

PlugIn = Annotated[str, StringConstraints(min_length=1, max_length=50, pattern=WITHOUT_NUL)]
OVERLAP_MAX = 100
CAP_MAX = 100_000_000
LEASE_SECONDS_MAX = 30 * 24 * 3600


class BatchIn(Body):
    """What a requester asks for."""

    name: Name
    budget_id: Id
    price: Amount
    overlap_min: int = Field(3, ge=1, le=OVERLAP_MAX)
    overlap_max: int | None = Field(None, ge=1, le=OVERLAP_MAX, description="At most so many; empty is overlap_min.")
    confidence_target: float = Field(0.95, gt=0, le=1, allow_inf_nan=False)
    lease_seconds: int = Field(900, ge=5, le=LEASE_SECONDS_MAX)
    deadline: Moment | None = None
    priority: int = Field(0, ge=-1000, le=1000)
    page_size: int = Field(
        1, ge=1, le=PAGE_TASKS_MAX, description="So many tasks are leased, answered and paid together."
    )
    gold_rate: float = Field(0.0, ge=0, le=0.5, allow_inf_nan=False)
    items: list[Id] | None = Field(
        None, min_length=1, max_length=100_000, description="Ids of the items to ask; empty asks all without a label."
    )
    limit: int | None = Field(None, ge=1, le=10_000_000, description="Ask at most so many items.")
    aggregator: PlugIn | None = Field(
        None, description="How answers become a label: an aggregator, or a fuser for answers that are no class."
    )
    overlap_policy: PlugIn = "posterior"
    approval: Literal["auto", "manual", "after_delay", "by_gold", "by_sample"] = "auto"
    review: dict[str, float] | None = Field(
        None,
        description="What the approval needs: hours; accuracy_min and gold_min by gold; rate by sample.",
        examples=[{"rate": 0.1, "hours": 72}],
    )
    requirement: dict[str, JsonValue] | None = Field(
        None, description="What a worker must bring.", examples=[{"has": "spanish", "min": 80}]
    )
    cap_answers: int | None = Field(None, ge=1, le=CAP_MAX, description="The most one worker may answer.")
    cap_share: float | None = Field(
        None, gt=0, le=1, allow_inf_nan=False, description="The largest share of the items one worker may answer."
    )
    cap_per_day: int | None = Field(None, ge=1, le=CAP_MAX, description="The most one worker may take a day, UTC.")
    channel: PlugIn = Field("inhouse", description="Whose fees are counted; only inhouse can be published.")

    hourly: Amount | None = Field(None, description="Pay active time by the hour, up to `price` for each answer.")
    rates: list[RateIn] | None = Field(
        None, max_length=RATES_MAX, description="Lower prices for some: the first whose requirement a worker meets."
    )
    compensation_share: Share = Field(COMPENSATION_SHARE, description="Set aside for late and unused answers.")


class ExtensionIn(Body):
    """What a batch is to get besides."""

    items: list[Id] | None = Field(None, min_length=1, max_length=100_000, description="Ids of items to add.")
    limit: int | None = Field(None, ge=1, le=10_000_000, description="Add up to so many items that wait.")
    overlap_max: int | None = Field(None, ge=1, le=OVERLAP_MAX, description="At most so many answers to each item.")


class ExtensionOut(Given):
    """What an extension costs: reserved at once, and at most."""

    tasks: int
    gold_places: int
    reopened: int
    reserve: Money
    maximum: Money
    currency: str


class ForecastQuery(Query):
    """What is to be reached; empty is what the batch was published with."""

    confidence: float | None = Field(None, gt=0, le=1, allow_inf_nan=False)
    overlap_max: int | None = Field(None, ge=1, le=OVERLAP_MAX)
    more_items: int = Field(0, ge=0, le=10_000_000)


class CountRangeOut(Given):
    """A number that is expected, and the bounds of a 90% interval."""

    expected: int
    low: int
    high: int


class MoneyRangeOut(Given):
    """An amount that is expected, and the bounds of a 90% interval."""

    expected: Money
    low: Money
    high: Money


class ForecastOut(Given):
    """What is left of a batch; the moments are empty while there is no pace to go by."""

    batch_id: int
    confidence: float
    items_left: int
    answers: CountRangeOut
    cost: MoneyRangeOut
    total: MoneyRangeOut
    currency: str
    answers_per_hour: float | None
    done_at: datetime | None
    done_from: datetime | None
    done_by: datetime | None
    budget_lacks: Money


class GateOut(Given):
    """Who may work on a batch, and how much one worker may answer there; empty is no limit."""

    requirement: dict[str, JsonValue] | None
    cap_answers: int | None
    cap_share: float | None
    cap_per_day: int | None


class QuoteOut(Given):
    """What a batch will cost, before anything is published."""

    tasks: int
    gold_places: int
    expected_answers: float
    minimum: Money
    expected: Money
    maximum: Money
    gold: Money
    fees: Money
    reserve: Money
    compensation: Money = Field(description="Part of every total: what is set aside for late and unused answers.")
    currency: str
    gate: GateOut
    workers_able: int = Field(description="Active workers who meet the requirement and are not blocked.")
    warning: str | None = Field(description="Why the batch could not be finished as it is: caps that are too low.")


class ProgressOut(Given):
    """How far a batch is."""

    tasks: int
    agreed: int
    gave_up: int
    gold_tasks: int
    places_open: int
    places_held: int
    places_filled: int


class BatchMoneyOut(Given):
    """A batch's money: what was put in is spent, given back or still reserved."""

    reserved: Money
    paid: Money
    fees: Money
    spent: Money
    released: Money


class BatchOut(Given):
    """One batch."""

    id: int
    name: str
    purpose: str
    state: str
    round: int | None
    price: Money
    fee: Money
    currency: str
    overlap_min: int
    overlap_max: int
    confidence_target: float
    approval: str
    review: dict[str, float] | None
    aggregator: str
    budget_id: int
    published_at: datetime
    closed_at: datetime | None
    deadline: datetime | None
    gate: GateOut
    page_size: int
    hourly: Money | None
    rates: list[RateOut]
    compensation: Money
    owed: OwedOut
    progress: ProgressOut
    money: BatchMoneyOut


class BatchesOut(Given):
    """One page of batches."""

    batches: list[BatchOut]
    after: str | None


class AgreeOut(Given):
    """What agreeing changed."""

    batch_id: int
    tasks: int
    agreed: int
    opened: int
    gave_up: int
    out_of_budget: int
    waiting: int
    labels_changed: int
    batch_closed: bool
