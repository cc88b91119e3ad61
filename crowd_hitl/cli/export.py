"""`crowd-hitl export`: labels or answers as JSONL, CSV or Parquet, to a file or S3 (whole or not at all), or out."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from rich.progress import Progress

from crowd_hitl.cli.finding import one_of, project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.places import name_of, writing
from crowd_hitl.cli.tables import progress_bar
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.services.exporting import answer_rows, label_rows

app = group("Exports: labels and answers, streamed.")
Slug = Annotated[str, typer.Argument(metavar="PROJECT")]
Format = Annotated[
    str | None, typer.Option("--format", help="jsonl, csv or parquet; the file's suffix decides if left out.")
]
Out = Annotated[
    str | None,
    typer.Option(help="A file or s3://bucket/key, written whole or not at all; standard output if left out."),
]
Rows = Callable[..., Iterator[dict[str, Any]]]


@app.command()
def labels(
    project: Slug, file_format: Format = None, out: Out = None, data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Export the current label of every item: confidence, source, votes, cost, model version, round."""
    _export(project, label_rows, file_format=file_format, out=out, data=data, as_json=as_json)


@app.command()
def answers(
    project: Slug, file_format: Format = None, out: Out = None, data: DataFolder = None, as_json: AsJson = False
) -> None:
    """Export every answer; the columns task, worker, label are crowd-kit's."""
    _export(project, answer_rows, file_format=file_format, out=out, data=data, as_json=as_json)


def _export(
    slug: str, rows: Rows, *, file_format: str | None, out: str | None, data: Path | None, as_json: bool
) -> None:
    if as_json and out is None:
        raise BadInput("--json says what was written; name a file with --out, or leave --json out to get the rows.")
    name = file_format or (name_of(out).suffix.lstrip(".").lower() if out is not None else "") or "jsonl"
    with open_desk(data) as desk:
        writer = one_of("format", name, desk.plugins.label_formats)
        project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        with desk.uow.reading() as session, progress_bar() as bar:
            counted = Counted(rows(session, project_id=project.id), bar)
            pieces = writer.write(counted)
            if out is None:
                _write(pieces, sys.stdout)
            else:
                writing(out, pieces, settings=desk.house.settings)
    if as_json:
        put({"project": project.slug, "file": out, "format": name, "rows": counted.count})
    elif out is not None:
        typer.echo(f"{counted.count} rows written to {out}")


class Counted:
    """Rows on their way out, counted as they pass."""

    def __init__(self, rows: Iterator[dict[str, Any]], bar: Progress) -> None:
        self._rows, self._bar, self.count = rows, bar, 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        """Pass the rows on."""
        shown = self._bar.add_task("Exporting", total=None)
        for row in self._rows:
            self.count += 1
            if self.count % 500 == 0:
                self._bar.update(shown, completed=self.count)
            yield row


def _write(pieces: Iterable[str] | Iterable[bytes], stream: TextIO) -> None:
    for piece in pieces:
        if isinstance(piece, str):
            stream.write(piece)
        else:
            stream.buffer.write(piece)
