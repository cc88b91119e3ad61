"""How PostgreSQL runs the hot path when it planned it on an empty database, as a server that starts with one does.

A plan is kept for as long as the connection. One that goes through all a worker ever did is as quick as any other
while there is nothing, and slower with each answer.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from crowd_hitl.services.mixing import UNSEEN
from crowd_hitl.store.engine import open_engine, short_engine
from crowd_hitl.store.hot_path.postgresql import (
    FILL,
    FILL_PAGE,
    LEASE_AHEAD,
    LEASE_DRAWN,
    LEASE_THESE,
    PLACES,
    TYPES,
    Numbered,
)
from crowd_hitl.store.rows import Row
from tests.running.postgres import empty_database

STATEMENTS = {
    "lease ahead": LEASE_AHEAD,
    "lease these": LEASE_THESE,
    "lease drawn": LEASE_DRAWN,
    "fill": FILL,
    "fill a page": FILL_PAGE,
    "places": PLACES,
}
# By table, and by the first letter of what the statement calls it: the indexes that lead to a few rows, however much
# the worker and the batch have behind them.
MEANT = {
    "assignment a": {"pk_assignment", "ix_assignment_sitting_id", "ix_assignment_bookmark"},
    "assignment e": {"ix_assignment_voice"},
    "assignment h": {"ix_assignment_held"},
    "batch b": {"pk_batch"},
    "item i": {"pk_item"},
    "ledger_account k": {"uq_ledger_account_kind_ref_id_currency"},
    "offer o": {"uq_offer_batch_id_channel"},
    "project p": {"pk_project"},
    "sitting s": {"pk_sitting"},
    "task t": {"pk_task", "ix_task_open"},
    "worker w": {"pk_worker"},
    "worker_block k": {"ix_worker_block_worker"},
    "worker_cursor c": {"uq_worker_cursor_worker_id_batch_id_level"},
}


def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        yield node
    for child in node.get("Plans", ()):
        yield from scans(child)


def plan(engine: Engine, statement: Numbered) -> dict[str, Any]:
    types = ", ".join(TYPES[name] for name in statement.names)
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PREPARE planned ({types}) AS {statement.text.decode()}")
        try:
            nothing = ", ".join(["NULL"] * len(statement.names))
            found = driver.execute(f"EXPLAIN (FORMAT JSON) EXECUTE planned ({nothing})").fetchone()
        finally:
            driver.execute("DEALLOCATE planned")
    top: dict[str, Any] = found[0][0]["Plan"]
    return top


@pytest.fixture(scope="module")
def fresh(postgresql_engine: Engine) -> Iterator[Engine]:
    """Open a database that never held a row: nothing is known of its tables."""
    with empty_database(postgresql_engine.url.render_as_string(hide_password=False)) as url:
        engine = open_engine(url)
        Row.metadata.create_all(engine)
        yield short_engine(engine)
        engine.dispose()


@pytest.mark.parametrize("name", STATEMENTS)
def test_each_statement_goes_by_the_indexes_meant_for_it(fresh: Engine, name: str) -> None:
    for scan in scans(plan(fresh, STATEMENTS[name])):
        table = f"{scan['Relation Name']} {scan['Alias'][0]}"
        assert scan.get("Index Name") in MEANT[table], f"{table}: {scan['Node Type']} {scan.get('Index Name')}"
        assert "Index Cond" in scan, f"{table}: {scan['Index Name']} is read from one end to the other"


def test_gold_is_looked_for_by_the_same_indexes(fresh: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TYPES, "below", "bigint")
    monkeypatch.setitem(TYPES, "window", "integer")
    statement = Numbered(re.sub(r":(\w+)", r"%(\1)s", UNSEEN.text))

    found = list(scans(plan(fresh, statement)))

    assert {scan["Index Name"] for scan in found} == {"ix_task_open", "ix_assignment_voice"}
