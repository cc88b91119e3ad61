"""What nobody may do: writes past the services, each of which a constraint must refuse whatever the state is."""

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.stateful.world import Broken, World, operation

STANDING = "('leased', 'submitted', 'approved')"
# rule → a statement that breaks it in any state in which it changes a row at all
TAMPERINGS = {
    "one voice per worker": f"""
        INSERT INTO assignment (sitting_id, task_id, batch_id, worker_id, voice_key, level, pos, state, leased_at,
                                lease_ends_at)
        SELECT sitting_id, task_id, batch_id, worker_id, voice_key, level, pos, 'leased', leased_at, lease_ends_at
        FROM assignment WHERE state IN {STANDING} ORDER BY id DESC LIMIT 1""",
    "one settlement per sitting and kind": """
        INSERT INTO transfer (kind, from_id, to_id, amount_micros, currency, batch_id, sitting_id, created_at)
        SELECT kind, from_id, to_id, amount_micros, currency, batch_id, sitting_id, created_at
        FROM transfer WHERE sitting_id IS NOT NULL ORDER BY id DESC LIMIT 1""",
    "one transfer per business key": """
        INSERT INTO transfer (kind, from_id, to_id, amount_micros, currency, business_key, created_at)
        SELECT kind, from_id, to_id, amount_micros, currency, business_key, created_at
        FROM transfer WHERE business_key IS NOT NULL ORDER BY id DESC LIMIT 1""",
    "a budget is never overdrawn": "UPDATE budget SET available_micros = -1",
    "no more places than none": "UPDATE task SET places_left = -1",
    "answers within the overlap": "UPDATE task SET answers_count = overlap - places_left + 1",
    "one answer per assignment": """
        INSERT INTO answer (assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value,
                            client_key, next_ids, seconds, submitted_at)
        SELECT assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value, 'tampered',
               next_ids, seconds, submitted_at
        FROM answer ORDER BY id DESC LIMIT 1""",
    "one answer per client key": """
        INSERT INTO answer (assignment_id, batch_id, task_id, item_id, worker_id, question_version_id, value,
                            client_key, next_ids, seconds, submitted_at)
        SELECT a.id, n.batch_id, n.task_id, n.item_id, n.worker_id, n.question_version_id, n.value, n.client_key,
               n.next_ids, n.seconds, n.submitted_at
        FROM answer n JOIN assignment a ON a.worker_id = n.worker_id
        WHERE NOT EXISTS (SELECT 1 FROM answer o WHERE o.assignment_id = a.id) ORDER BY n.id DESC LIMIT 1""",
    "an earning is in one payout": """
        INSERT INTO payout_line (payout_id, transfer_id, is_void)
        SELECT payout_id, transfer_id, is_void FROM payout_line WHERE NOT is_void ORDER BY id DESC LIMIT 1""",
}


class Tampering(World):
    """Writes that the database must refuse by itself."""

    @operation(weight=2)
    def tamper(self) -> None:
        """Write what breaks each rule: the constraint has the last word, whatever the services think."""
        self.say("tamper")
        for rule, statement in TAMPERINGS.items():
            with self.engine.connect() as connection, connection.begin() as transaction:
                try:
                    changed = connection.execute(text(statement)).rowcount
                except IntegrityError:
                    continue
                finally:
                    transaction.rollback()
            if changed:
                raise Broken(f"no constraint holds the rule '{rule}'")
