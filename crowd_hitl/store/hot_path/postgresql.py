"""The hot path on PostgreSQL: one statement takes an answer, pays for it and leases the next places.

A statement is a transaction by itself, so nothing is held while the client is far away. `postgresql_texts` has them.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.numeric import Int4, Int8
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from crowd_hitl.store.hot_path import postgresql_texts as texts
from crowd_hitl.store.hot_path.shapes import Filled, PageFilled, PageTaken, Place, Taken, Wanted

# Settings of connections that run nothing else. Planned while the tables were small, these statements would scan
# them for ever after; planned at each run, planning would cost more than running. tests/store/test_plans.py holds
# which indexes they go by.
CONNECTION_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "plan_cache_mode=force_generic_plan",
        "enable_seqscan=off",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
        "enable_material=off",
        "enable_bitmapscan=off",
        "join_collapse_limit=1",
        "jit=off",
    )
)

# What each parameter is; the server is told, so that it need not guess.
TYPES = {
    "assignment_id": "bigint",
    "assignment_ids": "bigint[]",
    "batch_id": "bigint",
    "client_key": "varchar",
    "client_keys": "varchar[]",
    "count": "integer",
    "ids": "bigint[]",
    "in_service": "boolean",
    "letting_go": "integer",
    "now": "timestamptz",
    "seconds": "double precision",
    "seconds_each": "double precision[]",
    "sitting_id": "bigint",
    "task_ids": "bigint[]",
    "value": "json",
    "values": "json[]",
    "worker_id": "bigint",
}


class Numbered:
    """A statement as the server takes it, $1, $2, …, each with its type; made once, as the driver would at each run."""

    def __init__(self, text: str) -> None:
        self.names: list[str] = []
        self.text = re.sub(r"%\((\w+)\)s", self._number, text).encode()

    def _number(self, found: re.Match[str]) -> str:
        name = found[1]
        if name not in self.names:
            self.names.append(name)
        return f"${self.names.index(name) + 1}::{TYPES[name]}"


LEASE_AHEAD, LEASE_THESE = Numbered(texts.LEASE_AHEAD), Numbered(texts.LEASE_THESE)
LEASE_DRAWN = Numbered(texts.LEASE_DRAWN)
FILL, FILL_PAGE = Numbered(texts.FILL), Numbered(texts.FILL_PAGE)
PLACES = Numbered(texts.PLACES)
# So many columns say what was taken, the others what was leased with it.
SAID = 4


def lease(connection: Connection, wanted: Wanted) -> list[Place]:
    """Lease the next open places past the worker's bookmark, passing by what others hold locked."""
    return [Place(*row) for row in _rows(connection, LEASE_AHEAD, _wanted(wanted))]


def lease_these(connection: Connection, wanted: Wanted, *, task_ids: Sequence[int]) -> list[Place]:
    """Lease places of these tasks, waiting for what others hold locked."""
    values = {**_wanted(wanted), "task_ids": [Int8(id_) for id_ in task_ids]}
    return [Place(*row) for row in _rows(connection, LEASE_THESE, values)]


def lease_drawn(connection: Connection, wanted: Wanted, *, task_ids: Sequence[int]) -> list[Place]:
    """Lease places of these tasks, passing by what others hold locked, and beside them what lies ahead."""
    values = {**_wanted(wanted), "task_ids": [Int8(id_) for id_ in task_ids]}
    return [Place(*row) for row in _rows(connection, LEASE_DRAWN, values)]


def fill(connection: Connection, filled: Filled) -> Taken | None:
    """Write an answer and lease the next places."""
    values = {
        "assignment_id": Int8(filled.assignment_id),
        "worker_id": Int8(filled.worker_id),
        "value": json.dumps(filled.value),
        "client_key": filled.client_key,
        "seconds": filled.seconds,
        "count": Int4(filled.next_count),
        # the snapshot still shows the answered place as held
        "letting_go": Int4(1),
        "in_service": filled.in_service,
        "now": filled.now,
    }
    found = _rows(connection, FILL, values)
    if not found:
        return None
    answer_id, earned_micros, currency, full_in = found[0][:SAID]
    return Taken(answer_id, earned_micros, currency, full_in, _leased(found))


def fill_page(connection: Connection, filled: PageFilled) -> PageTaken | None:
    """Write the answers of a whole page and lease the next page."""
    answers = filled.answers
    values = {
        "sitting_id": Int8(filled.sitting_id),
        "worker_id": Int8(filled.worker_id),
        "assignment_ids": [Int8(answer.assignment_id) for answer in answers],
        "values": [json.dumps(answer.value) for answer in answers],
        "client_keys": [answer.client_key for answer in answers],
        "seconds_each": [answer.seconds for answer in answers],
        "count": Int4(filled.next_count),
        "letting_go": Int4(len(answers)),
        "in_service": False,
        "now": filled.now,
    }
    found = _rows(connection, FILL_PAGE, values)
    if not found:
        return None
    answer_ids, earned_micros, currency, full_in = found[0][:SAID]
    by_assignment = {int(key): value for key, value in answer_ids.items()}
    return PageTaken(by_assignment, earned_micros, currency, full_in, _leased(found))


def places(connection: Connection, assignment_ids: list[int]) -> list[Place]:
    """Show assignments with their items, in the order of the ids."""
    found = {row[0]: Place(*row) for row in _rows(connection, PLACES, {"ids": [Int8(id_) for id_ in assignment_ids]})}
    return [found[assignment_id] for assignment_id in assignment_ids if assignment_id in found]


def _leased(rows: Sequence[Any]) -> list[Place]:
    return [Place(*row[SAID:]) for row in rows if row[SAID] is not None]


def _wanted(wanted: Wanted) -> dict[str, Any]:
    return {
        "batch_id": Int8(wanted.batch_id),
        "worker_id": Int8(wanted.worker_id),
        "count": Int4(wanted.places),
        "letting_go": Int4(0),
        "in_service": wanted.in_service,
        "now": wanted.now,
    }


def _rows(connection: Connection, statement: Numbered, values: dict[str, Any]) -> Sequence[Any]:
    """Run a statement on the driver itself; its errors leave as SQLAlchemy's, which the unit of work knows."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    try:
        with psycopg.RawCursor(driver) as cursor:
            return cursor.execute(statement.text, [values[name] for name in statement.names]).fetchall()
    except psycopg.Error as error:
        if driver.closed:
            connection.invalidate()
        raise DBAPIError.instance(
            "hot path", None, error, psycopg.Error, connection_invalidated=driver.closed
        ) from error
