"""A house on both databases that another process can open, too, and a long import for it."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from crowd_hitl.bootstrap import build_house
from crowd_hitl.edge.house import House
from crowd_hitl.services.jobbing import Wanted, queue_job
from crowd_hitl.settings import Settings
from crowd_hitl.store.job_rows import JobRow
from crowd_hitl.store.migrating import FOLDER, newest_revision
from tests.builders import a_project


@pytest.fixture
def house(store: Engine, database_url: str, tmp_path: Path) -> Iterator[House]:
    with store.begin() as connection:
        # The tables were made without migrations; say that they are what the newest revision makes.
        MigrationContext.configure(connection).stamp(ScriptDirectory(str(FOLDER)), newest_revision())
    url = None if database_url.startswith("sqlite") else database_url
    opened = build_house(Settings(data=tmp_path, database_url=url, tick_seconds=0.05, job_lease_seconds=1.0))
    yield opened
    opened.uow.engine.dispose()


def an_import(house: House, *, rows: int, bad: int = 0) -> int:
    """Queue the import of an uploaded file into a new project; the last `bad` rows have no key."""
    project = house.uow.run(lambda session: a_project(session))
    lines = [json.dumps({"key": f"r{number}", "text": f"review {number}"}) for number in range(rows)]
    lines += [json.dumps({"text": "without a key"})] * bad
    house.storage.put("uploads/reviews.jsonl", BytesIO("\n".join(lines).encode()))
    payload = {"project_id": project.id, "upload": "uploads/reviews.jsonl", "format": "jsonl", "slug": project.slug}
    wanted = Wanted(kind="import", key="import:1", payload=payload, organisation_id=project.organisation_id)
    return house.uow.run(queue_job, wanted=wanted).id


def job_row(house: House, job_id: int) -> JobRow:
    row: JobRow = house.uow.read(lambda session: session.get_one(JobRow, job_id))
    return row
