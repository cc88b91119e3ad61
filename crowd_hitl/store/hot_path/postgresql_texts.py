"""The statements of the hot path on PostgreSQL, put together from named parts; `postgresql` runs them.

Their parts see one snapshot; each row they change is locked and read anew first, and the counters are counted in SQL
under their CHECKs.

They are planned once for each connection, maybe on an empty database, where every index looks as good as any other.
So they are put in words that only the index meant can serve: "id + 0" is served by none, a comparison of rows by the
index that starts with them, and an order by the index that has it; "OFFSET 0" keeps a part from becoming a join.
"""

from crowd_hitl.store.hot_path.shapes import BARRED, HELD_MAX

# May this worker be handed places of this batch now, and how many beside those held? Of a batch with pages it is one
# page at a time, or as much of it as a service permits. A special batch is handed out by the services only, which
# check first what is not checked here.
GATE = f"""
gate AS MATERIALIZED (
  SELECT b.id AS batch_id, o.id AS offer_id, b.lease_seconds, b.price_micros, b.currency, b.page_size > 1 AS is_paged,
         CASE WHEN %(count)s = 0 THEN 0
              WHEN b.page_size > 1 THEN CASE WHEN h.held > %(letting_go)s THEN 0
                                             WHEN %(in_service)s THEN least(%(count)s, b.page_size)
                                             ELSE b.page_size END
              ELSE greatest(0, least(%(count)s, {HELD_MAX} + %(letting_go)s - h.held)) END AS places
  FROM batch b
  CROSS JOIN LATERAL (SELECT p.id, p.organisation_id FROM project p WHERE p.id = b.project_id OFFSET 0) AS p
  JOIN worker w ON w.id = %(worker_id)s AND w.organisation_id + 0 = p.organisation_id AND w.state = 'active'
  JOIN offer o ON o.batch_id = b.id AND o.channel = 'inhouse'
  CROSS JOIN LATERAL (
    SELECT count(*)::integer AS held FROM (
      SELECT FROM assignment h WHERE h.worker_id = %(worker_id)s AND h.batch_id = b.id AND h.state = 'leased'
      ORDER BY h.id OFFSET 0) AS h) AS h
  WHERE b.id = {{batch}} AND b.state = 'open' AND (%(in_service)s OR NOT b.is_special)
    AND NOT EXISTS (
      SELECT FROM worker_block k
      WHERE k.worker_id = %(worker_id)s AND k.lifted_at IS NULL
        AND k.starts_at <= %(now)s AND (k.ends_at IS NULL OR k.ends_at > %(now)s)
        AND (k.project_id IS NULL OR k.project_id = p.id) AND (k.batch_id IS NULL OR k.batch_id = b.id))
)"""

# The levels that have open tasks, the highest first: one step along the index for each.
LEVELS = """
levels(level) AS (
  SELECT (SELECT max(t.level) FROM task t WHERE t.batch_id = gate.batch_id AND t.state = 'open')
  FROM gate WHERE gate.places > 0
  UNION ALL
  SELECT (SELECT max(t.level) FROM task t
          WHERE t.batch_id = (SELECT batch_id FROM gate) AND t.state = 'open' AND t.level < l.level)
  FROM levels l WHERE l.level IS NOT NULL
)"""

# Level by level, the first open tasks past the worker's bookmark that this worker never had to do with. The rows come
# out in the order of the levels and positions; LIMIT stops the walk, so nothing is locked that is not taken.
AHEAD = """
  SELECT found.id FROM levels l CROSS JOIN LATERAL (
    SELECT t.id FROM task t
    WHERE t.batch_id = (SELECT batch_id FROM gate) AND t.state = 'open' AND t.level = l.level
      AND (t.deadline IS NULL OR t.deadline > %(now)s)
      AND t.pos > greatest(
        (SELECT max(a.pos) FROM assignment a
         WHERE a.worker_id = %(worker_id)s AND a.batch_id = (SELECT batch_id FROM gate) AND a.level = l.level),
        (SELECT c.passed FROM worker_cursor c
         WHERE c.worker_id = %(worker_id)s AND c.batch_id = (SELECT batch_id FROM gate) AND c.level = l.level),
        -1)
      AND NOT EXISTS (
        SELECT FROM assignment e
        WHERE (e.voice_key, e.worker_id) BETWEEN (t.voice_key, %(worker_id)s) AND (t.voice_key, %(worker_id)s)
        OFFSET 0){besides}
    ORDER BY t.pos
    LIMIT {places}
    FOR NO KEY UPDATE OF t SKIP LOCKED
  ) AS found
  WHERE l.level IS NOT NULL
  LIMIT {places}"""
ALL_PLACES = "(SELECT places FROM gate)"
PICKED_AHEAD = f"""
picked AS MATERIALIZED ({AHEAD.format(places=ALL_PLACES, besides="")}
)"""

# First those that were drawn, if they are open still and nobody holds them locked, then what lies ahead.
PICKED_DRAWN = f"""
drawn AS MATERIALIZED (
  SELECT t.id FROM task t
  WHERE t.id = ANY(%(task_ids)s) AND t.batch_id = (SELECT batch_id FROM gate) AND t.state = 'open'
    AND NOT EXISTS (
      SELECT FROM assignment e
      WHERE (e.voice_key, e.worker_id) BETWEEN (t.voice_key, %(worker_id)s) AND (t.voice_key, %(worker_id)s)
      OFFSET 0)
  ORDER BY t.id
  LIMIT {ALL_PLACES}
  FOR NO KEY UPDATE OF t SKIP LOCKED
), ahead AS MATERIALIZED ({
    AHEAD.format(
        places="greatest(0, (SELECT places FROM gate) - (SELECT count(*) FROM drawn))",
        besides=" AND t.id <> ALL(%(task_ids)s)",
    )
}
), picked AS MATERIALIZED (
  SELECT id FROM drawn UNION ALL SELECT id FROM ahead
)"""

# These, if they are open still; waiting for whoever holds one of them locked. What this worker answered it never
# gets again.
PICKED_THESE = f"""
picked AS MATERIALIZED (
  SELECT t.id FROM task t
  WHERE t.id = ANY(%(task_ids)s) AND t.batch_id = (SELECT batch_id FROM gate) AND t.state = 'open'
    AND NOT EXISTS (
      SELECT FROM assignment e
      WHERE (e.voice_key, e.worker_id) BETWEEN (t.voice_key, %(worker_id)s) AND (t.voice_key, %(worker_id)s)
        AND e.state IN {BARRED} OFFSET 0)
  ORDER BY t.id
  LIMIT (SELECT places FROM gate)
  FOR NO KEY UPDATE OF t
)"""

# Count the places down and write the leases; each gets a sitting of its own, or all of a page one together. Their ids
# follow the order, so that it must not tell what was drawn from what lay ahead.
AS_QUEUED, SHUFFLED = "level DESC, pos", "md5(concat(id, ':', %(worker_id)s))"
TAKE = """
counted_down AS (
  UPDATE task t
  SET places_left = t.places_left - 1, state = CASE WHEN t.places_left = 1 THEN 'full' ELSE 'open' END
  FROM picked WHERE t.id = picked.id
  RETURNING t.id, t.item_id, t.question_version_id, t.voice_key, t.level, t.pos, t.deadline
), page_sitting AS MATERIALIZED (
  SELECT nextval('sitting_id_seq') AS id FROM gate WHERE gate.is_paged AND EXISTS (SELECT FROM picked)
), leased AS MATERIALIZED (
  SELECT c.*, g.batch_id, g.offer_id, g.price_micros, g.currency,
         coalesce((SELECT id FROM page_sitting), nextval('sitting_id_seq')) AS sitting_id,
         nextval('assignment_id_seq') AS assignment_id, %(now)s AS leased_at,
         least(%(now)s + g.lease_seconds * interval '1 second',
               CASE WHEN g.is_paged THEN (SELECT min(deadline) FROM counted_down) ELSE c.deadline END) AS lease_ends_at
  FROM gate g, (SELECT * FROM counted_down ORDER BY {order}) c
), opened_sittings AS (
  INSERT INTO sitting (id, offer_id, batch_id, worker_id, state, opened_at)
  SELECT DISTINCT ON (sitting_id) sitting_id, offer_id, batch_id, %(worker_id)s, 'open', leased_at FROM leased
), opened_assignments AS (
  INSERT INTO assignment (id, sitting_id, task_id, batch_id, worker_id, voice_key, level, pos, state,
                          leased_at, lease_ends_at)
  SELECT assignment_id, sitting_id, id, batch_id, %(worker_id)s, voice_key, level, pos, 'leased',
         leased_at, lease_ends_at FROM leased
)"""
PLACE = """l.assignment_id, l.sitting_id, l.id, l.batch_id, l.question_version_id, i.id, i.key, i.text, i.image_key,
       i.audio_key, l.leased_at, l.lease_ends_at, l.price_micros, l.currency"""

TAKE_QUEUED = TAKE.format(order=AS_QUEUED)
LEASE = """-- hot path: lease the next places
WITH RECURSIVE {gate}, {levels} {picked}, {take}
SELECT {place} FROM leased l JOIN item i ON i.id = l.item_id ORDER BY l.assignment_id"""
LEASE_AHEAD = LEASE.format(
    gate=GATE.format(batch="%(batch_id)s"), levels=f"{LEVELS},", picked=PICKED_AHEAD, take=TAKE_QUEUED, place=PLACE
)
LEASE_DRAWN = LEASE.format(
    gate=GATE.format(batch="%(batch_id)s"),
    levels=f"{LEVELS},",
    picked=PICKED_DRAWN,
    take=TAKE.format(order=SHUFFLED),
    place=PLACE,
)
LEASE_THESE = LEASE.format(
    gate=GATE.format(batch="%(batch_id)s"), levels="", picked=PICKED_THESE, take=TAKE_QUEUED, place=PLACE
)

# held → answered → counted come first and in this order, the claim after them (its gate reads `counted`): with one
# order of locks, and claims that skip locked rows, two workers cannot wait for each other.
# "worker_id + 0" and "state || ''" keep the planner on the primary key.
# A page and a special batch are paid for by the services, once their sitting is complete.
ANSWER = """
held AS MATERIALIZED (
  UPDATE assignment a
  SET state = CASE WHEN b.approval = 'auto' AND b.page_size = 1 AND NOT b.is_special THEN 'approved'
              ELSE 'submitted' END, ended_at = %(now)s
  FROM batch b
  WHERE a.id = %(assignment_id)s AND a.worker_id + 0 = %(worker_id)s AND a.state || '' = 'leased'
    AND b.id = a.batch_id AND (%(in_service)s OR b.page_size = 1 AND NOT b.is_special)
  RETURNING a.id, a.sitting_id, a.task_id, a.batch_id,
            b.approval = 'auto' AND b.page_size = 1 AND NOT b.is_special AS pays, b.page_size = 1 AS is_alone,
            b.price_micros, b.fee_micros, b.currency, b.overlap_max > b.overlap_min AS may_stop
), counted AS MATERIALIZED (
  UPDATE task t SET answers_count = t.answers_count + 1 FROM held WHERE t.id = held.task_id
  RETURNING t.id, t.batch_id, t.item_id, t.question_version_id, t.answers_count = t.overlap AS is_full
), closed_sitting AS (
  UPDATE sitting s
  SET state = CASE WHEN held.pays THEN 'settled' ELSE 'submitted' END, submitted_at = %(now)s
  FROM held WHERE s.id = held.sitting_id AND held.is_alone
)"""

# Pay and fee of one sitting out of what the batch holds; a ledger account is opened at its first use.
PAY = """
shares AS MATERIALIZED (
  SELECT 'pay' AS kind, 'worker' AS to_kind, %(worker_id)s AS to_ref, due.price_micros AS amount, due.*
  FROM {due} AS due WHERE due.pays
  UNION ALL
  SELECT 'fee', 'fee', due.batch_id, due.fee_micros, due.* FROM {due} AS due WHERE due.pays AND due.fee_micros > 0
), opened_accounts AS (
  INSERT INTO ledger_account (kind, ref_id, currency)
  SELECT to_kind, to_ref, currency FROM shares
  WHERE NOT EXISTS (
    SELECT FROM ledger_account k
    WHERE k.kind = shares.to_kind AND k.ref_id = shares.to_ref AND k.currency = shares.currency OFFSET 0)
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
WITH RECURSIVE {ANSWER}, {PAY.format(due="held")}, {GATE.format(batch="(SELECT batch_id FROM counted)")}, {LEVELS},
{PICKED_AHEAD}, {TAKE_QUEUED},
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
SELECT kept.id, held.price_micros, held.currency, CASE WHEN counted.is_full AND held.may_stop THEN held.batch_id END,
       {PLACE}
FROM kept CROSS JOIN held CROSS JOIN counted LEFT JOIN (leased l JOIN item i ON i.id = l.item_id) ON true
ORDER BY l.assignment_id"""

# A whole page or nothing. Its assignments and tasks are locked in the order of their ids: those of two pages that
# share tasks must not wait for each other (min() below has all of them done before anything is claimed).
ANSWER_PAGE = """
given AS MATERIALIZED (
  SELECT * FROM unnest(%(assignment_ids)s, %(values)s, %(client_keys)s, %(seconds_each)s)
    AS g(id, value, client_key, seconds)
), mine AS MATERIALIZED (
  SELECT a.id, a.task_id, a.batch_id FROM assignment a
  WHERE a.sitting_id = %(sitting_id)s AND a.worker_id + 0 = %(worker_id)s AND a.state || '' = 'leased'
  ORDER BY a.id + 0 FOR NO KEY UPDATE
), whole AS MATERIALIZED (
  SELECT b.id, b.approval = 'auto' AS pays, b.price_micros, b.fee_micros, b.currency, c.given,
         b.overlap_max > b.overlap_min AS may_stop
  FROM batch b, (SELECT count(*)::integer AS given FROM given) AS c
  WHERE b.id = (SELECT min(batch_id) FROM mine) AND NOT b.is_special
    AND c.given = (SELECT count(*) FROM mine JOIN given ON given.id = mine.id)
    AND c.given = (SELECT count(*) FROM assignment a WHERE a.sitting_id = %(sitting_id)s)
), tasks AS MATERIALIZED (
  SELECT t.id FROM task t WHERE t.id IN (SELECT task_id FROM mine) AND EXISTS (SELECT FROM whole)
  ORDER BY t.id + 0 FOR NO KEY UPDATE
), held AS MATERIALIZED (
  UPDATE assignment a SET state = CASE WHEN whole.pays THEN 'approved' ELSE 'submitted' END, ended_at = %(now)s
  FROM mine, whole WHERE a.id = mine.id
  RETURNING a.id, a.task_id, a.batch_id
), counted AS MATERIALIZED (
  UPDATE task t SET answers_count = t.answers_count + 1 FROM tasks WHERE t.id = tasks.id
  RETURNING t.id, t.batch_id, t.item_id, t.question_version_id, t.answers_count = t.overlap AS is_full
), closed_sitting AS (
  UPDATE sitting s
  SET state = CASE WHEN whole.pays THEN 'settled' ELSE 'submitted' END, submitted_at = %(now)s
  FROM whole WHERE s.id = %(sitting_id)s
), page AS MATERIALIZED (
  SELECT %(sitting_id)s AS sitting_id, id AS batch_id, pays, price_micros * given AS price_micros,
         fee_micros * given AS fee_micros, currency, may_stop
  FROM whole
)"""
FILL_PAGE = f"""-- hot path: take the answers of a page, pay for it, lease the next page
WITH RECURSIVE {ANSWER_PAGE}, {PAY.format(due="page")},
{GATE.format(batch="(SELECT min(batch_id) FROM counted)")}, {LEVELS}, {PICKED_AHEAD}, {TAKE_QUEUED},
kept AS (
  INSERT INTO answer (assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value, client_key,
                      next_ids, seconds, submitted_at)
  SELECT held.id, held.batch_id, counted.id, counted.item_id, %(worker_id)s, counted.question_version_id,
         given.value, given.client_key,
         CASE WHEN held.id = (SELECT min(id) FROM held)
              THEN (SELECT coalesce(json_agg(assignment_id ORDER BY assignment_id), '[]') FROM leased)
              ELSE '[]' END,
         given.seconds, %(now)s
  FROM held JOIN given ON given.id = held.id JOIN counted ON counted.id = held.task_id
  ORDER BY held.id
  RETURNING id, assignment_id
)
SELECT (SELECT json_object_agg(assignment_id, id) FROM kept), page.price_micros, page.currency,
       CASE WHEN page.may_stop AND (SELECT bool_or(is_full) FROM counted) THEN page.batch_id END, {PLACE}
FROM page LEFT JOIN (leased l JOIN item i ON i.id = l.item_id) ON true
ORDER BY l.assignment_id"""

PLACES = """-- hot path: show assignments with their items
SELECT a.id, a.sitting_id, a.task_id, a.batch_id, t.question_version_id, i.id, i.key, i.text, i.image_key,
       i.audio_key, a.leased_at, a.lease_ends_at, coalesce(s.price_micros, b.price_micros), b.currency
FROM assignment a
JOIN task t ON t.id = a.task_id JOIN item i ON i.id = t.item_id JOIN batch b ON b.id = a.batch_id
JOIN sitting s ON s.id = a.sitting_id
WHERE a.id = ANY(%(ids)s)"""
