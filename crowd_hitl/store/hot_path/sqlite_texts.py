"""The statements of the hot path on SQLite; `sqlite` runs them one after another."""

from crowd_hitl.store.hot_path.shapes import BARRED, HELD_MAX

# May this worker be handed places of this batch now, and how many does it hold? INDEXED BY: without statistics SQLite
# takes the bookmarks, and with them reads all that the worker ever did.
GATE = f"""
SELECT b.id AS batch_id, o.id AS offer_id, b.lease_seconds, b.price_micros, b.currency, b.page_size, (
  SELECT count(*) FROM (
    SELECT 1 FROM assignment h INDEXED BY ix_assignment_held
    WHERE h.worker_id = :worker_id AND h.batch_id = b.id AND h.state = 'leased' LIMIT {HELD_MAX})) AS held
FROM batch b
JOIN project p ON p.id = b.project_id
JOIN worker w ON w.id = :worker_id AND w.organisation_id = p.organisation_id AND w.state = 'active'
JOIN offer o ON o.batch_id = b.id AND o.channel = 'inhouse'
WHERE b.id = :batch_id AND b.state = 'open' AND (:in_service OR NOT b.is_special)
  AND NOT EXISTS (
    SELECT 1 FROM worker_block k
    WHERE k.worker_id = :worker_id AND k.lifted_at IS NULL
      AND k.starts_at <= :now AND (k.ends_at IS NULL OR k.ends_at > :now)
      AND (k.project_id IS NULL OR k.project_id = p.id) AND (k.batch_id IS NULL OR k.batch_id = b.id))"""

# One step along the index for each level that has open tasks, the highest first.
LEVEL = """
SELECT max(level) FROM task
WHERE batch_id = :batch_id AND state = 'open' AND level < :below"""
ABOVE_ALL = 2**63 - 1

# Where the worker's second looks left off is ahead of the bookmark when there was nothing but what it let go.
BOOKMARK = """
SELECT max(
  coalesce((SELECT max(pos) FROM assignment
            WHERE worker_id = :worker_id AND batch_id = :batch_id AND level = :level), -1),
  coalesce((SELECT passed FROM worker_cursor
            WHERE worker_id = :worker_id AND batch_id = :batch_id AND level = :level), -1))"""

TASK = """
SELECT t.id, t.item_id, t.question_version_id, t.voice_key, t.level, t.pos, t.deadline, i.key AS item_key, i.text,
       i.image_key, i.audio_key
FROM task t JOIN item i ON i.id = t.item_id"""
# Past the bookmark, nothing this worker ever had to do with.
AHEAD = f"""{TASK}
WHERE t.batch_id = :batch_id AND t.state = 'open' AND t.level = :level AND t.pos > :bookmark
  AND (t.deadline IS NULL OR t.deadline > :now)
  AND NOT EXISTS (SELECT 1 FROM assignment e WHERE e.voice_key = t.voice_key AND e.worker_id = :worker_id)
ORDER BY t.pos
LIMIT :count"""
# This one, if it is open still; what this worker answered it never gets again.
THIS = f"""{TASK}
WHERE t.id = :task_id AND t.batch_id = :batch_id AND t.state = 'open'
  AND NOT EXISTS (
    SELECT 1 FROM assignment e
    WHERE e.voice_key = t.voice_key AND e.worker_id = :worker_id AND e.state IN {BARRED})"""

COUNT_DOWN = """
UPDATE task
SET places_left = places_left - 1, state = CASE WHEN places_left = 1 THEN 'full' ELSE 'open' END
WHERE id = :task_id"""
OPEN_SITTING = """
INSERT INTO sitting (offer_id, batch_id, worker_id, state, opened_at)
VALUES (:offer_id, :batch_id, :worker_id, 'open', :now) RETURNING id"""
OPEN_ASSIGNMENT = """
INSERT INTO assignment (sitting_id, task_id, batch_id, worker_id, voice_key, level, pos, state,
                        leased_at, lease_ends_at)
VALUES (:sitting_id, :task_id, :batch_id, :worker_id, :voice_key, :level, :pos, 'leased', :now, :lease_ends_at)
RETURNING id"""

# A page and a special batch are paid for by the services, once their sitting is complete.
HELD = """
SELECT a.id, a.sitting_id, a.task_id, a.batch_id, t.item_id, t.question_version_id,
       b.approval = 'auto' AND b.page_size = 1 AND NOT b.is_special AS pays, b.page_size = 1 AS is_alone,
       b.price_micros, b.fee_micros, b.currency,
       CASE WHEN b.overlap_max > b.overlap_min AND t.answers_count + 1 = t.overlap THEN b.id END AS full_in
FROM assignment a JOIN task t ON t.id = a.task_id JOIN batch b ON b.id = a.batch_id
WHERE a.id = :assignment_id AND a.worker_id = :worker_id AND a.state = 'leased'
  AND (:in_service OR b.page_size = 1 AND NOT b.is_special)"""
# The assignments of a sitting in a batch that is not special; a page is taken when this worker holds all of them.
HELD_PAGE = """
SELECT a.id, a.sitting_id, a.task_id, a.batch_id, t.item_id, t.question_version_id, b.approval = 'auto' AS pays,
       b.price_micros, b.fee_micros, b.currency, a.worker_id = :worker_id AND a.state = 'leased' AS is_mine,
       CASE WHEN b.overlap_max > b.overlap_min AND t.answers_count + 1 = t.overlap THEN b.id END AS full_in
FROM assignment a JOIN task t ON t.id = a.task_id JOIN batch b ON b.id = a.batch_id
WHERE a.sitting_id = :sitting_id AND NOT b.is_special
ORDER BY a.id"""
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
SELECT a.id, a.sitting_id, a.task_id, a.batch_id, t.question_version_id, i.id, i.key, i.text, i.image_key,
       i.audio_key, a.leased_at, a.lease_ends_at, coalesce(s.price_micros, b.price_micros), b.currency
FROM assignment a
JOIN task t ON t.id = a.task_id JOIN item i ON i.id = t.item_id JOIN batch b ON b.id = a.batch_id
JOIN sitting s ON s.id = a.sitting_id
WHERE a.id = :assignment_id"""
