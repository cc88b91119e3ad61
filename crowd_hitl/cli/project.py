"""`crowd-hitl project`: new, list, show, cost."""

import json
import re
import unicodedata
from pathlib import Path
from typing import Annotated, Any

import typer

from crowd_hitl.cli.finding import one_of, project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put, reason_of
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import Unusable, bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.services.projects import NewProject, create_project, newest_question
from crowd_hitl.services.reporting.money import cost_units
from crowd_hitl.services.reporting.overview import label_costs
from crowd_hitl.services.reporting.projects import ProjectLine, list_projects, project_head

app = group("Projects: a question, its instructions and its items.")
MOST_LISTED = 1_000
# of a question's settings, what has a line of its own
SHOWN_APART = ("prompt", "field", "options", "instructions")
SETTINGS = 'a JSON object such as {"low": 1, "high": 7}, or @FILE with one'
Slug = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's slug.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help='What people call it, such as "Film review polarity".')],
    prompt: Annotated[str | None, typer.Option(help="The question that workers read.")] = None,
    options: Annotated[
        str | None, typer.Option(help="The possible answers, comma-separated: positive,negative.")
    ] = None,
    settings: Annotated[
        str | None, typer.Option(help="Further settings of the question: JSON, or @FILE to read it from.")
    ] = None,
    slug: Annotated[str | None, typer.Option(help="Its short name in addresses and commands.")] = None,
    instructions: Annotated[str, typer.Option(help="A text, or @FILE to read it from.")] = "",
    kind: Annotated[str, typer.Option(help="The kind of question.")] = "choice",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a project that asks one question."""
    spec: dict[str, Any] = read_settings(settings)
    if prompt is not None:
        spec["prompt"] = prompt
    if options is not None:
        spec["options"] = [part.strip() for part in options.split(",") if part.strip()]
    if instructions:
        spec["instructions"] = read_text("instructions", instructions)
    with open_desk(data) as desk:
        question = one_of("kind", kind, desk.plugins.questions)
        checked = question.check_spec(spec)
        wanted = NewProject(slug or slug_of(name), name, kind, checked, is_class=question.is_class)
        made = desk.uow.run(create_project, organisation_id=desk.organisation_id, new=wanted)
    if as_json:
        put({"project": made.slug, "id": made.id, "name": made.name, "question": wanted.spec})
    else:
        typer.echo(f"Project {made.slug} is there. Next: crowd-hitl items import {made.slug} FILE")


@app.command("list")
def list_all(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the projects, the newest first."""
    with open_desk(data) as desk:
        page = desk.uow.read(list_projects, organisation_id=desk.organisation_id, limit=MOST_LISTED)
    rows = [_line(line) for line in page.rows]
    if as_json:
        put({"projects": rows})
    else:
        show_table(rows, empty='No projects yet. Make one: crowd-hitl project new NAME --prompt "…" --options a,b')


@app.command()
def show(slug: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show one project and its question."""
    with open_desk(data) as desk:
        project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        head = desk.uow.read(project_head, organisation_id=desk.organisation_id, slug=project.slug)
        question = desk.uow.read(newest_question, project_id=project.id)
    shown: dict[str, Any] = {
        "project": head.slug,
        "id": head.id,
        "name": head.name,
        "simulated": head.simulated,
        "items": head.items,
        "batches": head.batches,
        "kind": question.kind,
        "prompt": head.prompt,
        "field": head.field,
        "options": [one.value for one in head.classes],
        "settings": {name: value for name, value in question.spec.items() if name not in SHOWN_APART},
        "question_version": question.number,
        "instructions": question.spec.get("instructions", ""),
    }
    if as_json:
        put(shown)
    else:
        settings = json.dumps(shown["settings"], ensure_ascii=False) if shown["settings"] else ""
        show_pairs({**shown, "options": ", ".join(shown["options"]), "settings": settings})


@app.command()
def cost(slug: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Say what each agreed label cost, and on what the money was spent; one row for each currency."""
    with open_desk(data) as desk:
        head = desk.uow.read(project_head, organisation_id=desk.organisation_id, slug=slug)
        found = desk.uow.read(label_costs, project=head)
    rows = [
        {
            "currency": one.currency,
            **cost_units(one.cost),
            "agreed_labels": one.labels,
            "target": one.target,
            "per_agreed_label": None if one.per_label_micros is None else units(round(one.per_label_micros)),
        }
        for one in found
    ]
    if as_json:
        put({"project": head.slug, "costs": rows})
        return
    for row in rows:
        show_pairs({name.replace("_", " "): value for name, value in row.items()})
    if not rows:
        typer.echo("Nothing was spent yet.")


def slug_of(name: str) -> str:
    """Make a slug of a name: its ASCII letters and digits, joined by hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:80].strip("-")


def read_settings(given: str | None) -> dict[str, Any]:
    """Read what --settings says of the question; BadInput when it is no JSON object."""
    if given is None:
        return {}
    try:
        found = json.loads(read_text("settings", given))
    except (ValueError, RecursionError) as error:
        raise bad_field("settings", expected=SETTINGS, found=given) from error
    if not isinstance(found, dict):
        raise bad_field("settings", expected=SETTINGS, found=given)
    return found


def read_text(what: str, given: str) -> str:
    """Return a text as it stands, or what the file holds if it names one (@FILE, or a path that is)."""
    name = given.removeprefix("@")
    is_file = given.startswith("@") or ("\n" not in given and len(given) < 256 and given and Path(given).is_file())
    if not is_file:
        return given
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"The {what} cannot be read from {name}: {reason_of(error)}.") from error


def _line(line: ProjectLine) -> dict[str, Any]:
    return {
        "project": line.slug,
        "name": line.name,
        "items": line.items,
        "labels": line.labels,
        "open_batches": line.batches_open,
        "spent": units(line.spent_micros),
        "currency": line.currency,
        "simulated": line.simulated,
    }
