"""The Idempotency-Key header: a request that is sent twice under one key is done once."""

import hashlib
from datetime import datetime
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import KeyReused, bad_field
from crowd_hitl.store.money_rows import OutboxRow

HEADER = "Idempotency-Key"
KEY_CHARACTERS_MAX = 100
KIND = "done_once"

KEY_PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "A key of your own; the same key again gets the same result and changes nothing.",
    "schema": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS_MAX, "pattern": "^[!-~]+$"},
}


def idempotency_key() -> str | None:
    """Return the request's key; BadInput when it is not 1 to 100 printable ASCII characters without spaces."""
    key = request.headers.get(HEADER)
    if key is None:
        return None
    printable = all("!" <= letter <= "~" for letter in key)
    if not 1 <= len(key) <= KEY_CHARACTERS_MAX or not printable:
        expected = f"1 to {KEY_CHARACTERS_MAX} printable ASCII characters without spaces"
        raise bad_field(HEADER, expected=expected, found=key)
    return key


def done_before(session: Session, *, name: str, asked: object) -> int | None:
    """Return the id of what this key made before, None if it is new; KeyReused if it asked for something else."""
    noted = session.scalars(select(OutboxRow).where(OutboxRow.business_key == _stored(name))).first()
    if noted is None:
        return None
    if noted.payload["asked"] != _digest(asked):
        raise KeyReused("This Idempotency-Key named another request before. Use a new key for a new request.")
    return int(noted.payload["made_id"])


def note_done(session: Session, *, name: str, asked: object, made_id: int, now: datetime) -> None:
    """Note under this key what was made. The row's unique key lets only one of two racing requests through."""
    row = OutboxRow(
        kind=KIND,
        business_key=_stored(name),
        payload={"asked": _digest(asked), "made_id": made_id},
        # There is nothing to send: it is done with the transaction that writes it.
        state="done",
        due_at=now,
        created_at=now,
        done_at=now,
    )
    session.add(row)
    session.flush()


def _stored(name: str) -> str:
    return f"{KIND}:{name}"


def _digest(asked: object) -> str:
    return hashlib.sha256(repr(asked).encode("utf-8", "surrogatepass")).hexdigest()
