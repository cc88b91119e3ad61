"""The second look, for when nothing lies ahead of a worker's bookmark: bounded, and so that nobody is passed over.

Behind the bookmark lies what was locked by somebody else when the worker came by, and what came to be open there by
a lost race. A look walks a window of the open tasks and remembers where it stopped, so that one after the other the
looks go round all of them. What the worker skipped comes last, and only when nobody else at work could take it.
"""

from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, text

from crowd_hitl.store.hot_path.shapes import BARRED, Wanted
from crowd_hitl.store.rows import Utc

WINDOW = 250
ABOVE_ALL = 2**63 - 1
NOW = bindparam("now", type_=Utc())


INDEXES_ONLY = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), "
    "set_config('enable_mergejoin', 'off', true)"
)


class Look(NamedTuple):
    """Tasks that are open to the worker; and, if there are none, whether the looks have gone all the way round."""

    task_ids: list[int]
    is_through: bool


class Cursor(NamedTuple):
    """How far the looks at one level went; see WorkerCursorRow."""

    behind: int
    is_through: bool


LEVEL = text("SELECT max(level) FROM task WHERE batch_id = :batch_id AND state = 'open' AND level < :below")
CURSOR = text(
    "SELECT behind, is_through FROM worker_cursor "
    "WHERE worker_id = :worker_id AND batch_id = :batch_id AND level = :level"
)
WALKED = """
SELECT t.id, t.voice_key, t.pos, t.deadline FROM task t
WHERE t.batch_id = :batch_id AND t.state = 'open' AND t.level = :level AND t.pos > :behind
ORDER BY t.pos LIMIT :window"""
# Nothing that this worker had to do with here, or may not have again; what they let go in another batch is no skip of
# this one. LIMIT 1 keeps each probe on the index of voices.
FREE = text(f"""
SELECT t.id FROM ({WALKED}) AS t
WHERE (t.deadline IS NULL OR t.deadline > :now)
  AND NOT EXISTS (
    SELECT 1 FROM assignment e
    WHERE e.voice_key = t.voice_key AND e.worker_id = :worker_id
      AND (e.batch_id = :batch_id OR e.state IN {BARRED}) LIMIT 1)
ORDER BY t.pos LIMIT :places""").bindparams(NOW)
EXTENT = text(f"SELECT count(*), max(t.pos) FROM ({WALKED}) AS t")
REMEMBER = text("""
INSERT INTO worker_cursor (worker_id, batch_id, level, passed, behind, is_through)
VALUES (:worker_id, :batch_id, :level, :passed, :stopped, :is_through)
ON CONFLICT (worker_id, batch_id, level) DO UPDATE
SET behind = excluded.behind, is_through = excluded.is_through OR worker_cursor.is_through,
    passed = CASE WHEN excluded.passed > worker_cursor.passed THEN excluded.passed ELSE worker_cursor.passed END""")
# What this worker let go and may take again, as long as nobody who holds a lease in this batch now may take it.
SKIPPED = text(f"""
SELECT t.id FROM (
  SELECT t.id, t.voice_key, a.level, a.pos FROM assignment a JOIN task t ON t.id = a.task_id
  WHERE a.worker_id = :worker_id AND a.batch_id = :batch_id AND a.state IN ('released', 'expired')
    AND t.state = 'open' AND (t.deadline IS NULL OR t.deadline > :now)
    AND NOT EXISTS (
      SELECT 1 FROM assignment e
      WHERE e.voice_key = t.voice_key AND e.worker_id = :worker_id AND e.state IN {BARRED} LIMIT 1)
  ORDER BY a.level DESC, a.pos LIMIT :window
) AS t
WHERE NOT EXISTS (
  SELECT 1 FROM assignment o
  WHERE o.batch_id = :batch_id AND o.state = 'leased' AND o.lease_ends_at > :now AND o.worker_id <> :worker_id
    AND NOT EXISTS (
      SELECT 1 FROM assignment e
      WHERE e.voice_key = t.voice_key AND e.worker_id = o.worker_id AND e.state IN {BARRED} LIMIT 1))
ORDER BY t.level DESC, t.pos LIMIT :window""").bindparams(NOW)


def look_again(connection: Connection, wanted: Wanted) -> Look:
    """Find open tasks for a worker for whom nothing lies ahead; at most a window of each level is walked."""
    _plan_for_few(connection)
    asked = {"batch_id": wanted.batch_id, "worker_id": wanted.worker_id, "now": wanted.now, "window": WINDOW}
    is_through, below = True, ABOVE_ALL
    while (level := connection.scalar(LEVEL, {"batch_id": wanted.batch_id, "below": below})) is not None:
        look = _look_at_level(connection, {**asked, "level": level, "places": wanted.places})
        if look.task_ids:
            return look
        is_through, below = is_through and look.is_through, level
    if not is_through:
        return Look([], is_through=False)
    skipped = dict.fromkeys(connection.scalars(SKIPPED, asked))
    return Look(list(skipped)[: wanted.places], is_through=True)


def _look_at_level(connection: Connection, asked: dict[str, Any]) -> Look:
    found = connection.execute(CURSOR, asked).first()
    cursor = Cursor(-1, is_through=False) if found is None else Cursor(found.behind, bool(found.is_through))
    here = {**asked, "behind": cursor.behind}
    free = list(connection.scalars(FREE, here))
    if free:
        return Look(free, is_through=False)
    count, last = connection.execute(EXTENT, here).one()
    if count == WINDOW:
        _remember(connection, asked, Cursor(last, cursor.is_through), passed=-1)
        return Look([], is_through=cursor.is_through)
    if cursor.behind >= 0:
        # The end: from here on only what comes later is ahead, and the next look begins again at the start.
        _remember(connection, asked, Cursor(-1, is_through=True), passed=cursor.behind if last is None else last)
    return Look([], is_through=True)


def _plan_for_few(connection: Connection) -> None:
    """Keep PostgreSQL on the indexes for this transaction: just after a publish it knows the tables as empty."""
    if connection.dialect.name == "postgresql":
        connection.execute(INDEXES_ONLY)


def _remember(connection: Connection, asked: dict[str, Any], cursor: Cursor, *, passed: int) -> None:
    moved = {"stopped": cursor.behind, "is_through": cursor.is_through, "passed": passed}
    connection.execute(REMEMBER, {**asked, **moved})
