"""Taking a worker's answers out: what is asked for, the preview, what was done, and undoing it."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from crowd_hitl.api.schemas.base import Body, Given, Id, Money, Query, Text

Undecided = Literal["approve", "reject"]


class RemovalQuery(Query):
    """What a preview is for."""

    batch_id: Id | None = None
    replaced: bool = True
    undecided: Undecided = "approve"


class RemovalIn(Body):
    """What is to be done: in one batch, or all of the project; places asked again or not; undecided answers first."""

    batch_id: Id | None = None
    replaced: bool = True
    undecided: Undecided = "approve"
    reason: Annotated[Text, StringConstraints(min_length=10, max_length=1000)]


class RestorationIn(Body):
    """Where answers are put back: in one batch, or all of the project."""

    batch_id: Id | None = None


class BudgetNeedOut(Given):
    """What one budget sets aside, and what it has."""

    budget_id: int
    name: str
    currency: str
    cost: Money
    available: Money
    missing: Money


class FlipOut(Given):
    """One label that gets another value, or (`after` null) is withdrawn."""

    item_id: int
    key: str
    field: str
    before: str
    after: str | None
    confidence_before: float
    confidence: float


class PreviewOut(Given):
    """What taking the answers out would do."""

    sentence: str
    answers: int
    undecided: int
    flips: int
    withdrawn: int
    below_target: int
    reissued: int
    not_reissued: int
    affordable: bool
    budgets: list[BudgetNeedOut]
    examples: list[FlipOut]


class AmountOut(Given):
    """An amount in one currency."""

    currency: str
    amount: Money


class RemovedOut(Given):
    """What was done; `left` answers changed while it was done: ask again for them."""

    removed: int
    rejected: int
    reissued: int
    flips: int
    withdrawn: int
    left: int
    costs: list[AmountOut]


class RestoredOut(Given):
    """What was put back; `left` are answers whose place somebody else filled or holds."""

    restored: int
    left: int
    returned: list[AmountOut]
