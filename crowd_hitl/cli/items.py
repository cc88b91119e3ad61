"""`crowd-hitl items`: import, list, broken, mend."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path, PurePath
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.cli.finding import one_of, project_named
from crowd_hitl.cli.frame import FAILED, PROBLEMS_SHOWN, AsJson, DataFolder, group, put, say
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.places import is_remote, name_of, reading
from crowd_hitl.cli.tables import progress_bar, show_table
from crowd_hitl.domain.errors import NotFound, bad_field
from crowd_hitl.domain.items import ImportReport
from crowd_hitl.domain.ports import ItemFormat
from crowd_hitl.services import breaking
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.reading_gold import gold_rule
from crowd_hitl.services.reporting.broken import list_broken
from crowd_hitl.store.project_rows import ItemRow

app = group("Items: what is to be labelled.")


@app.command("import")
def import_(
    slug: Annotated[str, typer.Argument(metavar="PROJECT")],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="JSONL, CSV or Parquet, or s3://bucket/key; images and audio beside it, on the web or in a bucket.",
        ),
    ],
    file_format: Annotated[str | None, typer.Option("--format", help="Instead of what the suffix says.")] = None,
    link: Annotated[bool, typer.Option("--link", help="Leave media in their bucket.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Import items; bad rows are shown and stop nobody. Exit code 1 when no row could be read."""
    with open_desk(data) as desk:
        reader = format_of(name_of(file), named=file_format, formats=desk.plugins.formats)
        with progress_bar() as bar:
            row_count = bar.add_task(f"Importing {name_of(file)}", total=None)
            report = _import(desk, slug, file, reader, lambda rows: bar.update(row_count, completed=rows), link=link)
    _show(report, as_json=as_json)
    if report.bad and report.added + report.already_there == 0:
        raise typer.Exit(FAILED)


@app.command("list")
def list_some(
    slug: Annotated[str, typer.Argument(metavar="PROJECT")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    after: Annotated[int, typer.Option(help="From behind this id.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List items in the order they came."""
    with open_desk(data) as desk:
        project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        rows = desk.uow.read(_page, project_id=project.id, after=after, limit=limit)
    if as_json:
        put({"items": rows, "after": rows[-1]["id"] if len(rows) == limit else None})
    else:
        show_table(rows, empty=f"No items. Import some: crowd-hitl items import {slug} FILE")


@app.command()
def broken(
    slug: Annotated[str, typer.Argument(metavar="PROJECT")],
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the items that workers found cannot be answered, with their reasons."""
    with open_desk(data) as desk:
        project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        page = desk.uow.read(list_broken, project_id=project.id, limit=limit)
    rows = [
        {"key": line.key, "since": line.broken_at.isoformat(timespec="minutes"), "workers_say": "; ".join(line.reasons)}
        for line in page.rows
    ]
    if as_json:
        put({"project": project.slug, "items": rows})
    else:
        show_table(rows, empty="No broken items.")


@app.command()
def mend(
    slug: Annotated[str, typer.Argument(metavar="PROJECT")],
    keys: Annotated[list[str], typer.Argument(metavar="KEY...", help="Keys of broken items.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put broken items back: they may be published again."""
    with open_desk(data) as desk:
        project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        desk.uow.run(_mend_all, project_id=project.id, keys=keys)
    if as_json:
        put({"project": project.slug, "mended": keys})
    else:
        typer.echo(f"{len(keys)} put back. They may be published again.")


def _mend_all(session: Session, *, project_id: int, keys: list[str], now: datetime) -> None:
    for key in keys:
        found = session.scalar(select(ItemRow.id).where(ItemRow.project_id == project_id, ItemRow.key == key))
        if found is None:
            raise NotFound(f"There is no item '{key}' in this project. See: crowd-hitl items broken PROJECT")
        breaking.mend(session, item_id=found, now=now)


def format_of(file: PurePath, *, named: str | None, formats: Any) -> ItemFormat:
    """Choose the format by name or by the file's suffix; BadInput lists those there are."""
    if named is not None:
        chosen: ItemFormat = one_of("format", named, formats)
        return chosen
    by_suffix: dict[str, ItemFormat] = {suffix: one for one in formats.values() for suffix in one.suffixes}
    if file.suffix.lower() not in by_suffix:
        expected = f"a name that ends in {', '.join(sorted(by_suffix))}, or --format"
        raise bad_field("FILE", expected=expected, found=file.name)
    return by_suffix[file.suffix.lower()]


def _import(
    desk: Desk, slug: str, file: str, reader: ItemFormat, progress: Callable[[int], None], *, link: bool
) -> ImportReport:
    project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
    version = desk.uow.read(newest_question, project_id=project.id)
    question = desk.plugins.questions[version.kind]

    folder = None if is_remote(file) else Path(file).resolve().parent
    house = desk.house
    media = MediaIntake(storage=house.storage, fetch=house.fetch, bucket=house.bucket, folder=folder, link=link)
    with reading(file, settings=desk.house.settings) as stream:
        return import_items(
            desk.uow,
            project_id=project.id,
            records=reader.read(stream),
            gold=gold_rule(question, version.spec),
            media=media,
            progress=progress,
        )


def _show(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        counts = {name: getattr(report, name) for name in ("rows", "added", "already_there", "gold", "bad_rows")}
        put({**counts, "bad": [vars(problem) for problem in report.bad]})
        return
    typer.echo(
        f"{report.rows} rows: {report.added} items added, {report.already_there} were there, "
        f"{report.gold} with a known answer, {report.bad_rows} bad."
    )
    if report.bad:
        shown = [
            {"row": str(bad.row), "field": bad.field, "expected": bad.expected, "found": bad.found}
            for bad in report.bad[:PROBLEMS_SHOWN]
        ]
        show_table(shown, title="Bad rows, left out")
        if len(report.bad) > PROBLEMS_SHOWN:
            say(f"… and {len(report.bad) - PROBLEMS_SHOWN} more; all of them with --json")


def _page(session: Session, *, project_id: int, after: int, limit: int) -> list[dict[str, Any]]:
    query = select(ItemRow).where(ItemRow.project_id == project_id, ItemRow.id > after).order_by(ItemRow.id)
    return [
        {"id": row.id, "key": row.key, "text": row.text, "image": row.image_key, "audio": row.audio_key}
        for row in session.scalars(query.limit(limit))
    ]
