"""Payouts that were there before payouts could fail: every row, line and foreign key stays, on both databases."""

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from crowd_hitl.store.migrating import FOLDER, current_revision, upgrade
from tests.store.test_migrating import empty

__all__ = ("empty",)  # the fixture, for this file's tests
BEFORE = "0013"
NOON = "2026-11-22 12:00:00+00:00"
EARLIER = f"""
INSERT INTO organisation (id, name, created_at) VALUES (1, 'Lab', '{NOON}');
INSERT INTO worker (id, organisation_id, channel, public_id, name, simulated, state, created_at)
  VALUES (1, 1, 'inhouse', 'W1', 'Mara', false, 'active', '{NOON}');
INSERT INTO ledger_account (id, kind, ref_id, currency) VALUES (1, 'budget', 1, 'USD'), (2, 'worker', 1, 'USD');
INSERT INTO transfer (id, kind, from_id, to_id, amount_micros, currency, created_at)
  VALUES (1, 'bonus', 1, 2, 1005000, 'USD', '{NOON}'), (2, 'bonus', 1, 2, 1005000, 'USD', '{NOON}');
INSERT INTO payout_run (id, organisation_id, created_at) VALUES (1, 1, '{NOON}'), (2, 1, '{NOON}');
INSERT INTO payout (id, run_id, worker_id, currency, earned_micros, carried_micros, amount_micros, state, exported_at,
  paid_at, paid_as) VALUES
  (1, 1, 1, 'USD', 1005000, 0, 1000000, 'paid', '{NOON}', '{NOON}', 'bank 7'),
  (2, 2, 1, 'USD', 1005000, 5000, 1010000, 'due', NULL, NULL, NULL);
INSERT INTO payout_line (id, payout_id, transfer_id) VALUES (1, 1, 1), (2, 2, 2)
"""


def move(engine: Engine, revision: str, *, up: bool) -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if up else command.downgrade)(config, revision)


def run(connection: Connection, statements: str) -> None:
    for statement in statements.split(";"):
        connection.execute(text(statement))


def rows(engine: Engine, what: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(what))]


PAYOUTS = "SELECT id, run_id, worker_id, earned_micros, carried_micros, amount_micros, state, paid_as FROM payout"
LINES = "SELECT id, payout_id, transfer_id FROM payout_line"


def test_payouts_and_their_lines_are_kept_and_can_fail_afterwards(empty: Engine) -> None:
    move(empty, BEFORE, up=True)
    with empty.begin() as connection:
        run(connection, EARLIER)
    before = rows(empty, PAYOUTS), rows(empty, LINES)

    upgrade(empty)

    assert (rows(empty, PAYOUTS), rows(empty, LINES)) == before
    with pytest.raises(IntegrityError), empty.begin() as connection:
        run(connection, "INSERT INTO payout_line (id, payout_id, transfer_id) VALUES (9, 2, 1)")
    with pytest.raises(IntegrityError), empty.begin() as connection:
        run(connection, "DELETE FROM payout WHERE id = 1")  # its line still refers to it
    with pytest.raises(IntegrityError), empty.begin() as connection:
        run(connection, "UPDATE payout SET state = 'failed' WHERE id = 1")  # without a moment and a reason
    with empty.begin() as connection:
        run(
            connection,
            f"UPDATE payout SET state = 'failed', failed_at = '{NOON}', failure = 'account closed' WHERE id = 1;"
            "UPDATE payout_line SET is_void = true WHERE payout_id = 1;"
            "INSERT INTO payout_line (id, payout_id, transfer_id) VALUES (9, 2, 1)",
        )


def test_the_way_back_keeps_them_too(empty: Engine) -> None:
    upgrade(empty)
    with empty.begin() as connection:
        run(connection, EARLIER)
    before = rows(empty, PAYOUTS), rows(empty, LINES)

    move(empty, BEFORE, up=False)

    assert current_revision(empty) == BEFORE
    assert (rows(empty, PAYOUTS), rows(empty, LINES)) == before
    with pytest.raises(IntegrityError), empty.begin() as connection:
        run(connection, "DELETE FROM payout WHERE id = 1")
