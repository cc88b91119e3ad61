"""Admitting: accounts, passwords, tokens, and who is let in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import BadInput, Conflict, NotFound, NotSignedIn
from crowd_hitl.services import admitting
from crowd_hitl.store.account_rows import AccessTokenRow, AccountRow, WorkerRow
from crowd_hitl.store.unit_of_work import UnitOfWork

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"


def an_account(uow: UnitOfWork, *, login: str = "rita", role: str = "requester", **other: Any) -> AccountRow:
    organisation = uow.run(admitting.default_organisation)
    wanted = {"name": "Rita", "password": PASSWORD, **other}
    return uow.run(admitting.create_account, organisation_id=organisation.id, login=login, role=role, **wanted)


def test_the_default_organisation_is_made_once(unit_of_work: UnitOfWork) -> None:
    first = unit_of_work.run(admitting.default_organisation)

    assert unit_of_work.run(admitting.default_organisation).id == first.id


def test_a_worker_gets_a_pseudonym_that_tells_neither_name_nor_login(unit_of_work: UnitOfWork) -> None:
    account = an_account(unit_of_work, login="wanda", role="worker", name="Wanda", simulated=True)

    (worker,) = unit_of_work.read(admitting.list_workers, organisation_id=account.organisation_id)
    assert (worker.account_id, worker.channel, worker.state) == (account.id, "inhouse", "active")
    assert worker.simulated
    assert worker.public_id == f"W{account.id}"


def test_only_workers_have_a_worker_id(unit_of_work: UnitOfWork) -> None:
    requester = an_account(unit_of_work)
    worker = an_account(unit_of_work, login="wanda", role="worker")

    assert unit_of_work.read(admitting.actor_by_account, account_id=requester.id).worker_id is None
    actor = unit_of_work.read(admitting.actor_by_account, account_id=worker.id)
    assert actor.worker_id is not None and actor.role is Role.WORKER


@pytest.mark.parametrize("login", ["ab", "Rita", "ri ta", "rita\n", "x" * 81, "ríta", ""])
def test_a_malformed_login_is_refused_by_name(unit_of_work: UnitOfWork, login: str) -> None:
    with pytest.raises(BadInput, match="login"):
        an_account(unit_of_work, login=login)


def test_a_short_password_is_refused_and_not_repeated(unit_of_work: UnitOfWork) -> None:
    with pytest.raises(BadInput, match="password") as refused:
        an_account(unit_of_work, password="secret")

    assert "secret" not in str(refused.value)


def test_an_unknown_role_is_refused(unit_of_work: UnitOfWork) -> None:
    with pytest.raises(BadInput, match="role"):
        an_account(unit_of_work, role="king")


def test_a_login_is_taken_once(unit_of_work: UnitOfWork) -> None:
    an_account(unit_of_work)

    with pytest.raises(Conflict):
        an_account(unit_of_work)


def test_signing_in_needs_login_and_password(unit_of_work: UnitOfWork) -> None:
    account = an_account(unit_of_work)

    assert unit_of_work.read(admitting.sign_in, login="rita", password=PASSWORD).account_id == account.id


@pytest.mark.parametrize("login, password", [("rita", "wrong"), ("nobody", PASSWORD), ("rita", ""), ("silent", "")])
def test_every_failed_sign_in_says_the_same(unit_of_work: UnitOfWork, login: str, password: str) -> None:
    an_account(unit_of_work)
    an_account(unit_of_work, login="silent", password=None)

    with pytest.raises(NotSignedIn) as refused:
        unit_of_work.read(admitting.sign_in, login=login, password=password)
    assert str(refused.value) == admitting.WRONG_SIGN_IN


def test_a_token_lets_its_account_in_and_is_kept_as_a_hash(unit_of_work: UnitOfWork) -> None:
    account = an_account(unit_of_work)
    token = unit_of_work.run(admitting.issue_token, account_id=account.id, name="laptop")

    assert token.startswith("chk_") and len(token) == 47
    assert unit_of_work.read(admitting.actor_by_token, token=token).account_id == account.id
    with unit_of_work.reading() as session:
        assert token not in repr(session.scalars(select(AccessTokenRow)).one().__dict__)


@pytest.mark.parametrize("token", ["", "chk_", "chk_" + "x" * 43, "\ud800" * 47, "x" * 100_000])
def test_an_unknown_token_lets_nobody_in(unit_of_work: UnitOfWork, token: str) -> None:
    with pytest.raises(NotSignedIn):
        unit_of_work.read(admitting.actor_by_token, token=token)


def test_a_revoked_token_lets_nobody_in(unit_of_work: UnitOfWork) -> None:
    account = an_account(unit_of_work)
    token = unit_of_work.run(admitting.issue_token, account_id=account.id, name="laptop")
    token_id = unit_of_work.read(admitting.token_id_of, token=token)
    unit_of_work.run(admitting.revoke_token, token_id=token_id, account_id=account.id)

    with pytest.raises(NotSignedIn):
        unit_of_work.read(admitting.actor_by_token, token=token)


def test_nobody_revokes_the_token_of_another(unit_of_work: UnitOfWork) -> None:
    account, other = an_account(unit_of_work), an_account(unit_of_work, login="otto")
    token = unit_of_work.run(admitting.issue_token, account_id=account.id, name="laptop")
    token_id = unit_of_work.read(admitting.token_id_of, token=token)

    with pytest.raises(NotFound):
        unit_of_work.run(admitting.revoke_token, token_id=token_id, account_id=other.id)


def test_a_disabled_account_is_refused_everywhere(unit_of_work: UnitOfWork) -> None:
    account = an_account(unit_of_work)
    token = unit_of_work.run(admitting.issue_token, account_id=account.id, name="laptop")
    unit_of_work.run(admitting.disable_account, account_id=account.id)

    for service, arguments in (
        (admitting.actor_by_token, {"token": token}),
        (admitting.actor_by_account, {"account_id": account.id}),
        (admitting.sign_in, {"login": "rita", "password": PASSWORD}),
    ):
        with pytest.raises(NotSignedIn):
            unit_of_work.read(service, **arguments)


def test_lists_keep_to_their_organisation_and_to_their_page(unit_of_work: UnitOfWork) -> None:
    home = an_account(unit_of_work, login="w-1", role="worker").organisation_id
    an_account(unit_of_work, login="w-2", role="worker")
    away = unit_of_work.run(admitting.create_organisation, name="Away", now=NOON)
    unit_of_work.run(
        admitting.create_account, organisation_id=away.id, login="w-3", name="W", role="worker", password=None
    )

    first: list[WorkerRow] = unit_of_work.read(admitting.list_workers, organisation_id=home, limit=1)
    rest = unit_of_work.read(admitting.list_workers, organisation_id=home, after=first[0].id)
    assert [len(first), len(rest)] == [1, 1]
    logins = [row.login for row in unit_of_work.read(admitting.list_accounts, organisation_id=home)]
    assert logins == ["w-1", "w-2"]
