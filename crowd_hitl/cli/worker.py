"""`crowd-hitl worker`: add, list, token; what blocks workers and what removes answers stands beside it."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from crowd_hitl.cli import worker_blocks
from crowd_hitl.cli.entering import TOKEN_NAME, make_account
from crowd_hitl.cli.finding import account_named, logins_of, project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.cli.worker_answers import remove_worker_answers, restore_worker_answers
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import Conflict
from crowd_hitl.domain.money import units
from crowd_hitl.services.admitting import issue_token, list_workers
from crowd_hitl.services.reporting.projects import project_head
from crowd_hitl.services.reporting.workers import list_workers as lines_of_workers

app = group("Workers: the people who answer.")
app.command("remove-answers")(remove_worker_answers)
app.command("restore-answers")(restore_worker_answers)
app.command()(worker_blocks.block)
app.command()(worker_blocks.pause)
app.command()(worker_blocks.lift)
app.command()(worker_blocks.blocks)
MOST_LISTED = 10_000
Login = Annotated[str, typer.Argument(help="3 to 80 of a-z 0-9 . _ @ -")]


@app.command()
def add(
    login: Login,
    name: Annotated[str | None, typer.Option(help="What others see; the login if left out.")] = None,
    password: Annotated[str | None, typer.Option(help="At least 10 characters; made up if left out.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Add an in-house worker; the password and the token are shown once."""
    with open_desk(data) as desk:
        entry = make_account(
            desk, login=login, name=name or login, role=Role.WORKER, password=password, with_token=True
        )
    shown: dict[str, Any] = {"login": entry.login, "password": entry.password, "token": entry.token}
    if as_json:
        put(shown)
    else:
        show_pairs(
            {**shown, "password": entry.password or "as you gave it"},
            title="Shown once. Password for the pages, token for the REST API",
        )


@app.command("list")
def list_all(
    project: Annotated[str | None, typer.Option(help="Those who answered in this project, and how they did.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the workers; of a project with how often they are right, and how much gold is left for each."""
    with open_desk(data) as desk:
        if project is None:
            rows = desk.uow.read(_workers, organisation_id=desk.organisation_id)
        else:
            rows = desk.uow.read(_of_project, organisation_id=desk.organisation_id, slug=project)
    empty = "No workers yet. Add one: crowd-hitl worker add LOGIN"
    if as_json:
        put({"workers": rows})
    else:
        show_table(rows, empty=empty if project is None else "Nobody has answered in this project yet.")


@app.command()
def token(login: Login, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Make a further token for a worker, shown once."""
    with open_desk(data) as desk:
        account = desk.uow.read(account_named, organisation_id=desk.organisation_id, login=login)
        if account.role != Role.WORKER:
            raise Conflict(f"'{login}' is no worker but a {account.role}. Use: crowd-hitl account token {login}")
        made = desk.uow.run(issue_token, account_id=account.id, name=TOKEN_NAME)
    if as_json:
        put({"login": login, "token": made})
    else:
        typer.echo(made)


def _of_project(session: Session, *, organisation_id: int, slug: str) -> list[dict[str, Any]]:
    found = project_named(session, organisation_id=organisation_id, slug=slug)
    project = project_head(session, organisation_id=organisation_id, slug=found.slug)
    return [
        {
            "worker": line.public_id,
            "name": line.name,
            "state": line.state,
            "answers": line.answers,
            "agrees": line.agrees.value,
            "gold_right": line.gold.right,
            "gold_seen": line.gold.seen,
            "gold_left": line.gold_left,
            "median_seconds": line.median_seconds,
            "earned": units(line.earned_micros),
        }
        for line in lines_of_workers(session, project=project, limit=MOST_LISTED).rows
    ]


def _workers(session: Session, *, organisation_id: int) -> list[dict[str, Any]]:
    workers = list_workers(session, organisation_id=organisation_id, limit=MOST_LISTED)
    logins = logins_of(session, workers=workers)
    return [
        {
            "worker": worker.public_id,
            "login": logins.get(worker.id),
            "name": worker.name,
            "channel": worker.channel,
            "state": worker.state,
            "simulated": worker.simulated,
        }
        for worker in workers
    ]
