"""Who may come in: organisations, accounts, passwords, access tokens and in-house workers."""

import hashlib
import re
import secrets
from datetime import datetime
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.accounts import Actor, Role
from crowd_hitl.domain.errors import Conflict, NotFound, NotSignedIn, bad_field
from crowd_hitl.store.account_rows import AccessTokenRow, AccountRow, OrganisationRow, WorkerRow

LOGIN = re.compile(r"[a-z0-9._@-]{3,80}")
PASSWORD_CHARACTERS_MIN = 10
# Far above any passphrase; below what would make hashing a way to keep the server busy.
PASSWORD_CHARACTERS_MAX = 1000
NAME_CHARACTERS_MAX = 200
TOKEN_PREFIX = "chk_"
TOKEN_CHARACTERS = len(TOKEN_PREFIX) + 43
ACTIVE = "active"
IN_HOUSE = "inhouse"
WRONG_SIGN_IN = "Login or password is wrong."
WRONG_TOKEN = "The access token is not valid. It may have been revoked."


def create_organisation(session: Session, *, name: str, now: datetime) -> OrganisationRow:
    """Make an organisation; refuses an empty or overlong name."""
    row = OrganisationRow(name=_checked_name(name), created_at=now)
    session.add(row)
    session.flush()
    return row


def default_organisation(session: Session, *, now: datetime) -> OrganisationRow:
    """Return the first organisation, making it when there is none."""
    first = session.scalars(select(OrganisationRow).order_by(OrganisationRow.id).limit(1)).first()
    return first if first is not None else create_organisation(session, name="Organisation", now=now)


def create_account(  # noqa: PLR0913 - one argument for each column that the caller decides
    session: Session,
    *,
    organisation_id: int,
    login: str,
    name: str,
    role: str,
    password: str | None,
    now: datetime,
    simulated: bool = False,
) -> AccountRow:
    """Make an account, and a worker with it for the role worker.

    Refuses a malformed login, a short password, an unknown role (BadInput) and a login that is taken (Conflict).
    """
    known = _checked_role(role)
    if not LOGIN.fullmatch(login):
        raise bad_field("login", expected="3 to 80 of the characters a-z 0-9 . _ @ -", found=login)
    if session.scalars(select(AccountRow.id).where(AccountRow.login == login)).first() is not None:
        raise Conflict(f"The login '{login}' is taken. Choose another.")
    account = AccountRow(
        organisation_id=organisation_id,
        login=login,
        name=_checked_name(name),
        role=known.value,
        password_hash=None if password is None else _hash(_checked_password(password)),
        state=ACTIVE,
        created_at=now,
    )
    session.add(account)
    session.flush()
    if known is Role.WORKER:
        session.add(_worker_of(account, simulated=simulated, now=now))
        session.flush()
    return account


def issue_token(session: Session, *, account_id: int, name: str, now: datetime) -> str:
    """Make a bearer token and return it in plain: the only time it is seen, as its hash alone is stored."""
    if session.get(AccountRow, account_id) is None:
        raise NotFound("There is no such account.")
    token = TOKEN_PREFIX + secrets.token_urlsafe(32)
    row = AccessTokenRow(account_id=account_id, name=_checked_name(name), token_hash=hash_token(token), created_at=now)
    session.add(row)
    session.flush()
    return token


def revoke_token(session: Session, *, token_id: int, account_id: int, now: datetime) -> None:
    """End one token of this account; NotFound for another account's. A revoked one stays revoked."""
    row = session.get(AccessTokenRow, token_id)
    if row is None or row.account_id != account_id:
        raise NotFound("There is no such token.")
    row.revoked_at = row.revoked_at or now


def token_id_of(session: Session, *, token: str) -> int:
    """Return the id of a token that is given in plain; NotSignedIn if it is not one of ours."""
    found = session.scalars(select(AccessTokenRow.id).where(AccessTokenRow.token_hash == hash_token(token))).first()
    if found is None:
        raise NotSignedIn(WRONG_TOKEN)
    return found


def hash_token(token: str) -> str:
    """Return what is stored of a token. It is 256 random bits, so a fast hash is as good as a slow one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def actor_by_token(session: Session, *, token: str) -> Actor:
    """Return who holds this token; NotSignedIn when it is unknown or revoked or its account is disabled."""
    if len(token) != TOKEN_CHARACTERS or not token.startswith(TOKEN_PREFIX):
        raise NotSignedIn(WRONG_TOKEN)
    query = (
        select(AccountRow, WorkerRow.id)
        .join(AccessTokenRow, AccessTokenRow.account_id == AccountRow.id)
        .outerjoin(WorkerRow, WorkerRow.account_id == AccountRow.id)
        .where(AccessTokenRow.token_hash == hash_token(token), AccessTokenRow.revoked_at.is_(None))
    )
    found = session.execute(query).first()
    if found is None or found[0].state != ACTIVE:
        raise NotSignedIn(WRONG_TOKEN)
    return _actor(found[0], worker_id=found[1])


def actor_by_account(session: Session, *, account_id: int) -> Actor:
    """Return the actor of an account; NotSignedIn when it is gone or disabled."""
    account = session.get(AccountRow, account_id)
    if account is None or account.state != ACTIVE:
        raise NotSignedIn("This account is not active.")
    worker_id = session.scalars(select(WorkerRow.id).where(WorkerRow.account_id == account.id)).first()
    return _actor(account, worker_id=worker_id)


def sign_in(session: Session, *, login: str, password: str) -> Actor:
    """Return who signs in; NotSignedIn, in the same words and after the same work, whatever was wrong."""
    account = session.scalars(select(AccountRow).where(AccountRow.login == login)).first()
    stored = account.password_hash if account is not None else None
    # An unknown login costs a hash too: the time must not tell which logins exist.
    matches = _matches(stored or _nobodys_hash(), password=password[:PASSWORD_CHARACTERS_MAX])
    if account is None or stored is None or account.state != ACTIVE or not matches:
        raise NotSignedIn(WRONG_SIGN_IN)
    return actor_by_account(session, account_id=account.id)


def disable_account(session: Session, *, account_id: int) -> AccountRow:
    """Bar an account from signing in; its history stays."""
    account = session.get(AccountRow, account_id)
    if account is None:
        raise NotFound("There is no such account.")
    account.state = "disabled"
    return account


def list_workers(session: Session, *, organisation_id: int, after: int = 0, limit: int = 100) -> list[WorkerRow]:
    """List an organisation's workers in the order of their ids, from behind `after`."""
    query = select(WorkerRow).where(WorkerRow.organisation_id == organisation_id, WorkerRow.id > after)
    return list(session.scalars(query.order_by(WorkerRow.id).limit(limit)))


def list_accounts(session: Session, *, organisation_id: int, after: int = 0, limit: int = 100) -> list[AccountRow]:
    """List an organisation's accounts in the order of their ids, from behind `after`."""
    query = select(AccountRow).where(AccountRow.organisation_id == organisation_id, AccountRow.id > after)
    return list(session.scalars(query.order_by(AccountRow.id).limit(limit)))


def _worker_of(account: AccountRow, *, simulated: bool, now: datetime) -> WorkerRow:
    return WorkerRow(
        organisation_id=account.organisation_id,
        account_id=account.id,
        channel=IN_HOUSE,
        # What others see: it tells nothing of the name or the login.
        public_id=f"W{account.id}",
        name=account.name,
        simulated=simulated,
        state=ACTIVE,
        created_at=now,
    )


def _actor(account: AccountRow, *, worker_id: int | None) -> Actor:
    return Actor(
        account_id=account.id,
        organisation_id=account.organisation_id,
        role=Role(account.role),
        login=account.login,
        worker_id=worker_id,
    )


def _checked_role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise bad_field("role", expected="one of " + ", ".join(Role), found=role) from error


def _checked_name(name: str) -> str:
    clean = name.strip()
    if not 1 <= len(clean) <= NAME_CHARACTERS_MAX:
        raise bad_field("name", expected=f"1 to {NAME_CHARACTERS_MAX} characters", found=name)
    return clean


def _checked_password(password: str) -> str:
    if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
        expected = f"{PASSWORD_CHARACTERS_MIN} to {PASSWORD_CHARACTERS_MAX} characters"
        # The password itself is never repeated: messages end in logs.
        raise bad_field("password", expected=expected, found=f"{len(password)} characters")
    return password


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _hash(secrets.token_urlsafe(32))


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _matches(stored: str, *, password: str) -> bool:
    try:
        return _hasher().verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
