"""`crowd-hitl gold`: list, confirm, correct, retire the known answers of a project."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from crowd_hitl.cli.finding import project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put, say
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_table
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.services import vouching
from crowd_hitl.services.reporting.gold import GoldLine, list_gold, one_gold
from crowd_hitl.services.vouching import Vouched

app = group("Gold: items with known answers, mixed in unseen to measure workers.")
READ_AT_ONCE = 1_000
Slug = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's slug.")]
ItemKey = Annotated[str, typer.Argument(metavar="KEY", help="The item's key.")]
FieldName = Annotated[str | None, typer.Option("--field", help="Which field of the item; the first if left out.")]


@app.command("list")
def list_all(
    project: Slug,
    suspect: Annotated[bool, typer.Option(help="Only what good workers contradict.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List known answers: views left, what was answered, how often that was right; suspects first."""
    with open_desk(data) as desk:
        found = desk.uow.read(_lines, desk=desk, slug=project)
    lines = [line for line in found if line.state == "suspect" or not suspect]
    if as_json:
        put({"project": project, "gold": [_as_row(line) for line in lines]})
        return
    empty = "No suspect gold." if suspect else "No gold yet. Import items with a column gold: crowd-hitl items import"
    show_table([_as_cells(line) for line in lines], empty=empty)
    doubted = sum(line.state == "suspect" for line in lines)
    if doubted:
        say(f"{doubted} suspect, counted for nobody. Decide: crowd-hitl gold confirm|correct|retire {project} KEY")


@app.command()
def confirm(
    project: Slug, key: ItemKey, field: FieldName = None, data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Say that a known answer is right after all: it counts again, and is never suspected any more."""
    with open_desk(data) as desk:
        gold_id = desk.uow.read(_found, desk=desk, slug=project, key=key, field=field)
        _decide(desk, vouching.confirm_gold, gold_id=gold_id, as_json=as_json)


@app.command()
def correct(
    project: Slug,
    key: ItemKey,
    value: Annotated[str, typer.Argument(help="The right answer: a class, or JSON.")],
    field: FieldName = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what the right answer is; what workers answered before is measured by it."""
    with open_desk(data) as desk:
        gold_id = desk.uow.read(_found, desk=desk, slug=project, key=key, field=field)
        _decide(desk, vouching.correct_gold, gold_id=gold_id, as_json=as_json, value=value)


@app.command()
def retire(
    project: Slug, key: ItemKey, field: FieldName = None, data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Say that an item is no gold any more: it counts for nobody, and may be asked as any other item."""
    with open_desk(data) as desk:
        gold_id = desk.uow.read(_found, desk=desk, slug=project, key=key, field=field)
        _decide(desk, vouching.retire_gold, gold_id=gold_id, as_json=as_json)


def _decide(desk: Desk, verb: Callable[..., Vouched], *, gold_id: int, as_json: bool, **said: str) -> None:
    done = desk.uow.run(verb, gold_id=gold_id, decided_by=None, plugins=desk.plugins, **said)
    line = desk.uow.read(_one, gold_id=gold_id, plugins=desk.plugins)
    if as_json:
        put({**_as_row(line), "recounted": done.recounted, "places": done.places})
        return
    typer.echo(f"{line.key} is {line.state}, known to be {line.value}. Recounted: {done.recounted} workers.")
    if line.turned_down:
        numbers = ", ".join(str(answer_id) for answer_id in line.turned_down)
        say(f"Rejected, and perhaps right: answers {numbers}. Look at them on the item's page.")


def _lines(session: Session, *, desk: Desk, slug: str) -> list[GoldLine]:
    row = project_named(session, organisation_id=desk.organisation_id, slug=slug)
    is_right = vouching.yardstick(session, project_id=row.id, plugins=desk.plugins)
    lines: list[GoldLine] = []
    page = list_gold(session, project_id=row.id, is_right=is_right, limit=READ_AT_ONCE)
    while page.after:
        lines += page.rows
        page = list_gold(session, project_id=row.id, is_right=is_right, after=page.after, limit=READ_AT_ONCE)
    return [*lines, *page.rows]


def _found(session: Session, *, desk: Desk, slug: str, key: str, field: str | None) -> int:
    row = project_named(session, organisation_id=desk.organisation_id, slug=slug)
    gold = vouching.gold_of_item(session, project_id=row.id, key=key, field=field)
    if gold is None:
        raise NotFound(f"'{key}' is no gold of this project. See: crowd-hitl gold list {slug}")
    return gold.id


def _one(session: Session, *, gold_id: int, plugins: Plugins) -> GoldLine:
    is_right = vouching.yardstick(session, project_id=vouching.project_of(session, gold_id), plugins=plugins)
    return one_gold(session, gold_id=gold_id, is_right=is_right)


def _as_row(line: GoldLine) -> dict[str, Any]:
    return {
        "key": line.key,
        "field": line.field,
        "value": line.value,
        "source": line.source,
        "state": line.state,
        "views_left": line.views_left,
        "answers": line.right.seen,
        "right": line.right.right,
        "votes": [{"value": value, "answers": count} for value, count in line.votes],
        "look_at": list(line.turned_down),
        "former": list(line.former),
    }


def _as_cells(line: GoldLine) -> dict[str, Any]:
    return {
        "key": line.key,
        "known": line.value,
        "state": line.state,
        "views_left": line.views_left,
        "answers": line.right.seen,
        "right": line.right.right,
        "votes": ", ".join(f"{value} {count}" for value, count in line.votes),
    }
