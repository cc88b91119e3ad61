"""Fixtures for all tests: an empty store on SQLite and on PostgreSQL, and a page in a real browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, ViewportSize
from sqlalchemy import Engine

from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.rows import Row
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.running.browser import NoBrowser, browser_is_required, running_browser
from tests.running.postgres import empty_tables, running_postgres

DESKTOP: ViewportSize = {"width": 1280, "height": 900}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the stateful tests run longer than they do by themselves."""
    parser.addoption("--steps", type=int, help="steps of the stateful machine on each database")
    parser.addoption("--machine-seed", type=int, help="where the stateful machine starts")


@pytest.fixture(scope="session")
def postgresql_engine() -> Iterator[Engine]:
    """Open a PostgreSQL database that belongs to this test run and holds all tables; kept open to empty them."""
    with running_postgres() as url:
        engine = open_engine(url)
        Row.metadata.create_all(engine)
        yield engine
        engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make one SQLite file that holds all tables: a copy of it is cheaper than making them for every test."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    Row.metadata.create_all(engine)
    engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of a database with all tables, all of them empty; every test that asks runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "crowd_hitl.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        return f"sqlite:///{path}"
    engine: Engine = request.getfixturevalue("postgresql_engine")
    # Before the test, not after it: what a failed or killed test left does not reach the next one.
    empty_tables(engine, Row.metadata)
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def store(database_url: str) -> Iterator[Engine]:
    """Open the empty database."""
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def unit_of_work(store: Engine) -> UnitOfWork:
    """Give a unit of work on the empty database."""
    return UnitOfWork(store)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run Chromium once for all tests; without one they fail, unless CROWD_HITL_REQUIRE_BROWSER=0."""
    try:
        with running_browser() as running:
            yield running
    except NoBrowser as missing:
        if browser_is_required():
            raise
        pytest.skip(str(missing))


@pytest.fixture
def complaints() -> list[str]:
    """Collect what the pages complained of; a test that provokes an error on purpose takes it out of this list."""
    return []


@pytest.fixture
def browser_context(browser: Browser, complaints: list[str]) -> Iterator[BrowserContext]:
    """Open a fresh browser profile; the test fails if any of its pages broke the CSP or threw an error."""
    context = browser.new_context(locale="en-US", timezone_id="UTC", viewport=DESKTOP, reduced_motion="reduce")

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def note_error(error: Error) -> None:
        complaints.append(f"{error.name}: {error.message}")

    context.on("console", note_message)
    context.on("weberror", lambda caught: note_error(caught.error))
    yield context
    context.close()
    assert not complaints, "the pages complained:\n" + "\n".join(complaints)


@pytest.fixture
def page(browser_context: BrowserContext) -> Page:
    """Open a page."""
    return browser_context.new_page()
