"""Serves the images of items: to their requesters and to workers who were given them, never as anything active."""

from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from flask import Blueprint, Response
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.accounts import Actor
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.edge.auth import EVERYBODY, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.store.project_rows import ItemRow, ProjectRow
from crowd_hitl.store.work_rows import AssignmentRow, TaskRow

media = Blueprint("media", __name__, url_prefix="/media")

PIECE_BYTES = 256 * 1024
NO_IMAGE = "There is no such image."


def image_url(item_id: int) -> str:
    """Return where the image of this item is served."""
    return f"/media/items/{item_id}"


@media.get("/items/<int:item_id>")
@allow(*EVERYBODY)
def item_image(item_id: int) -> Response:
    """Serve one item's image."""
    house = current_house()
    key = house.uow.read(image_key_for, item_id=item_id, actor=current_actor())
    stream = house.storage.open(key)
    head = stream.read(PIECE_BYTES)
    kind = image_type(head)
    if kind is None:
        stream.close()
        raise NotFound(NO_IMAGE)
    if len(head) < PIECE_BYTES:
        stream.close()
        response = Response(head, mimetype=kind)
    else:
        response = Response(_rest(head, stream=stream), mimetype=kind)
    response.headers["Content-Disposition"] = "inline"
    # An item's image never changes; "private" keeps it out of caches that people share.
    response.headers["Cache-Control"] = "private, max-age=3600"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return response


def image_key_for(session: Session, *, item_id: int, actor: Actor) -> str:
    """Return the storage key of an item's image; NotFound when it has none or is none of this actor's business."""
    query = select(ItemRow.image_key).join(ProjectRow, ProjectRow.id == ItemRow.project_id)
    query = query.where(ItemRow.id == item_id, ProjectRow.organisation_id == actor.organisation_id)
    if not actor.manages:
        given = exists().where(
            TaskRow.item_id == ItemRow.id,
            AssignmentRow.voice_key == TaskRow.voice_key,
            AssignmentRow.task_id == TaskRow.id,
            AssignmentRow.worker_id == actor.worker_id,
        )
        query = query.where(given)
    key = session.scalars(query).first()
    if key is None:
        raise NotFound(NO_IMAGE)
    return key


def image_type(head: bytes) -> str | None:
    """Name the media type by the first bytes; None for all but PNG, JPEG, GIF and WebP (an SVG can hold a script)."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


def _rest(head: bytes, *, stream: BinaryIO) -> Iterator[bytes]:
    with closing(stream):
        yield head
        while piece := stream.read(PIECE_BYTES):
            yield piece
