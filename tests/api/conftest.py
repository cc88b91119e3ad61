"""Fixtures: the real application, on an embedded database or on both kinds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from crowd_hitl.application import create_app
from crowd_hitl.settings import Settings
from crowd_hitl.store.migrating import FOLDER, newest_revision
from tests.api.served import Served, embedded, serve, serve_embedded


@pytest.fixture(scope="session")
def peopled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Make one embedded database with everybody in it: a copy of it is cheaper than migrating for every test."""
    folder = tmp_path_factory.mktemp("peopled") / "data"
    running = serve_embedded(folder)
    running.house.uow.engine.dispose()
    return folder, running.tokens


@pytest.fixture
def served(tmp_path: Path, peopled: tuple[Path, dict[str, str]]) -> Iterator[Served]:
    """Serve the application from an embedded database that holds people and nothing else."""
    folder, tokens = peopled
    shutil.copytree(folder, tmp_path / "data")
    app = create_app(embedded(tmp_path / "data"))
    running = Served(app=app, tokens=tokens)
    yield running
    running.house.uow.engine.dispose()


@pytest.fixture
def served_on_both(store: Engine, database_url: str, tmp_path: Path) -> Iterator[Served]:
    """Serve the application from an empty database, once of each kind."""
    with store.begin() as connection:
        # The tables were made without migrations; say that they are what the newest revision makes.
        MigrationContext.configure(connection).stamp(ScriptDirectory(str(FOLDER)), newest_revision())
    running = serve(Settings(data=tmp_path / "data", database_url=database_url, rate_limits=False))
    yield running
    running.house.uow.engine.dispose()
