"""Sending what the outbox holds: claimed in one unit of work, sent in none, settled in another."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import CrowdError
from crowd_hitl.store.money_rows import OutboxRow
from crowd_hitl.store.unit_of_work import UnitOfWork

# A handler sends one payload under its business key (the idempotency token) and raises a CrowdError when it could not.
Handler = Callable[[str, Mapping[str, Any]], None]
DUE, SENDING, DONE, PARKED = "due", "sending", "done", "parked"
# After this long a claimed row is taken for lost, with the process that claimed it, and is sent again.
SENDING_SECONDS = 300
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10, 3600
ATTEMPTS_MAX = 12


@dataclass(frozen=True)
class Call:
    """One claimed row of the outbox."""

    id: int
    kind: str
    business_key: str
    payload: Mapping[str, Any]


def drain(uow: UnitOfWork, *, handlers: Mapping[str, Handler], limit: int = 100) -> dict[str, int]:
    """Send what is due, the oldest first; count what was done, will be tried again, or is parked.

    A kind that nobody handles is parked at once, with the reason: it waits for a person, not for a retry.
    """
    counts: Counter[str] = Counter()
    for call in uow.run(claim_due, limit=limit):
        handler = handlers.get(call.kind)
        if handler is None:
            error = f"No handler is installed for '{call.kind}'. Known: {', '.join(sorted(handlers)) or 'none'}."
            counts[uow.run(settle, row_id=call.id, error=error, final=True)] += 1
            continue
        try:
            handler(call.business_key, call.payload)
        except CrowdError as failed:
            counts[uow.run(settle, row_id=call.id, error=str(failed))] += 1
        else:
            counts[uow.run(settle, row_id=call.id, error=None)] += 1
    return dict(counts)


def has_due(session: Session, *, now: datetime) -> bool:
    """Say whether anything is to be sent now."""
    due = exists().where(OutboxRow.state.in_([DUE, SENDING]), OutboxRow.due_at <= now)
    return bool(session.scalar(select(due)))


def claim_due(session: Session, *, limit: int, now: datetime) -> Sequence[Call]:
    """Mark the due rows as being sent, so that no other process sends them meanwhile."""
    rows = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.state.in_([DUE, SENDING]), OutboxRow.due_at <= now)
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(limit)
        .with_for_update(key_share=True, skip_locked=True)
    ).all()
    for row in rows:
        row.state, row.due_at = SENDING, now + timedelta(seconds=SENDING_SECONDS)
        row.attempts = OutboxRow.attempts + 1
    session.flush()
    return [Call(id=row.id, kind=row.kind, business_key=row.business_key, payload=row.payload) for row in rows]


def settle(session: Session, *, row_id: int, error: str | None, now: datetime, final: bool = False) -> str:
    """Write down how sending went, and return the row's new state: done, due again after a pause, or parked."""
    row = session.scalars(select(OutboxRow).where(OutboxRow.id == row_id).with_for_update(key_share=True)).one()
    row.last_error = error
    if error is None:
        row.state, row.done_at = DONE, now
    elif final or row.attempts >= ATTEMPTS_MAX:
        row.state = PARKED
    else:
        row.state, row.due_at = DUE, now + timedelta(seconds=pause_seconds(row.attempts))
    session.flush()
    return row.state


def pause_seconds(attempts: int) -> int:
    """Double the pause after every failure, up to an hour."""
    return int(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempts - 1)))
