"""Payout runs, payouts and their reconciliation."""

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from crowd_hitl.api.schemas.base import Body, Given, Money, Text


class DueOut(Given):
    """What a worker is due in one currency and no payout holds yet; `payable` is cut to whole cents."""

    worker_id: int
    worker: str
    currency: str
    earnings: int
    due: Money
    payable: Money


class DuesOut(Given):
    """One page of what is due."""

    due: list[DueOut]
    after: str | None


class RunTotalOut(Given):
    """The payouts of a run in one currency and state."""

    currency: str
    state: str
    payouts: int
    amount: Money


class RunOut(Given):
    """One run of payouts."""

    id: int
    created_at: datetime
    totals: list[RunTotalOut]


class RunsOut(Given):
    """One page of runs."""

    runs: list[RunOut]
    after: str | None


class PayoutOut(Given):
    """One payout: earned, and carried over from earlier ones."""

    reference: str
    worker_id: int
    worker: str
    currency: str
    amount: Money
    earned: Money
    carried: Money
    state: str
    paid_as: str | None
    exported_at: datetime | None
    paid_at: datetime | None
    failed_at: datetime | None
    failure: str | None


class PayoutsOut(Given):
    """One page of a run's payouts."""

    run_id: int
    payouts: list[PayoutOut]
    after: str | None


class PaidIn(Body):
    """What the bank or payment service calls the payment."""

    paid_as: Annotated[Text, StringConstraints(min_length=1, max_length=200)] | None = None


class FailedIn(Body):
    """What the bank said."""

    reason: Annotated[Text, StringConstraints(min_length=3, max_length=1000)]


class PaidOut(Given):
    """A payout that was marked paid or failed, or opened again."""

    reference: str
    state: str
    amount: Money
    currency: str
    paid_as: str | None
    paid_at: datetime | None
    failed_at: datetime | None
    failure: str | None


class DifferenceOut(Given):
    """One thing that is not as it was exported; `row` is the file's line."""

    reference: str
    what: str
    expected: str
    found: str
    row: int | None


class ReconciliationOut(Given):
    """What the file and the run agree on, and where they do not. Nothing was changed."""

    run_id: int
    rows: int
    matched: list[str]
    differences: list[DifferenceOut]
