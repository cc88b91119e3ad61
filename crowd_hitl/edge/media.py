"""Serves images and recordings of items to requesters and to workers who were given them, never as anything active."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

from flask import Blueprint, Response, request
from sqlalchemy import exists, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from crowd_hitl.domain.accounts import Actor
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.media import HEAD_BYTES, media_type
from crowd_hitl.domain.ports import Question
from crowd_hitl.edge.auth import EVERYBODY, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.showing import is_shown
from crowd_hitl.store.project_rows import ItemRow, ProjectRow
from crowd_hitl.store.work_rows import AssignmentRow, TaskRow

media = Blueprint("media", __name__, url_prefix="/media")

PIECE_BYTES = 256 * 1024
NO_MEDIA = "There is no such image or recording."


def image_url(item_id: int) -> str:
    """Return where the image of this item is served."""
    return f"/media/items/{item_id}"


def audio_url(item_id: int) -> str:
    """Return where the recording of this item is served."""
    return f"/media/items/{item_id}/audio"


@media.get("/items/<int:item_id>")
@allow(*EVERYBODY)
def item_image(item_id: int) -> Response:
    """Serve one item's image."""
    return _served(ItemRow.image_key, item_id=item_id, address=image_url(item_id), kind="image/")


@media.get("/items/<int:item_id>/audio")
@allow(*EVERYBODY)
def item_audio(item_id: int) -> Response:
    """Serve one item's recording, or the part of it that a player asks for."""
    return _served(ItemRow.audio_key, item_id=item_id, address=audio_url(item_id), kind="audio/")


@dataclass(frozen=True)
class Wanted:
    """An item's image or recording, and the address under which it was asked for."""

    column: InstrumentedAttribute[str | None]
    item_id: int
    address: str


def media_key_for(session: Session, *, wanted: Wanted, actor: Actor, questions: Mapping[str, Question]) -> str:
    """Return the storage key of an item's image or recording; NotFound when it is none of this actor's business.

    Of a worker's business are the items that were given to them, and what those that they hold now show by address.
    """
    query = select(wanted.column).join(ProjectRow, ProjectRow.id == ItemRow.project_id)
    query = query.where(ItemRow.id == wanted.item_id, ProjectRow.organisation_id == actor.organisation_id)
    if not actor.manages:
        given = exists().where(
            TaskRow.item_id == ItemRow.id,
            AssignmentRow.voice_key == TaskRow.voice_key,
            AssignmentRow.task_id == TaskRow.id,
            AssignmentRow.worker_id == actor.worker_id,
        )
        key = session.scalars(query.where(given)).first()
        if key is not None:
            return key
        if actor.worker_id is None or not is_shown(
            session, worker_id=actor.worker_id, value=wanted.address, questions=questions
        ):
            raise NotFound(NO_MEDIA)
    key = session.scalars(query).first()
    if key is None:
        raise NotFound(NO_MEDIA)
    return key


def _served(column: InstrumentedAttribute[str | None], *, item_id: int, address: str, kind: str) -> Response:
    house = current_house()
    wanted = Wanted(column=column, item_id=item_id, address=address)
    questions = house.plugins.questions
    key = house.uow.read(media_key_for, wanted=wanted, actor=current_actor(), questions=questions)
    stream = house.storage.open(key)
    found = media_type(stream.read(HEAD_BYTES))
    if found is None or not found.startswith(kind):
        stream.close()
        raise NotFound(NO_MEDIA)
    size = stream.seek(0, SEEK_END)
    stream.seek(0)
    response = Response(_pieces(stream), mimetype=found)
    response.content_length = size
    response.headers["Content-Disposition"] = "inline"
    # What an item shows never changes; "private" keeps it out of caches that people share.
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    # A player jumps to and fro: it gets the bytes it asks for.
    response.make_conditional(request, accept_ranges=True, complete_length=size)
    return response


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    with closing(stream):
        while piece := stream.read(PIECE_BYTES):
            yield piece
