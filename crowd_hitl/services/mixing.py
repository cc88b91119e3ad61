"""Mixing gold in: at a claim or submit, chance says whether the next place is gold, more often for who is new.

A batch's gold waits at a level below its other work, so that the hot path does not come to it while there is any. Here
a second statement leases some of it out of turn, only when the draw says so; what the draw goes by is remembered.
"""

from collections.abc import Sequence

from sqlalchemy import BigInteger, bindparam, text, update

from crowd_hitl.domain.gold import draw, gold_share
from crowd_hitl.domain.tasks import GOLD_BELOW
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Short
from crowd_hitl.store.hot_path.shapes import Place, Wanted
from crowd_hitl.store.rows import Utc
from crowd_hitl.store.work_rows import AnswerRow

# The gold that is next is one of so many, so that workers who compare notes do not find the same in the same order.
WINDOW = 8
# So many open gold tasks are looked through for some that this worker has not seen.
WALKED = 200
# Nothing was found for this worker: so many draws later it is tried again.
DRY_DRAWS = 100
# Rows are compared, so that also PostgreSQL, which plans this on an empty database, goes by the index of voices.
UNSEEN = text(f"""
SELECT t.id FROM (
  SELECT t.id, t.voice_key, t.level, t.pos, t.deadline FROM task t
  WHERE t.batch_id = :batch_id AND t.state = 'open' AND t.level < :below
  ORDER BY t.level, t.pos LIMIT {WALKED}) AS t
WHERE (t.deadline IS NULL OR t.deadline > :now)
  AND NOT EXISTS (
    SELECT 1 FROM assignment e
    WHERE (e.voice_key, e.worker_id) BETWEEN (t.voice_key, :worker_id) AND (t.voice_key, :worker_id) LIMIT 1)
ORDER BY t.level, t.pos LIMIT {WINDOW}""").bindparams(
    bindparam("below", type_=BigInteger), bindparam("now", type_=Utc())
)


def gold_among(short: Short, wanted: Wanted, *, seed: object) -> int:
    """Draw how many of the wanted places are gold: no statement but at the first draw for a worker in a batch."""
    pace = short.memory.pace(short.connection, batch_id=wanted.batch_id, worker_id=wanted.worker_id)
    if pace is None or wanted.places <= 0:
        return 0
    if pace.dry:
        short.memory.keep_pace(wanted.batch_id, wanted.worker_id, pace._replace(dry=max(0, pace.dry - wanted.places)))
        return 0
    # what no pass has counted yet is taken to be right: else who is faster than the passes would meet ever more gold
    share = gold_share(pace.rate, seen=pace.seen + pace.given, right=pace.right + pace.given)
    return sum(draw(wanted.worker_id, wanted.batch_id, seed, place) < share for place in range(wanted.places))


def lease_mixed(short: Short, wanted: Wanted, *, seed: object) -> list[Place]:
    """Lease the next places, gold among them as it is drawn."""
    gold = lease_gold(short, wanted, count=gold_among(short, wanted, seed=seed), seed=seed)
    rest = wanted._replace(places=wanted.places - len(gold))
    places = hot_path(short.connection).lease(short.connection, rest) if rest.places else []
    return gold + places if draw(seed, "order") < 0.5 else places + gold


def lease_gold(short: Short, wanted: Wanted, *, count: int, seed: object) -> list[Place]:
    """Lease up to `count` gold tasks that this worker has not seen; the pace is read anew."""
    if not count:
        return []
    asked = {"batch_id": wanted.batch_id, "worker_id": wanted.worker_id, "now": wanted.now, "below": -GOLD_BELOW // 2}
    unseen = short.connection.scalars(UNSEEN, asked).all()
    chosen = sorted(unseen, key=lambda task_id: draw(seed, task_id))[:count]
    here = wanted._replace(places=len(chosen))
    taken = hot_path(short.connection).lease_these(short.connection, here, task_ids=chosen) if chosen else []
    short.memory.read_pace(
        short.connection,
        batch_id=wanted.batch_id,
        worker_id=wanted.worker_id,
        given=len(taken),
        dry=0 if chosen else DRY_DRAWS,
    )
    return taken


def lease_after(short: Short, wanted: Wanted, *, answer_id: int, before: Sequence[int], seed: object) -> list[Place]:
    """Lease gold after an answer was taken, or what comes next if there is none; a repeated submit shows it, too."""
    places = lease_gold(short, wanted, count=wanted.places, seed=seed)
    missing = wanted._replace(places=wanted.places - len(places))
    if missing.places:
        places += hot_path(short.connection).lease(short.connection, missing)
    if places:
        next_ids = [*before, *(place.assignment_id for place in places)]
        short.connection.execute(update(AnswerRow).where(AnswerRow.id == answer_id).values(next_ids=next_ids))
    return places
