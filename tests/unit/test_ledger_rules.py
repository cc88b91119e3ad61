"""The ledger's grammar and the roles: every kind of transfer has one way to go, only managers manage."""

from crowd_hitl.domain.accounts import Actor, Role
from crowd_hitl.domain.ledger import EARNING, ROUTES, SPENDING, AccountKind, TransferKind


def test_every_kind_of_transfer_has_one_route_between_two_kinds_of_account() -> None:
    assert ROUTES.keys() == set(TransferKind)
    assert all(source != target for source, target in ROUTES.values())


def test_money_comes_from_outside_only_by_a_top_up_or_a_payout_that_came_back() -> None:
    inwards = [kind for kind, (source, _) in ROUTES.items() if source is AccountKind.OUTSIDE]
    assert inwards == [TransferKind.TOP_UP, TransferKind.PAYOUT_RETURN]
    assert [kind for kind, (_, target) in ROUTES.items() if target is AccountKind.OUTSIDE] == [TransferKind.PAYOUT]


def test_workers_earn_from_batches_and_budgets_and_pay_back_to_budgets_only() -> None:
    paying = {kind: source for kind, (source, target) in ROUTES.items() if target is AccountKind.WORKER}
    assert paying.keys() == {*EARNING, TransferKind.PAYOUT_RETURN}
    leaving = {kind: target for kind, (source, target) in ROUTES.items() if source is AccountKind.WORKER}
    assert leaving == {TransferKind.CLAWBACK: AccountKind.BUDGET, TransferKind.PAYOUT: AccountKind.OUTSIDE}
    assert TransferKind.CLAWBACK in SPENDING and TransferKind.CLAWBACK not in EARNING


def test_what_leaves_a_budget_can_come_back() -> None:
    assert ROUTES[TransferKind.RELEASE] == tuple(reversed(ROUTES[TransferKind.RESERVE]))
    assert ROUTES[TransferKind.RESERVE] == ROUTES[TransferKind.EXTEND]


def test_only_admins_and_requesters_manage() -> None:
    managing = {role for role in Role if Actor(account_id=1, organisation_id=1, role=role, login="x").manages}
    assert managing == {Role.ADMIN, Role.REQUESTER}
