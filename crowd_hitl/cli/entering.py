"""Making accounts for the commands: a login, a password and a token, each shown once."""

import secrets
from dataclasses import dataclass

from crowd_hitl.cli.opening import Desk
from crowd_hitl.services.admitting import create_account, issue_token

# No letters that are taken for one another when read aloud or copied by hand.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
TOKEN_NAME = "command line"


@dataclass(frozen=True)
class Entry:
    """What somebody needs to come in; the password and the token are stored as hashes only."""

    account_id: int
    login: str
    password: str | None
    token: str | None


def make_account(desk: Desk, *, login: str, name: str, role: str, password: str | None, with_token: bool) -> Entry:
    """Make an account; without a password one is made up."""
    chosen = password or new_password()
    account = desk.uow.run(
        create_account,
        organisation_id=desk.organisation_id,
        login=login,
        name=name,
        role=role,
        password=chosen,
    )
    token = desk.uow.run(issue_token, account_id=account.id, name=TOKEN_NAME) if with_token else None
    return Entry(account_id=account.id, login=login, password=None if password else chosen, token=token)


def new_password() -> str:
    """Make up a password of 16 letters and digits in four groups: 79 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
