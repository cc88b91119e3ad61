"""The ledger's grammar: which transfers exist, and between which accounts money moves."""

from enum import StrEnum


class AccountKind(StrEnum):
    """Whose money it is. `outside` is where top-ups come from and payouts go to (and come back from)."""

    OUTSIDE = "outside"
    BUDGET = "budget"
    BATCH = "batch"
    WORKER = "worker"
    FEE = "fee"


class TransferKind(StrEnum):
    """Why money moved. Transfers are appended and never changed; what is wrong is reversed by another."""

    TOP_UP = "top_up"
    RESERVE = "reserve"
    EXTEND = "extend"
    PAY = "pay"
    FEE = "fee"
    RELEASE = "release"
    BONUS = "bonus"
    ADJUSTMENT = "adjustment"
    CLAWBACK = "clawback"
    PAYOUT = "payout"
    PAYOUT_RETURN = "payout_return"


# What a worker earns, and what is gone from a budget for good (money paid out was earned, and so spent, before).
EARNING = (TransferKind.PAY, TransferKind.BONUS, TransferKind.ADJUSTMENT)
# A claw-back is earning and spending taken back: it counts among both with a minus.
SPENDING = (TransferKind.PAY, TransferKind.FEE, TransferKind.BONUS, TransferKind.ADJUSTMENT, TransferKind.CLAWBACK)
# Paid to a worker straight from a budget, without a place that was reserved.
EXTRAS = (TransferKind.BONUS, TransferKind.ADJUSTMENT)


# (from, to) of every kind: `checking` refuses any transfer that runs another way.
ROUTES = {
    TransferKind.TOP_UP: (AccountKind.OUTSIDE, AccountKind.BUDGET),
    TransferKind.RESERVE: (AccountKind.BUDGET, AccountKind.BATCH),
    TransferKind.EXTEND: (AccountKind.BUDGET, AccountKind.BATCH),
    TransferKind.PAY: (AccountKind.BATCH, AccountKind.WORKER),
    TransferKind.FEE: (AccountKind.BATCH, AccountKind.FEE),
    TransferKind.RELEASE: (AccountKind.BATCH, AccountKind.BUDGET),
    TransferKind.BONUS: (AccountKind.BUDGET, AccountKind.WORKER),
    TransferKind.ADJUSTMENT: (AccountKind.BUDGET, AccountKind.WORKER),
    TransferKind.CLAWBACK: (AccountKind.WORKER, AccountKind.BUDGET),
    TransferKind.PAYOUT: (AccountKind.WORKER, AccountKind.OUTSIDE),
    TransferKind.PAYOUT_RETURN: (AccountKind.OUTSIDE, AccountKind.WORKER),
}
