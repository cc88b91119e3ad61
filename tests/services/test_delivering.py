"""The outbox is drained: sent once, tried again after a pause, parked when it is hopeless."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.services.delivering import ATTEMPTS_MAX, SENDING_SECONDS, claim_due, drain, pause_seconds, settle
from crowd_hitl.store.money_rows import OutboxRow
from crowd_hitl.store.unit_of_work import UnitOfWork

PAST = datetime(2026, 1, 1, tzinfo=UTC)


def put_in(session: Session, *, kind: str = "mail", key: str = "k1", attempts: int = 0) -> int:
    row = OutboxRow(
        kind=kind,
        business_key=key,
        payload={"to": "mara"},
        state="due",
        attempts=attempts,
        due_at=PAST,
        created_at=PAST,
    )
    session.add(row)
    session.flush()
    return row.id


def outbox(unit_of_work: UnitOfWork) -> OutboxRow:
    with unit_of_work.reading() as session:
        return session.scalars(select(OutboxRow)).one()


def test_what_is_due_is_sent_once_under_its_key(unit_of_work: UnitOfWork) -> None:
    unit_of_work.run(put_in)
    sent: list[tuple[str, Mapping[str, Any]]] = []
    handlers = {"mail": lambda key, payload: sent.append((key, payload))}
    assert drain(unit_of_work, handlers=handlers) == {"done": 1}
    assert drain(unit_of_work, handlers=handlers) == {}
    assert sent == [("k1", {"to": "mara"})]
    assert outbox(unit_of_work).done_at is not None


def test_what_fails_is_due_again_after_a_growing_pause(unit_of_work: UnitOfWork) -> None:
    def fail(key: str, payload: Mapping[str, Any]) -> None:
        raise Unusable("The mail server is away.")

    unit_of_work.run(put_in)
    assert drain(unit_of_work, handlers={"mail": fail}) == {"due": 1}
    row = outbox(unit_of_work)
    assert (row.attempts, row.last_error) == (1, "The mail server is away.")
    assert row.due_at > datetime(2026, 1, 2, tzinfo=UTC)
    assert drain(unit_of_work, handlers={"mail": fail}) == {}
    assert [pause_seconds(attempts) for attempts in (1, 2, 3, 12)] == [10, 20, 40, 3600]


def test_what_failed_too_often_or_has_no_handler_is_parked(unit_of_work: UnitOfWork) -> None:
    row_id = unit_of_work.run(put_in, attempts=ATTEMPTS_MAX)
    assert unit_of_work.run(settle, row_id=row_id, error="still away") == "parked"
    unit_of_work.run(put_in, kind="fax", key="k2")
    assert drain(unit_of_work, handlers={}) == {"parked": 1}
    with unit_of_work.reading() as session:
        fax = session.scalars(select(OutboxRow).where(OutboxRow.kind == "fax")).one()
    assert fax.last_error == "No handler is installed for 'fax'. Known: none."


def test_a_handler_with_a_bug_leaves_its_row_to_be_sent_again(unit_of_work: UnitOfWork) -> None:
    def broken(key: str, payload: Mapping[str, Any]) -> None:
        raise KeyError("to")

    unit_of_work.run(put_in)
    with pytest.raises(KeyError):
        drain(unit_of_work, handlers={"mail": broken})
    row = outbox(unit_of_work)
    assert row.state == "sending"
    later = row.due_at + timedelta(seconds=1)
    assert later > PAST + timedelta(seconds=SENDING_SECONDS)
    assert [call.business_key for call in unit_of_work.run(claim_due, limit=10, now=later)] == ["k1"]
