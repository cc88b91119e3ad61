"""What the database alone can do: claim a row, write an answer, each a transaction; by PostgreSQL's own pgbench."""

import importlib.util
import re
import subprocess
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import URL

from tests.running.postgres import PACKAGE, PROGRAMS

TABLES = """
DROP TABLE IF EXISTS yard_task, yard_answer;
CREATE TABLE yard_task (id bigint PRIMARY KEY, places_left int NOT NULL CHECK (places_left >= 0));
CREATE TABLE yard_answer (id bigserial PRIMARY KEY, task_id bigint NOT NULL, worker int NOT NULL, value text NOT NULL);
INSERT INTO yard_task SELECT i, 1000000 FROM generate_series(1, 10000) AS i;
ANALYZE yard_task;
"""
SCRIPT = r"""
\set first random(1, 9000)
UPDATE yard_task SET places_left = places_left - 1
WHERE id = (SELECT id FROM yard_task WHERE id >= :first AND places_left > 0 ORDER BY id LIMIT 1
            FOR UPDATE SKIP LOCKED)
RETURNING id AS task_id \gset
INSERT INTO yard_answer (task_id, worker, value) VALUES (:task_id, :client_id, 'positive');
"""


def claims_and_answers_per_second(url: URL, *, clients: int, seconds: int = 10) -> float:
    """Return how many pairs of a claim and an answer this database commits in a second."""
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(TABLES)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPT)
        script.flush()
        options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", script.name]
        done = subprocess.run([_pgbench(), *options, plain], capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout
    return round(float(found[1]), 1)


def _pgbench() -> str:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None and spec.submodule_search_locations, f"{PACKAGE} is not installed"
    return str(Path(next(iter(spec.submodule_search_locations))) / PROGRAMS / "pgbench")
