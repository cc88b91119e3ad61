"""`crowd-hitl qualification`: create, list, workers, grant, revoke, import."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from crowd_hitl.cli.finding import qualification_named, worker_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put, reason_of, say, where
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import Unusable
from crowd_hitl.domain.sheets import read_csv
from crowd_hitl.services import qualifying
from crowd_hitl.services.qualifying import GrantLine

app = group("Qualifications: gates that workers are granted, and that a batch can ask for.")
MOST_LISTED = 10_000
Name = Annotated[str, typer.Argument(metavar="QUALIFICATION", help="Its name or number.")]
Worker = Annotated[str, typer.Argument(metavar="WORKER", help="A login or pseudonym.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What batches will ask for, such as spanish.")],
    description: Annotated[str | None, typer.Option(help="What having it means.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a qualification; nobody has it yet."""
    with open_desk(data) as desk:
        row = desk.uow.run(
            qualifying.create_qualification,
            organisation_id=desk.organisation_id,
            name=name,
            description=description,
        )
    shown = {"qualification": row.name, "number": row.id, "workers": 0}
    if as_json:
        put(shown)
    else:
        show_pairs(shown)


@app.command("list")
def list_all(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the qualifications and how many workers have each."""
    with open_desk(data) as desk:
        found = desk.uow.read(qualifying.list_qualifications, organisation_id=desk.organisation_id, limit=MOST_LISTED)
    rows = [
        {"number": row.id, "qualification": row.name, "workers": row.holders, "description": row.description}
        for row in found
    ]
    if as_json:
        put({"qualifications": rows})
    else:
        show_table(rows, empty="No qualifications yet. Make one: crowd-hitl qualification create NAME")


@app.command()
def workers(name: Name, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List who has a qualification, with what value."""
    with open_desk(data) as desk:
        row = desk.uow.read(qualification_named, organisation_id=desk.organisation_id, name=name)
        found = desk.uow.read(qualifying.list_grants, qualification_id=row.id, limit=MOST_LISTED)
    rows = [_as_row(line) for line in found]
    if as_json:
        put({"qualification": row.name, "grants": rows})
    else:
        show_table(rows, empty=f"Nobody has it. Grant it: crowd-hitl qualification grant {row.name} WORKER")


@app.command()
def grant(
    name: Name,
    worker: Worker,
    value: Annotated[float | None, typer.Option(help="A score or level that a batch can ask for.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Give a worker a qualification; with another value the old grant ends and a new one begins."""
    with open_desk(data) as desk:
        row = desk.uow.read(qualification_named, organisation_id=desk.organisation_id, name=name)
        who = desk.uow.read(worker_named, organisation_id=desk.organisation_id, name=worker)
        desk.uow.run(qualifying.grant, qualification_id=row.id, worker_id=who.id, value=value, granted_by=None)
        (line,) = desk.uow.read(qualifying.list_grants, qualification_id=row.id, worker_id=who.id)
    if as_json:
        put(_as_row(line))
    else:
        show_pairs(_as_row(line))


@app.command()
def revoke(name: Name, worker: Worker, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Take a qualification back; what the worker holds may be finished, and the history stays."""
    with open_desk(data) as desk:
        row = desk.uow.read(qualification_named, organisation_id=desk.organisation_id, name=name)
        who = desk.uow.read(worker_named, organisation_id=desk.organisation_id, name=worker)
        ended = desk.uow.run(qualifying.revoke, qualification_id=row.id, worker_id=who.id)
    shown = {"qualification": row.name, "worker": who.public_id, "value": ended.value, "state": "revoked"}
    if as_json:
        put(shown)
    else:
        show_pairs(shown)


@app.command("import")
def import_file(
    name: Name,
    file: Annotated[
        Path, typer.Argument(help="CSV with the columns worker (login or pseudonym) and, if wanted, value.")
    ],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Grant from a table; bad rows are shown and stop nobody."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{file} cannot be read: {reason_of(error)}.") from error
    rows = list(read_csv(lines, needed=qualifying.GRANT_COLUMNS))
    with open_desk(data) as desk:
        row = desk.uow.read(qualification_named, organisation_id=desk.organisation_id, name=name)
        report = desk.uow.run(qualifying.import_grants, qualification_id=row.id, rows=rows, granted_by=None)
    if as_json:
        put({"qualification": row.name, **asdict(report)})
        return
    typer.echo(
        f"{report.rows} rows: {report.granted} granted, {report.unchanged} had it so, {len(report.problems)} are bad"
    )
    for problem in report.problems:
        say(f"  {where(problem)}: expected {problem.expected}, found {problem.found}")


def _as_row(line: GrantLine) -> dict[str, Any]:
    return {
        "qualification": line.qualification,
        "worker": line.worker,
        "name": line.worker_name,
        "value": line.value,
        "granted_by": line.granted_by,
        "granted_at": line.granted_at.isoformat(timespec="seconds"),
    }
