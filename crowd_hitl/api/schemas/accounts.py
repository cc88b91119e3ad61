"""Tokens, the account behind a request, and workers."""

from typing import Annotated

from pydantic import Field, StringConstraints

from crowd_hitl.api.schemas.base import WITHOUT_NUL, Body, Given, Name

Login = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=WITHOUT_NUL)]
Password = Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=WITHOUT_NUL)]


class TokenIn(Body):
    """A login and password to be exchanged for a token."""

    login: Login
    password: Password
    name: Name = Field("token", description="What the token is for.")


class TokenOut(Given):
    """A bearer token. It is shown this once."""

    token: str
    role: str
    expires_at: None = None


class MeOut(Given):
    """Who is asking."""

    account_id: int
    organisation_id: int
    login: str
    role: str
    worker_id: int | None


class WorkerIn(Body):
    """An in-house worker to be made. With no password, only the token signs in."""

    login: Annotated[str, StringConstraints(pattern=r"^[a-z0-9._@\-]{3,80}$")]
    name: Name
    password: Annotated[str, StringConstraints(min_length=10, max_length=1000, pattern=WITHOUT_NUL)] | None = None
    simulated: bool = False


class WorkerOut(Given):
    """A worker as a requester sees them."""

    id: int
    public_id: str
    name: str
    channel: str
    simulated: bool
    state: str


class NewWorkerOut(Given):
    """A worker who was just made, with their token, which is shown this once."""

    worker: WorkerOut
    login: str
    token: str


class WorkersOut(Given):
    """One page of workers."""

    workers: list[WorkerOut]
    after: str | None
