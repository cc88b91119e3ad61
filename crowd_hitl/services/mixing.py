"""Mixing gold in: at a claim or submit, chance says whether the next place is gold, more often for who is new.

A batch's gold waits at a level below its other work, so that the hot path does not come to it while there is any. Here
a statement of its own leases some of it out of turn, only when the draw says so; what the draw goes by is remembered.
"""

from sqlalchemy import BigInteger, Integer, bindparam, text, update

from crowd_hitl.domain.gold import draw, gold_share
from crowd_hitl.domain.tasks import GOLD_BELOW
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Short
from crowd_hitl.store.hot_path.shapes import Place, Wanted
from crowd_hitl.store.rows import Utc
from crowd_hitl.store.work_rows import AnswerRow

# The gold that is next is one of so many, or of twice what is drawn, so that workers who compare notes do not find the
# same in the same order.
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
ORDER BY t.level, t.pos LIMIT :window""").bindparams(
    bindparam("below", type_=BigInteger), bindparam("now", type_=Utc()), bindparam("window", type_=Integer)
)


def gold_among(short: Short, wanted: Wanted, *, seed: object) -> int:
    """Draw how many of the wanted places are gold: no statement but at the first draw for a worker in a batch."""
    pace = short.memory.pace(short.connection, batch_id=wanted.batch_id, worker_id=wanted.worker_id)
    if pace is None or wanted.places <= 0:
        return 0
    places = wanted.places if pace.page_size == 1 or wanted.in_service else pace.page_size
    if pace.dry:
        short.memory.keep_pace(wanted.batch_id, wanted.worker_id, pace._replace(dry=max(0, pace.dry - places)))
        return 0
    # what no pass has counted yet is taken to be right: else who is faster than the passes would meet ever more gold
    share = gold_share(pace.rate, seen=pace.seen + pace.given, right=pace.right + pace.given)
    return sum(draw(wanted.worker_id, wanted.batch_id, seed, place) < share for place in range(places))


def lease_mixed(short: Short, wanted: Wanted, *, seed: object) -> list[Place]:
    """Lease the next places, gold among them as it is drawn."""
    return _lease(short, wanted, gold=gold_among(short, wanted, seed=seed), seed=seed)


def lease_after(short: Short, wanted: Wanted, *, gold: int, answer_id: int, seed: object) -> list[Place]:
    """Lease the next places, `gold` among them, after an answer was taken; a repeated submit shows them, too."""
    places = _lease(short, wanted, gold=gold, seed=seed)
    if places:
        next_ids = [place.assignment_id for place in places]
        short.connection.execute(update(AnswerRow).where(AnswerRow.id == answer_id).values(next_ids=next_ids))
    return places


def _lease(short: Short, wanted: Wanted, *, gold: int, seed: object) -> list[Place]:
    """Lease places, up to `gold` of them of gold tasks that this worker has not seen; the pace is read anew then.

    All in one statement that mixes them: neither their order nor their ids tell gold from work.
    """
    hot = hot_path(short.connection)
    if not gold:
        return hot.lease(short.connection, wanted) if wanted.places > 0 else []
    window = max(WINDOW, 2 * gold)
    asked = {"batch_id": wanted.batch_id, "worker_id": wanted.worker_id, "now": wanted.now, "window": window}
    unseen = short.connection.scalars(UNSEEN, {**asked, "below": -GOLD_BELOW // 2}).all()
    chosen = sorted(unseen, key=lambda task_id: draw(seed, task_id))[:gold]
    if chosen:
        places = hot.lease_drawn(short.connection, wanted, task_ids=chosen)
    else:
        places = hot.lease(short.connection, wanted)
    short.memory.read_pace(
        short.connection,
        batch_id=wanted.batch_id,
        worker_id=wanted.worker_id,
        given=sum(place.task_id in chosen for place in places),
        dry=0 if chosen else DRY_DRAWS,
    )
    return places
