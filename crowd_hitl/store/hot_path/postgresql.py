"""The hot path on PostgreSQL: one statement takes an answer, pays for it and leases the next places.

A statement is a transaction by itself, so nothing is held while the client is far away. Its parts see one snapshot;
each row they change is locked and read anew first, and the counters are counted in SQL under their CHECKs.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.numeric import Int4, Int8
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from crowd_hitl.store.hot_path.shapes import BARRED, HELD_MAX, Filled, Place, Taken, Wanted

# Settings of connections that run nothing else. Planned while the tables were small, these statements would scan
# them for ever after; planned at each run, planning would cost more than running.
CONNECTION_OPTIONS = " ".join(
    f"-c {setting}"
    for setting in (
        "plan_cache_mode=force_generic_plan",
        "enable_seqscan=off",
        "enable_hashjoin=off",
        "enable_mergejoin=off",
        "enable_material=off",
        "jit=off",
    )
)

# May this worker be handed places of this batch now, and how many beside those held?
GATE = f"""
gate AS MATERIALIZED (
  SELECT b.id AS batch_id, o.id AS offer_id, b.lease_seconds, b.price_micros, b.currency,
         greatest(0, least(%(count)s, {HELD_MAX} + %(letting_go)s - (
           SELECT count(*) FROM assignment h
           WHERE h.worker_id = %(worker_id)s AND h.batch_id = b.id AND h.state = 'leased'))) AS places
  FROM batch b JOIN offer o ON o.batch_id = b.id AND o.channel = 'inhouse'
  WHERE b.id = {{batch}} AND b.state = 'open'
    AND (SELECT w.organisation_id FROM worker w WHERE w.id = %(worker_id)s AND w.state = 'active')
      = (SELECT p.organisation_id FROM project p WHERE p.id = b.project_id)
)"""

# The priorities that have open tasks, the highest first: one step along the index for each.
LEVELS = """
levels(priority) AS (
  SELECT (SELECT max(t.priority) FROM task t WHERE t.batch_id = gate.batch_id AND t.state = 'open')
  FROM gate WHERE gate.places > 0
  UNION ALL
  SELECT (SELECT max(t.priority) FROM task t
          WHERE t.batch_id = (SELECT batch_id FROM gate) AND t.state = 'open' AND t.priority < l.priority)
  FROM levels l WHERE l.priority IS NOT NULL
)"""

# Level by level, the first open tasks that no earlier assignment keeps this worker from. The rows come out in the
# order of the levels and positions; LIMIT stops the walk, so nothing is locked that is not taken.
LOOK = """
{name} AS MATERIALIZED (
  SELECT found.id FROM levels l CROSS JOIN LATERAL (
    SELECT t.id FROM task t
    WHERE t.batch_id = (SELECT batch_id FROM gate) AND t.state = 'open' AND t.priority = l.priority
      AND (t.deadline IS NULL OR t.deadline > %(now)s)
      AND {where}
    ORDER BY t.pos
    LIMIT (SELECT places FROM gate)
    FOR NO KEY UPDATE OF t {locked}
  ) AS found
  WHERE l.priority IS NOT NULL {only}
  LIMIT (SELECT places FROM gate)
)"""

# Past the bookmark, nothing this worker ever had to do with.
PAST_THE_BOOKMARK = """t.pos > coalesce((
        SELECT max(a.pos) FROM assignment a
        WHERE a.worker_id = %(worker_id)s AND a.batch_id = (SELECT batch_id FROM gate)
          AND a.priority = l.priority), -1)
      AND NOT EXISTS (
        SELECT FROM assignment e WHERE e.voice_key = t.voice_key AND e.worker_id = %(worker_id)s LIMIT 1)"""
# Anywhere, also what this worker let go; what it answered it never gets again.
ANYWHERE = f"""NOT EXISTS (
        SELECT FROM assignment e WHERE e.voice_key = t.voice_key AND e.worker_id = %(worker_id)s
          AND e.state IN {BARRED} LIMIT 1)"""
AHEAD = LOOK.format(name="ahead", where=PAST_THE_BOOKMARK, locked="SKIP LOCKED", only="")
AGAIN = LOOK.format(name="again", where=ANYWHERE, locked="SKIP LOCKED", only="AND NOT EXISTS (SELECT FROM ahead)")
WAITING = LOOK.format(name="again", where=ANYWHERE, locked="", only="")

# Count the places down and write the leases; each gets a sitting of its own.
TAKE = """
counted_down AS (
  UPDATE task t
  SET places_left = t.places_left - 1, state = CASE WHEN t.places_left = 1 THEN 'full' ELSE 'open' END
  FROM picked WHERE t.id = picked.id
  RETURNING t.id, t.item_id, t.question_version_id, t.voice_key, t.priority, t.pos, t.deadline
), leased AS MATERIALIZED (
  SELECT c.*, g.batch_id, g.offer_id, g.price_micros, g.currency,
         nextval('sitting_id_seq') AS sitting_id, nextval('assignment_id_seq') AS assignment_id,
         %(now)s AS leased_at, least(%(now)s + g.lease_seconds * interval '1 second', c.deadline) AS lease_ends_at
  FROM gate g, (SELECT * FROM counted_down ORDER BY priority DESC, pos) c
), opened_sittings AS (
  INSERT INTO sitting (id, offer_id, batch_id, worker_id, state, opened_at)
  SELECT sitting_id, offer_id, batch_id, %(worker_id)s, 'open', leased_at FROM leased
), opened_assignments AS (
  INSERT INTO assignment (id, sitting_id, task_id, batch_id, worker_id, voice_key, priority, pos, state,
                          leased_at, lease_ends_at)
  SELECT assignment_id, sitting_id, id, batch_id, %(worker_id)s, voice_key, priority, pos, 'leased',
         leased_at, lease_ends_at FROM leased
)"""
PLACE = """l.assignment_id, l.id, l.batch_id, l.question_version_id, i.id, i.key, i.text, i.image_key, i.audio_key,
       l.leased_at, l.lease_ends_at, l.price_micros, l.currency"""
PICKED = "picked AS MATERIALIZED (SELECT id FROM ahead UNION ALL SELECT id FROM again)"

LEASE = f"""-- hot path: lease the next places
WITH RECURSIVE {GATE.format(batch="%(batch_id)s")}, {LEVELS}, {AHEAD}, {AGAIN}, {PICKED}, {TAKE}
SELECT {PLACE} FROM leased l JOIN item i ON i.id = l.item_id ORDER BY l.assignment_id"""

LEASE_WAITING = f"""-- hot path: lease the next places, waiting for those that others hold locked
WITH RECURSIVE {GATE.format(batch="%(batch_id)s")}, {LEVELS}, {WAITING},
picked AS MATERIALIZED (SELECT id FROM again), {TAKE}
SELECT {PLACE} FROM leased l JOIN item i ON i.id = l.item_id ORDER BY l.assignment_id"""

# held → answered → counted come first and in this order, the claim after them (its gate reads `counted`): with one
# order of locks, and claims that skip locked rows, two workers cannot wait for each other.
# "worker_id + 0" and "state || ''" keep the planner on the primary key.
ANSWER = """
held AS MATERIALIZED (
  UPDATE assignment a
  SET state = CASE WHEN b.approval = 'auto' THEN 'approved' ELSE 'submitted' END, ended_at = %(now)s
  FROM batch b
  WHERE a.id = %(assignment_id)s AND a.worker_id + 0 = %(worker_id)s AND a.state || '' = 'leased'
    AND b.id = a.batch_id
  RETURNING a.id, a.sitting_id, a.task_id, a.batch_id, b.approval = 'auto' AS pays, b.price_micros, b.fee_micros,
            b.currency
), counted AS MATERIALIZED (
  UPDATE task t SET answers_count = t.answers_count + 1 FROM held WHERE t.id = held.task_id
  RETURNING t.id, t.batch_id, t.item_id, t.question_version_id
), closed_sitting AS (
  UPDATE sitting s
  SET state = CASE WHEN held.pays THEN 'settled' ELSE 'submitted' END, submitted_at = %(now)s
  FROM held WHERE s.id = held.sitting_id
)"""

# Pay and fee out of what the batch holds; a ledger account is opened at its first use.
PAY = """
shares AS MATERIALIZED (
  SELECT 'pay' AS kind, 'worker' AS to_kind, %(worker_id)s AS to_ref, price_micros AS amount, held.*
  FROM held WHERE pays
  UNION ALL
  SELECT 'fee', 'fee', batch_id, fee_micros, held.* FROM held WHERE pays AND fee_micros > 0
), opened_accounts AS (
  INSERT INTO ledger_account (kind, ref_id, currency)
  SELECT to_kind, to_ref, currency FROM shares
  WHERE NOT EXISTS (
    SELECT FROM ledger_account k
    WHERE k.kind = shares.to_kind AND k.ref_id = shares.to_ref AND k.currency = shares.currency LIMIT 1)
  -- two first payments at once: the second takes the account that the first opened
  ON CONFLICT (kind, ref_id, currency) DO UPDATE SET currency = excluded.currency
  RETURNING id, kind, ref_id
), paid AS (
  INSERT INTO transfer (kind, from_id, to_id, amount_micros, currency, batch_id, sitting_id, created_at)
  SELECT shares.kind,
         (SELECT k.id FROM ledger_account k
          WHERE k.kind = 'batch' AND k.ref_id = shares.batch_id AND k.currency = shares.currency),
         coalesce(
           (SELECT k.id FROM ledger_account k
            WHERE k.kind = shares.to_kind AND k.ref_id = shares.to_ref AND k.currency = shares.currency),
           (SELECT o.id FROM opened_accounts o WHERE o.kind = shares.to_kind AND o.ref_id = shares.to_ref)),
         amount, currency, batch_id, sitting_id, %(now)s
  FROM shares
)"""

FILL = f"""-- hot path: take an answer, pay for it, lease the next places
WITH RECURSIVE {ANSWER}, {PAY}, {GATE.format(batch="(SELECT batch_id FROM counted)")}, {LEVELS},
{AHEAD}, {AGAIN}, {PICKED}, {TAKE},
kept AS (
  INSERT INTO answer (assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value, client_key,
                      next_ids, seconds, submitted_at)
  SELECT held.id, held.batch_id, counted.id, counted.item_id, %(worker_id)s, counted.question_version_id,
         %(value)s, %(client_key)s,
         (SELECT coalesce(json_agg(assignment_id ORDER BY assignment_id), '[]') FROM leased),
         %(seconds)s, %(now)s
  FROM held, counted
  RETURNING id
)
SELECT kept.id, held.price_micros, held.currency, {PLACE}
FROM kept CROSS JOIN held LEFT JOIN (leased l JOIN item i ON i.id = l.item_id) ON true
ORDER BY l.assignment_id"""

PLACES = """-- hot path: show assignments with their items
SELECT a.id, a.task_id, a.batch_id, t.question_version_id, i.id, i.key, i.text, i.image_key, i.audio_key,
       a.leased_at, a.lease_ends_at, b.price_micros, b.currency
FROM assignment a
JOIN task t ON t.id = a.task_id JOIN item i ON i.id = t.item_id JOIN batch b ON b.id = a.batch_id
WHERE a.id = ANY(%(ids)s)"""


TYPES = {
    "assignment_id": "bigint",
    "batch_id": "bigint",
    "worker_id": "bigint",
    "count": "integer",
    "letting_go": "integer",
    "now": "timestamptz",
    "value": "json",
    "seconds": "double precision",
    "client_key": "varchar",
    "ids": "bigint[]",
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


RUN_LEASE, RUN_LEASE_WAITING, RUN_FILL, RUN_PLACES = map(Numbered, (LEASE, LEASE_WAITING, FILL, PLACES))


def lease(connection: Connection, wanted: Wanted) -> list[Place]:
    """Lease the next open places; with `wait`, look again at rows that others hold locked before saying none."""
    values = {
        "batch_id": Int8(wanted.batch_id),
        "worker_id": Int8(wanted.worker_id),
        "count": Int4(wanted.places),
        "letting_go": Int4(0),
        "now": wanted.now,
    }
    found = _rows(connection, RUN_LEASE, values)
    if not found and wanted.wait:
        found = _rows(connection, RUN_LEASE_WAITING, values)
    return [Place(*row) for row in found]


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
        "now": filled.now,
    }
    found = _rows(connection, RUN_FILL, values)
    if not found:
        return None
    answer_id, earned_micros, currency = found[0][:3]
    return Taken(answer_id, earned_micros, currency, [Place(*row[3:]) for row in found if row[3] is not None])


def places(connection: Connection, assignment_ids: list[int]) -> list[Place]:
    """Show assignments with their items, in the order of the ids."""
    found = {
        row[0]: Place(*row) for row in _rows(connection, RUN_PLACES, {"ids": [Int8(id_) for id_ in assignment_ids]})
    }
    return [found[assignment_id] for assignment_id in assignment_ids if assignment_id in found]


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
