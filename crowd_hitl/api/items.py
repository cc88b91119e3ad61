"""Items: sent as a stream of rows, read page by page."""

import io
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from apiflask import APIBlueprint
from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.exceptions import UnsupportedMediaType

from crowd_hitl.api.describing import takes_upload
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.problems import WrongField
from crowd_hitl.api.schemas.projects import ImportOut, ImportQuery, ItemOut, ItemsOut
from crowd_hitl.api.scoping import project_here
from crowd_hitl.domain.errors import BadInput, FieldProblem
from crowd_hitl.domain.items import ImportReport, ItemRecord
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.media import audio_url, image_url
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.reading_gold import gold_rule
from crowd_hitl.services.reporting.pages import first_rows, id_after
from crowd_hitl.store.project_rows import ItemRow, ProjectRow

items = APIBlueprint("items", __name__, url_prefix="/api/v1", tag="Projects")

JSON = "application/json"
PARQUET = "application/vnd.apache.parquet"
FORMATS = {"application/jsonl": "jsonl", "application/x-ndjson": "jsonl", "text/csv": "csv", PARQUET: "parquet"}
LINES: dict[str, Any] = {"schema": {"type": "string"}}
BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
ROWS: dict[str, Any] = {
    "schema": {"type": "array", "items": {"type": "object"}},
    "example": [{"key": "a1", "text": "A cat asleep."}, {"key": "a2", "text": "A dog.", "gold": "dog"}],
}
BUFFER_BYTES = 256 * 1024


@items.post("/projects/<slug>/items")
@allow(*MANAGERS)
@items.input(ImportQuery, location="query", arg_name="how")
@takes_upload({"application/jsonl": LINES, "text/csv": LINES, PARQUET: BYTES, JSON: ROWS})
@items.output(ImportOut)
def send_items(slug: str, *, how: ImportQuery) -> ImportOut:
    """Import items from JSON Lines, CSV, Parquet or a JSON list; bad rows are reported, the good ones go in.

    A key that is there already adds nothing, so a broken transfer can be sent again as it was.
    """
    house = current_house()
    project = project_here(slug)
    version = house.uow.read(newest_question, project_id=project.id)
    question = house.plugins.questions[version.kind]
    report = import_items(
        house.uow,
        project_id=project.id,
        records=_records(),
        gold=gold_rule(question, version.spec),
        media=MediaIntake(storage=house.storage, fetch=house.fetch, bucket=house.bucket, link=how.link),
    )
    return _report_out(report)


@items.get("/projects/<slug>/items")
@allow(*MANAGERS)
@items.input(PageQuery, location="query", arg_name="page")
@items.output(ItemsOut)
def list_items(slug: str, *, page: PageQuery) -> ItemsOut:
    """List a project's items in the order they came."""
    return current_house().uow.read(_page_of_items, project=project_here(slug), page=page)


def _records() -> Iterator[ItemRecord | FieldProblem]:
    formats = current_house().plugins.formats
    kind = request.mimetype
    if kind == JSON:
        return formats["jsonl"].read(_list_as_lines())
    if FORMATS.get(kind) not in formats:
        raise UnsupportedMediaType(f"Send items as {', '.join((*FORMATS, JSON))}; '{kind[:80]}' is not taken.")
    # Buffered: the raw stream would be read byte by byte in search of a line's end.
    stream = io.BufferedReader(cast(io.RawIOBase, request.stream), buffer_size=BUFFER_BYTES)
    return formats[FORMATS[kind]].read(cast(BinaryIO, stream))


def _list_as_lines() -> BinaryIO:
    """Read a JSON list, which must be held whole and so may only be as large as any JSON body."""
    request.max_content_length = current_house().settings.max_body_bytes
    try:
        rows = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        raise BadInput(f"The body is not valid JSON: {error}.") from error
    if not isinstance(rows, list):
        raise BadInput('Expected a JSON list of rows such as [{"key": "a1", "text": "…"}].')
    return io.BytesIO("\n".join(json.dumps(row) for row in rows).encode())


def _report_out(report: ImportReport) -> ImportOut:
    return ImportOut(
        rows=report.rows,
        added=report.added,
        already_there=report.already_there,
        gold=report.gold,
        bad_rows=report.bad_rows,
        bad=[WrongField.model_validate(problem) for problem in report.bad],
    )


def _page_of_items(session: Session, *, project: ProjectRow, page: PageQuery) -> ItemsOut:
    query = select(ItemRow).where(ItemRow.project_id == project.id, ItemRow.id > (id_after(page.after) or 0))
    found = session.scalars(query.order_by(ItemRow.id).limit(page.limit + 1)).all()
    rows, more = first_rows(found, limit=page.limit)
    shown = [
        ItemOut(
            id=row.id,
            key=row.key,
            text=row.text,
            image_url=image_url(row.id) if row.image_key else None,
            audio_url=audio_url(row.id) if row.audio_key else None,
            data=row.data,
            created_at=row.created_at,
        )
        for row in rows
    ]
    return ItemsOut(items=shown, after=str(rows[-1].id) if more else None)
