"""Tokens: a login and a password in, a bearer token out; and who one is."""

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from crowd_hitl.api.schemas.accounts import MeOut, TokenIn, TokenOut
from crowd_hitl.domain.accounts import Actor
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.edge.auth import (
    EVERYBODY,
    allow,
    bearer_token,
    current_actor,
    forget_token,
    keeps_no_session,
    public,
)
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.limits import count_sign_in
from crowd_hitl.services import admitting

tokens = APIBlueprint("tokens", __name__, url_prefix="/api/v1", tag="Tokens")


@tokens.post("/tokens")
@public
@keeps_no_session
@tokens.input(TokenIn, arg_name="body")
@tokens.output(TokenOut, status_code=201)
def create_token(*, body: TokenIn) -> TokenOut:
    """Exchange a login and a password for a token."""
    count_sign_in(body.login)
    uow = current_house().uow
    actor = uow.read(admitting.sign_in, login=body.login.strip().lower(), password=body.password)
    token = uow.run(admitting.issue_token, account_id=actor.account_id, name=body.name)
    return TokenOut(token=token, role=actor.role)


@tokens.delete("/tokens/current")
@allow(*EVERYBODY)
@tokens.doc(responses={204: "Revoked"})
def revoke_current_token() -> ResponseReturnValue:
    """Revoke the token this request came with.

    Other processes of this server may take it for some seconds more.
    """
    token = bearer_token()
    if token is None:
        raise BadInput("Send the token to be revoked as 'Authorization: Bearer TOKEN'.")
    uow = current_house().uow
    token_id = uow.read(admitting.token_id_of, token=token)
    uow.run(admitting.revoke_token, token_id=token_id, account_id=current_actor().account_id)
    forget_token(token)
    return "", 204


@tokens.get("/me")
@allow(*EVERYBODY)
@tokens.output(MeOut)
def who_am_i() -> Actor:
    """Say who is asking."""
    return current_actor()
