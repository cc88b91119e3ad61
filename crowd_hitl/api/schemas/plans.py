"""Overlap plans: what accuracy costs by the project's own answers, and what the rest will cost."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from crowd_hitl.api.schemas.base import Amount, Body, Given, Id, Money
from crowd_hitl.api.schemas.batches import PlugIn
from crowd_hitl.api.schemas.jobs import JobOut
from crowd_hitl.services.planning import MOST_ITEMS, MOST_MODELS, MOST_OVERLAP, MOST_RESAMPLES
from crowd_hitl.services.pricing_plans import MODELS


class PlanIn(Body):
    """What is to be planned."""

    batch_id: Id | None = Field(None, description="Only this batch's answers; empty: all that are weighed together.")
    items: int | None = Field(None, ge=1, le=MOST_ITEMS, description="Items to be labelled; empty: those that wait.")
    price: Amount | None = Field(None, description="What one answer earns; empty: as in the newest batch.")
    confidence: float = Field(0.95, gt=0, le=1, allow_inf_nan=False)
    overlap_min: int = Field(2, ge=1, le=MOST_OVERLAP)
    overlap_max: int = Field(7, ge=1, le=MOST_OVERLAP)
    models: list[PlugIn] = Field(list(MODELS), min_length=1, max_length=MOST_MODELS)
    policies: list[PlugIn] = Field([], max_length=10, description="Empty: all; `posterior` is always played.")
    resamples: int = Field(20, ge=2, le=MOST_RESAMPLES, description="How often the pilot is redrawn.")
    seed: int = Field(0, ge=0, le=2**31 - 1)


class PublishOut(Given):
    """The fields of a batch that buys so; add a name."""

    budget_id: int
    price: Money
    overlap_min: int
    overlap_max: int
    confidence_target: float
    overlap_policy: str
    aggregator: str
    gold_rate: float
    limit: int


class WayOut(Given):
    """One way to buy; `low` and `high` are what nine redraws of ten keep."""

    policy: str = Field(description="`fixed`: every item gets `overlap` answers; else that is the most.")
    model: str
    overlap: int
    answers_per_item: float
    cost: Money
    cost_low: Money
    cost_high: Money
    reserve: Money = Field(description="What publishing sets aside at once, with the line for late answers.")
    score: float
    score_low: float
    score_high: float
    agreement: float = Field(description="The share of labels that all the pilot's answers come to.")
    agreement_low: float
    agreement_high: float
    imagined: float = Field(description="The share of the answers that the pilot did not have.")
    extrapolated: bool


class PlannedWayOut(WayOut):
    """One way to buy, with how it is published."""

    publish: PublishOut


class PlanForecastOut(WayOut):
    """What the items cost at the confidence wanted, and when they are done; days are empty without a pace."""

    confidence: float
    overlap_min: int
    share_of_items_sure: float
    answers_per_hour: float | None
    days: float | None
    days_low: float | None
    days_high: float | None
    done_by: datetime | None = Field(description="If it is published when the plan was made.")


class PlanOut(Given):
    """A plan, and what it rests on."""

    made_at: datetime
    batch_id: int | None
    items: int
    waiting: int = Field(description="Items that a batch of all that waits would ask.")
    currency: str
    price: Money
    fee: Money
    score: Annotated[
        str, Field(description="`accuracy`, measured by gold; `estimated accuracy`, what the crowd expects of itself.")
    ]
    known: int = Field(description="Known answers among the pilot's items.")
    pilot_items: int
    pilot_answers: int
    sampled: bool = Field(description="The pilot is drawn at random from `all_items`.")
    chosen: bool = Field(description="A model chose some of the pilot's items: others may be easier.")
    all_items: int
    all_answers: int
    points: list[PlannedWayOut]
    forecast: PlanForecastOut


class PlanStateOut(Given):
    """The newest plan, if there is one, and the newest job that works one out."""

    job: JobOut | None
    plan: PlanOut | None
