"""Loops, their rounds and what their audits proved."""

from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model

from crowd_hitl.api.schemas.base import LARGEST_ID, Amount, Body, Given, Id, Money
from crowd_hitl.api.schemas.batches import PlugIn
from crowd_hitl.domain.rounds import LoopPolicy

# The domain checks what each may be; these keep out what no database or model could hold.
Whole = Annotated[int, Field(ge=0, le=10_000_000)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
TYPES: dict[type, Any] = {int: Whole, float: Part, str: PlugIn, bool: bool}


def _policy_fields() -> dict[str, Any]:
    """Take the domain's fields and defaults, so that the two cannot differ."""
    found = {field.name: (TYPES[type(field.default)], field.default) for field in fields(LoopPolicy)}
    return {**found, "price": (Amount, LoopPolicy.price)}


if TYPE_CHECKING:
    PolicyIn = Body
else:
    PolicyIn = create_model("PolicyIn", __base__=Body, __doc__="How a loop spends.", **_policy_fields())


class LoopIn(Body):
    """A loop to be started; what is left out of the policy keeps its default."""

    budget_id: Id
    policy: PolicyIn = Field(default_factory=PolicyIn)
    seed: int = Field(0, ge=0, le=LARGEST_ID, description="Decides every chance of the loop.")


class LoopOut(Given):
    """One loop."""

    id: int
    state: str
    phase: str
    stopped: str | None
    budget_id: int
    seed: int
    started_at: datetime
    stopped_at: datetime | None


class StepOut(Given):
    """Where a loop stands after a step; `waiting` when only people can take it further."""

    loop_id: int
    phase: str
    round_number: int | None
    batch_id: int | None
    waiting: bool
    stopped: str | None


class RoundOut(Given):
    """One round: what it asked, bought and found."""

    number: int
    purpose: str
    state: str
    items: int
    answers: int
    human_labels: int
    model_labels: int
    model: int | None = Field(description="The number of the model it trained.")
    model_accuracy: float | None = Field(description="On gold that the model never saw.")
    model_temper: float | None = Field(description="How far passes hear that model beside people: 0 (not) to 1.")
    model_gain: float | None = Field(description="What it gained there, in nats a task, on held-out answers.")
    spent: Money
    started_at: datetime


class CertificateOut(Given):
    """What an audit proved, or did not."""

    round_number: int
    model_number: int
    method: str
    max_error: float
    delta: float
    pool: int
    audited: int
    errors: int
    bound: float
    kept: bool
    created_at: datetime


class RoundsOut(Given):
    """The rounds of the project's newest loop, and the certificates of the project."""

    rounds: list[RoundOut]
    certificates: list[CertificateOut]
