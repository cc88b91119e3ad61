"""Labels: read page by page with their votes, or taken out as a stream."""

from collections.abc import Iterator
from typing import Any

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy.orm import Session

from crowd_hitl.api.describing import gives
from crowd_hitl.api.schemas.labels import ExportQuery, LabelOut, LabelsOut, LabelsQuery, VoteOut
from crowd_hitl.api.scoping import project_here
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.domain.ports import LabelFormat
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.media import image_url
from crowd_hitl.services.exporting import label_rows
from crowd_hitl.services.reporting.labels import LabelFilter, LabelLine, list_labels
from crowd_hitl.services.reporting.projects import project_head
from crowd_hitl.store.unit_of_work import UnitOfWork

labels = APIBlueprint("labels", __name__, url_prefix="/api/v1", tag="Labels")

MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


@labels.get("/projects/<slug>/labels")
@allow(*MANAGERS)
@labels.input(LabelsQuery, location="query", arg_name="wanted")
@labels.output(LabelsOut)
def show_labels(slug: str, *, wanted: LabelsQuery) -> LabelsOut:
    """List current labels with their votes and cost; narrow them by source or confidence."""
    organisation_id = current_actor().organisation_id
    return current_house().uow.read(_page_of_labels, organisation_id=organisation_id, slug=slug, wanted=wanted)


@labels.get("/projects/<slug>/labels/export")
@allow(*MANAGERS)
@gives(*MEDIA_TYPES.values())
@labels.input(ExportQuery, location="query", arg_name="wanted")
def export_labels(slug: str, *, wanted: ExportQuery) -> Response:
    """Take all current labels out as one stream."""
    house = current_house()
    project = project_here(slug)
    form = house.plugins.label_formats.get(wanted.format)
    if form is None:
        expected = "one of " + ", ".join(sorted(house.plugins.label_formats))
        raise bad_field("format", expected=expected, found=wanted.format)
    response = Response(
        _stream(house.uow, project_id=project.id, form=form),
        mimetype=MEDIA_TYPES.get(wanted.format, "text/plain"),
    )
    name = f"{project.slug}-labels.{form.suffix.lstrip('.')}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _stream(uow: UnitOfWork, *, project_id: int, form: LabelFormat) -> Iterator[bytes]:
    with uow.reading() as session:
        for piece in form.write(label_rows(session, project_id=project_id)):
            yield piece.encode() if isinstance(piece, str) else piece


def _page_of_labels(session: Session, *, organisation_id: int, slug: str, wanted: LabelsQuery) -> LabelsOut:
    project = project_head(session, organisation_id=organisation_id, slug=slug)
    narrowed = LabelFilter(source=wanted.source, below=wanted.below)
    found = list_labels(session, project=project, wanted=narrowed, after=wanted.after, limit=wanted.limit)
    return LabelsOut(labels=[_shown(line, field=project.field) for line in found.rows], after=found.after)


def _shown(line: LabelLine, *, field: str) -> LabelOut:
    votes: list[Any] = [VoteOut.model_validate(vote, from_attributes=True) for vote in line.votes]
    return LabelOut(
        id=line.id,
        item_id=line.item_id,
        key=line.key,
        text=line.text,
        image_url=image_url(line.item_id) if line.image_key else None,
        field=field,
        value=line.value,
        confidence=line.confidence,
        source=line.source,
        version=line.version,
        cost=units(line.cost_micros),
        votes=votes,
    )
