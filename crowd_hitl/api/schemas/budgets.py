"""Budgets and top-ups."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import StringConstraints

from crowd_hitl.api.schemas.base import Amount, Body, Given, Id, Money, Name, Query, Text


class BudgetIn(Body):
    """A budget to be opened; it starts empty."""

    name: Name
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"


class TopUpIn(Body):
    """Money to be put in."""

    amount: Amount
    note: Annotated[Text, StringConstraints(max_length=200)] | None = None


class RewardIn(Body):
    """A bonus, an adjustment that makes good for what was paid too little, or a claw-back of what was too much."""

    worker_id: Id
    amount: Amount
    reason: Annotated[Text, StringConstraints(min_length=3, max_length=255)]
    batch_id: Id | None = None


class RewardOut(Given):
    """What was paid or taken back."""

    id: int
    kind: str
    worker_id: int
    amount: Money
    currency: str
    reason: str
    created_at: datetime


class ChargesQuery(Query):
    """How charges are written."""

    format: Literal["focus"] = "focus"


class CostOut(Given):
    """What was spent, by what it bought; what was taken back is counted with a minus in `spent`."""

    currency: str
    answers: Money
    gold: Money
    audits: Money
    fees: Money
    bonuses: Money
    adjustments: Money
    taken_back: Money
    spent: Money


class AlertOut(Given):
    """A level of its money that the budget passed: spent or reserved."""

    percent: int
    used: Money
    topped_up: Money
    created_at: datetime


class BudgetOut(Given):
    """A budget: what was put in is spent, reserved or available."""

    id: int
    name: str
    currency: str
    topped_up: Money
    spent: Money
    reserved: Money
    available: Money
    alerts: list[AlertOut]


class BudgetsOut(Given):
    """One page of budgets."""

    budgets: list[BudgetOut]
    after: str | None
