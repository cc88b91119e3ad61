"""The hot path on SQLite: the steps of `postgresql`, one by one under the one write lock that BEGIN IMMEDIATE takes.

SQLite changes rows of one table in a statement; a statement costs microseconds, as there is no server to ask. So the
driver is called directly: SQLAlchemy around each of sixteen statements would cost more than all of them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from crowd_hitl.store.hot_path.shapes import BARRED, HELD_MAX, Filled, Place, Taken, Wanted

# May this worker be handed places of this batch now, and how many does it hold?
GATE = f"""
SELECT b.id AS batch_id, o.id AS offer_id, b.lease_seconds, b.price_micros, b.currency, (
  SELECT count(*) FROM (
    SELECT 1 FROM assignment h
    WHERE h.worker_id = :worker_id AND h.batch_id = b.id AND h.state = 'leased' LIMIT {HELD_MAX})) AS held
FROM batch b
JOIN project p ON p.id = b.project_id
JOIN worker w ON w.id = :worker_id AND w.organisation_id = p.organisation_id AND w.state = 'active'
JOIN offer o ON o.batch_id = b.id AND o.channel = 'inhouse'
WHERE b.id = :batch_id AND b.state = 'open'"""

# One step along the index for each priority that has open tasks, the highest first.
LEVEL = """
SELECT max(priority) FROM task
WHERE batch_id = :batch_id AND state = 'open' AND priority < :below"""
BELOW_NONE = 2**62

BOOKMARK = """
SELECT coalesce(max(pos), -1) FROM assignment
WHERE worker_id = :worker_id AND batch_id = :batch_id AND priority = :priority"""

LOOK = """
SELECT t.id, t.item_id, t.question_version_id, t.voice_key, t.priority, t.pos, t.deadline, t.places_left,
       i.key AS item_key, i.text, i.image_key, i.audio_key
FROM task t JOIN item i ON i.id = t.item_id
WHERE t.batch_id = :batch_id AND t.state = 'open' AND t.priority = :priority AND t.pos > :bookmark
  AND (t.deadline IS NULL OR t.deadline > :now)
  AND NOT EXISTS (
    SELECT 1 FROM assignment e WHERE e.voice_key = t.voice_key AND e.worker_id = :worker_id {barring})
ORDER BY t.pos
LIMIT :count"""
# Past the bookmark, nothing this worker ever had to do with.
AHEAD = LOOK.format(barring="")
# Anywhere, also what this worker let go; what it answered it never gets again.
AGAIN = LOOK.format(barring=f"AND e.state IN {BARRED}")

COUNT_DOWN = """
UPDATE task
SET places_left = places_left - 1, state = CASE WHEN places_left = 1 THEN 'full' ELSE 'open' END
WHERE id = :task_id"""
OPEN_SITTING = """
INSERT INTO sitting (offer_id, batch_id, worker_id, state, opened_at)
VALUES (:offer_id, :batch_id, :worker_id, 'open', :now) RETURNING id"""
OPEN_ASSIGNMENT = """
INSERT INTO assignment (sitting_id, task_id, batch_id, worker_id, voice_key, priority, pos, state,
                        leased_at, lease_ends_at)
VALUES (:sitting_id, :task_id, :batch_id, :worker_id, :voice_key, :priority, :pos, 'leased', :now, :lease_ends_at)
RETURNING id"""

HELD = """
SELECT a.id, a.sitting_id, a.task_id, a.batch_id, t.item_id, t.question_version_id,
       b.approval = 'auto' AS pays, b.price_micros, b.fee_micros, b.currency
FROM assignment a JOIN task t ON t.id = a.task_id JOIN batch b ON b.id = a.batch_id
WHERE a.id = :assignment_id AND a.worker_id = :worker_id AND a.state = 'leased'"""
# In a transaction that began with BEGIN IMMEDIATE nobody can come between HELD and these.
ANSWER_ASSIGNMENT = """
UPDATE assignment SET state = CASE WHEN :pays THEN 'approved' ELSE 'submitted' END, ended_at = :now
WHERE id = :assignment_id"""
COUNT_ANSWER = "UPDATE task SET answers_count = answers_count + 1 WHERE id = :task_id"
CLOSE_SITTING = """
UPDATE sitting SET state = CASE WHEN :pays THEN 'settled' ELSE 'submitted' END, submitted_at = :now
WHERE id = :sitting_id"""
KEEP = """
INSERT INTO answer (assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value, client_key,
                    next_ids, seconds, submitted_at)
VALUES (:assignment_id, :batch_id, :task_id, :item_id, :worker_id, :question_version_id, :value, :client_key,
        :next_ids, :seconds, :now) RETURNING id"""

FIND_ACCOUNT = "SELECT id FROM ledger_account WHERE kind = :kind AND ref_id = :ref_id AND currency = :currency"
OPEN_ACCOUNT = "INSERT INTO ledger_account (kind, ref_id, currency) VALUES (:kind, :ref_id, :currency) RETURNING id"
PAY = """
INSERT INTO transfer (kind, from_id, to_id, amount_micros, currency, batch_id, sitting_id, created_at)
VALUES (:kind, :from_id, :to_id, :amount_micros, :currency, :batch_id, :sitting_id, :now)"""

PLACES = """
SELECT a.id, a.task_id, a.batch_id, t.question_version_id, i.id, i.key, i.text, i.image_key, i.audio_key,
       a.leased_at, a.lease_ends_at, b.price_micros, b.currency
FROM assignment a
JOIN task t ON t.id = a.task_id JOIN item i ON i.id = t.item_id JOIN batch b ON b.id = a.batch_id
WHERE a.id = :assignment_id"""


def lease(connection: Connection, wanted: Wanted) -> list[Place]:
    """Lease the next open places; rows are never locked one by one here, so `wait` changes nothing."""
    with _driver(connection) as driver:
        return _lease(driver, wanted)


def fill(connection: Connection, filled: Filled) -> Taken | None:
    """Write an answer and lease the next places."""
    with _driver(connection) as driver:
        return _fill(driver, filled)


def places(connection: Connection, assignment_ids: list[int]) -> list[Place]:
    """Show assignments with their items, in the order of the ids."""
    shown = []
    with _driver(connection) as driver:
        for assignment_id in assignment_ids:
            row = driver.execute(PLACES, {"assignment_id": assignment_id}).fetchone()
            shown.append(Place(*row)._replace(leased_at=_read(row[9]), lease_ends_at=_read(row[10])))
    return shown


def _lease(driver: sqlite3.Connection, wanted: Wanted) -> list[Place]:
    asked = {"batch_id": wanted.batch_id, "worker_id": wanted.worker_id, "now": _written(wanted.now)}
    gate = _row(driver, GATE, asked)
    if gate is None:
        return []
    count = min(wanted.places, HELD_MAX - gate["held"])
    if count <= 0:
        return []
    tasks = list(_look(driver, AHEAD, asked, count=count)) or list(_look(driver, AGAIN, asked, count=count))
    return [_lease_one(driver, task, gate, wanted) for task in tasks]


def _fill(driver: sqlite3.Connection, filled: Filled) -> Taken | None:
    asked = {"assignment_id": filled.assignment_id, "worker_id": filled.worker_id, "now": _written(filled.now)}
    held = _row(driver, HELD, asked)
    if held is None:
        return None
    known = {**held, **asked}
    for statement in (ANSWER_ASSIGNMENT, COUNT_ANSWER, CLOSE_SITTING):
        driver.execute(statement, known)
    if held["pays"]:
        _pay(driver, known)
    fresh: list[Place] = []
    if filled.next_count:
        fresh = _lease(driver, Wanted(held["batch_id"], filled.worker_id, filled.next_count, filled.now))
    kept = {
        **known,
        "value": json.dumps(filled.value),
        "client_key": filled.client_key,
        "seconds": filled.seconds,
        "next_ids": json.dumps([place.assignment_id for place in fresh]),
    }
    answer_id = driver.execute(KEEP, kept).fetchone()[0]
    return Taken(answer_id, held["price_micros"], held["currency"], fresh)


def _look(
    driver: sqlite3.Connection, look: str, asked: Mapping[str, Any], *, count: int
) -> Iterator[Mapping[str, Any]]:
    """Walk the levels from the highest priority down and yield at most `count` tasks."""
    below = BELOW_NONE
    while count > 0:
        priority = driver.execute(LEVEL, {**asked, "below": below}).fetchone()[0]
        if priority is None:
            return
        level = {**asked, "priority": priority, "count": count, "bookmark": -1}
        if look is AHEAD:
            level["bookmark"] = driver.execute(BOOKMARK, level).fetchone()[0]
        found = driver.execute(look, level).fetchall()
        yield from found
        count -= len(found)
        below = priority


def _lease_one(driver: sqlite3.Connection, task: Mapping[str, Any], gate: Mapping[str, Any], wanted: Wanted) -> Place:
    ends = wanted.now + timedelta(seconds=gate["lease_seconds"])
    if task["deadline"] is not None:
        ends = min(ends, _read(task["deadline"]))
    known = {**task, **gate, "worker_id": wanted.worker_id, "now": _written(wanted.now), "task_id": task["id"]}
    driver.execute(COUNT_DOWN, known)
    known["sitting_id"] = driver.execute(OPEN_SITTING, known).fetchone()[0]
    known["lease_ends_at"] = _written(ends)
    return Place(
        assignment_id=driver.execute(OPEN_ASSIGNMENT, known).fetchone()[0],
        task_id=task["id"],
        batch_id=gate["batch_id"],
        question_version_id=task["question_version_id"],
        item_id=task["item_id"],
        item_key=task["item_key"],
        text=task["text"],
        image_key=task["image_key"],
        audio_key=task["audio_key"],
        leased_at=wanted.now,
        lease_ends_at=ends,
        price_micros=gate["price_micros"],
        currency=gate["currency"],
    )


def _pay(driver: sqlite3.Connection, known: Mapping[str, Any]) -> None:
    """Move pay and fee out of what the batch holds."""
    currency = known["currency"]
    source = _account(driver, "batch", known["batch_id"], currency)
    shares = (
        ("pay", "worker", known["worker_id"], known["price_micros"]),
        ("fee", "fee", known["batch_id"], known["fee_micros"]),
    )
    for kind, to_kind, ref_id, amount_micros in shares:
        if amount_micros:
            target = _account(driver, to_kind, ref_id, currency)
            move = {**known, "kind": kind, "from_id": source, "to_id": target, "amount_micros": amount_micros}
            driver.execute(PAY, move)


def _account(driver: sqlite3.Connection, kind: str, ref_id: int, currency: str) -> int:
    """Find a ledger account, opening it at its first use."""
    key = {"kind": kind, "ref_id": ref_id, "currency": currency}
    found = driver.execute(FIND_ACCOUNT, key).fetchone() or driver.execute(OPEN_ACCOUNT, key).fetchone()
    account_id: int = found[0]
    return account_id


def _row(driver: sqlite3.Connection, statement: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    found = driver.execute(statement, values).fetchone()
    return None if found is None else dict(found)


@contextmanager
def _driver(connection: Connection) -> Iterator[sqlite3.Connection]:
    """Give the driver's connection; what it raises leaves as SQLAlchemy's error, which the unit of work knows."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    usual, driver.row_factory = driver.row_factory, sqlite3.Row
    try:
        yield driver
    except sqlite3.Error as error:
        raise DBAPIError.instance("hot path", None, error, sqlite3.Error) from error
    finally:
        driver.row_factory = usual


def _written(moment: datetime) -> str:
    """Write a moment as SQLAlchemy does, so that texts compare as moments."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
