"""`crowd-hitl account`: add a requester or an admin, list, token."""

from typing import Annotated, Any

import typer

from crowd_hitl.cli.entering import TOKEN_NAME, make_account
from crowd_hitl.cli.finding import account_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.services.admitting import issue_token, list_accounts

app = group("Accounts of those who manage projects and money.")
MOST_LISTED = 10_000
Login = Annotated[str, typer.Argument(help="3 to 80 of a-z 0-9 . _ @ -")]


@app.command()
def add(
    login: Login,
    role: Annotated[str, typer.Option(help="requester or admin.")] = Role.REQUESTER.value,
    name: Annotated[str | None, typer.Option(help="What others see; the login if left out.")] = None,
    password: Annotated[str | None, typer.Option(help="At least 10 characters; made up if left out.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Add a requester or an admin; a made-up password is shown once."""
    if role not in (Role.REQUESTER, Role.ADMIN):
        raise bad_field("role", expected="requester or admin (workers: crowd-hitl worker add)", found=role)
    with open_desk(data) as desk:
        entry = make_account(desk, login=login, name=name or login, role=role, password=password, with_token=False)
    shown: dict[str, Any] = {"login": entry.login, "role": role, "password": entry.password}
    if as_json:
        put(shown)
    else:
        show_pairs({**shown, "password": entry.password or "as you gave it"}, title="Shown once")


@app.command("list")
def list_all(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List all accounts."""
    with open_desk(data) as desk:
        accounts = desk.uow.read(list_accounts, organisation_id=desk.organisation_id, limit=MOST_LISTED)
    rows = [{"login": one.login, "name": one.name, "role": one.role, "state": one.state} for one in accounts]
    if as_json:
        put({"accounts": rows})
    else:
        show_table(rows, empty="No accounts yet. Add one: crowd-hitl account add LOGIN --role admin")


@app.command()
def token(login: Login, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Make a token for the REST API, shown once."""
    with open_desk(data) as desk:
        account = desk.uow.read(account_named, organisation_id=desk.organisation_id, login=login)
        made = desk.uow.run(issue_token, account_id=account.id, name=TOKEN_NAME)
    if as_json:
        put({"login": login, "token": made})
    else:
        typer.echo(made)
