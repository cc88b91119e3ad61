"""Budgets and top-ups."""

from typing import Annotated

from pydantic import StringConstraints

from crowd_hitl.api.schemas.base import Amount, Body, Given, Money, Name, Text


class BudgetIn(Body):
    """A budget to be opened; it starts empty."""

    name: Name
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = "USD"


class TopUpIn(Body):
    """Money to be put in."""

    amount: Amount
    note: Annotated[Text, StringConstraints(max_length=200)] | None = None


class BudgetOut(Given):
    """A budget: what was put in is spent, reserved or available."""

    id: int
    name: str
    currency: str
    topped_up: Money
    spent: Money
    reserved: Money
    available: Money


class BudgetsOut(Given):
    """One page of budgets."""

    budgets: list[BudgetOut]
    after: str | None
