"""Fills a batch with answers and labels by plain INSERT … SELECT: what is exported, not how it came about."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from crowd_hitl.store.unit_of_work import UnitOfWork

SITTINGS = """
INSERT INTO sitting (id, offer_id, batch_id, worker_id, state, opened_at, submitted_at)
SELECT (t.id - :first) * :overlap + w.turn, (SELECT id FROM offer WHERE batch_id = :batch), :batch, w.id, 'paid',
       :now, :now
FROM task t JOIN (SELECT id, row_number() OVER (ORDER BY id) AS turn FROM worker) w ON w.turn <= :overlap
WHERE t.batch_id = :batch AND (t.id - :first) * :overlap + w.turn <= :count
"""
ASSIGNMENTS = """
INSERT INTO assignment (id, sitting_id, task_id, batch_id, worker_id, voice_key, level, pos, state, leased_at,
                        lease_ends_at, ended_at)
SELECT s.id, s.id, t.id, :batch, s.worker_id, t.voice_key, 0, t.pos, 'approved', :now, :later, :now
FROM sitting s JOIN task t ON t.id = :first + (s.id - 1) / :overlap
"""
ANSWERS = """
INSERT INTO answer (id, assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value, client_key,
                    next_ids, seconds, submitted_at)
SELECT a.id, a.id, :batch, a.task_id, t.item_id, a.worker_id, t.question_version_id, '{"label": "positive"}',
       CAST(a.id AS VARCHAR), '[]', 4.2, :now
FROM assignment a JOIN task t ON t.id = a.task_id
"""
TRANSFERS = """
INSERT INTO transfer (kind, from_id, to_id, amount_micros, currency, batch_id, sitting_id, created_at)
SELECT 'pay', (SELECT min(id) FROM ledger_account), (SELECT max(id) FROM ledger_account), 10000, 'USD', :batch, s.id,
       :now
FROM sitting s
"""
LABELS = """
INSERT INTO label (project_id, item_id, field, version, state, value, confidence, source, votes, aggregator, batch_id,
                   created_at)
SELECT b.project_id, t.item_id, 'label', 1, 'current', 'positive', 0.97, 'consensus', 3, 'pooled', b.id, :now
FROM task t JOIN batch b ON b.id = t.batch_id
WHERE t.batch_id = :batch AND NOT t.is_gold
"""


def fill_answers(uow: UnitOfWork, batch_id: int, *, count: int) -> str:
    """Write `count` answers of the batch's first tasks with their pay, and a label for every task."""
    for statement in (SITTINGS, ASSIGNMENTS, ANSWERS, TRANSFERS, LABELS):
        uow.run(_execute, statement=statement, batch_id=batch_id, count=count)
    if uow.engine.dialect.name == "postgresql":
        # As the server's own housekeeping does within a minute.
        with uow.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    return "written"


def _execute(session: Session, *, statement: str, batch_id: int, count: int, now: datetime) -> None:
    first = session.scalar(text("SELECT min(id) FROM task WHERE batch_id = :batch"), {"batch": batch_id})
    values = {"batch": batch_id, "first": first, "overlap": 3, "count": count}
    values |= {"now": now, "later": now.replace(year=9999)}
    named = {name: value for name, value in values.items() if f":{name}" in statement}
    session.execute(text(statement), named)
