"""The ledger's grammar: which transfers exist, and between which accounts money moves."""

from enum import StrEnum


class AccountKind(StrEnum):
    """Whose money it is. `outside` is where top-ups come from: its balance is minus all money put in."""

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


# (from, to) of every kind: `checking` refuses any transfer that runs another way.
ROUTES = {
    TransferKind.TOP_UP: (AccountKind.OUTSIDE, AccountKind.BUDGET),
    TransferKind.RESERVE: (AccountKind.BUDGET, AccountKind.BATCH),
    TransferKind.EXTEND: (AccountKind.BUDGET, AccountKind.BATCH),
    TransferKind.PAY: (AccountKind.BATCH, AccountKind.WORKER),
    TransferKind.FEE: (AccountKind.BATCH, AccountKind.FEE),
    TransferKind.RELEASE: (AccountKind.BATCH, AccountKind.BUDGET),
}
