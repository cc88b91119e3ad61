"""Pairs and rankings in a real browser: answered by keyboard alone and by hand, kept over a reload, stored as given."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from crowd_hitl.application import create_app
from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.settings import Settings
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, TaskRow
from tests import builders
from tests.browser.test_pages import LOOKS, ONLY, violations

SECRET = "the model's own score"
HOSTILE = '<img src=x onerror="alert(1)"> {{7*7}} ${7*7}'
LONG = "Bring the water to a boil, lower the eggs in with a spoon, and wait. " * 60
PAIRS: list[dict[str, Any]] = [
    {"text": "How do I boil an egg so that the yolk stays soft?", "a": "Six minutes in boiling water.", "b": LONG},
    {"text": "Say something kind.", "a": HOSTILE, "b": "שבע דקות, ואז מים קרים 🥚"},
    {"text": "What is 6 × 7?", "a": 42, "b": {"say": "四十二"}},
    {"text": "Which one is it?", "a": "This one."},
]
PAIR = {"prompt": "Which answer helps more?", "left": "a", "right": "b", "tie": True, "instructions": "Read both."}
HEADLINES = [
    "Harbour bridge opens after nine years",
    "Council votes on the price of water",
    "A quiet winter for the ski resorts: three of seven lifts stay closed until the snow comes back",
    "מזג האוויר: גשם בצפון 🌧",
    "Bakery wins a prize",
]
OPTIONS = [{"value": f"h{number}", "label": label} for number, label in enumerate(HEADLINES, 1)]
RANKING = {"prompt": "Put the headlines in order, the most newsworthy first.", "options": OPTIONS}
TOP_TWO = {**RANKING, "min_ranked": 1, "max_ranked": 2, "field": "best"}


@dataclass(frozen=True)
class Bench:
    """Where the application answers, and its batches by name."""

    address: str
    house: House
    batches: dict[str, int]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Serve an application with three batches: pairs, rankings of all and of the best two."""
    settings = Settings(data=tmp_path_factory.mktemp("comparing"), rate_limits=False)
    house = build_house(settings)
    batches = house.uow.run(furnish, questions=house.plugins.questions)
    server = make_server("127.0.0.1", 0, create_app(settings), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Bench(f"http://127.0.0.1:{server.server_port}", house, batches)
    server.shutdown()
    thread.join()
    house.uow.engine.dispose()


def furnish(session: Session, *, questions: Any) -> dict[str, int]:
    """Make the projects, publish them, and admit workers."""
    for login in ("kim", "tao", "noa"):
        builders.a_worker(session, login=login)
    texts = [{"text": f"The week of {day} November."} for day in (2, 9, 16)]
    wanted = (
        ("pairs", "pairwise", PAIR, PAIRS),
        ("order", "ranking", RANKING, texts),
        ("two", "ranking", TOP_TWO, texts),
    )
    budget = builders.a_budget(session)
    batches = {}
    for slug, kind, settings, rows in wanted:
        organisation = default_organisation(session, now=builders.NOON)
        spec = questions[kind].check_spec(settings)
        new = NewProject(slug=slug, name=slug.capitalize(), kind=kind, spec=spec)
        project = create_project(session, organisation_id=organisation.id, new=new, now=builders.NOON)
        for number, row in enumerate(rows, 1):
            item = builders.an_item(session, project, key=f"{slug}-{number}", text=row["text"])
            item.data = {**{name: value for name, value in row.items() if name != "text"}, "score": SECRET}
        batches[slug] = builders.a_batch(session, project, budget, name=slug, overlap_min=3).id
    return batches


def at_work(page: Page, bench: Bench, batch: str, *, login: str) -> None:
    """Sign in and start the work from the list."""
    page.goto(f"{bench.address}/signin")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(builders.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(f'a.btn[href="/work/{bench.batches[batch]}"]').click()
    expect(page.locator("ch-pairwise .pair, ch-ranking .ranking")).to_be_visible()


def answers_of(bench: Bench, login: str, batch: str) -> dict[str, Any]:
    """Read what this person answered, by the item's key."""

    def read(session: Session) -> dict[str, Any]:
        rows = (
            select(ItemRow.key, AnswerRow.value)
            .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
            .join(TaskRow, TaskRow.id == AssignmentRow.task_id)
            .join(ItemRow, ItemRow.id == TaskRow.item_id)
            .where(TaskRow.batch_id == bench.batches[batch])
            .order_by(AnswerRow.id)
        )
        return {key: value for key, value in session.execute(rows)}

    return bench.house.uow.read(read)


def pictured(page: Page, name: str) -> None:
    """Keep a picture where one is asked for."""
    folder = os.environ.get("CROWD_HITL_PICTURES")
    if folder:
        page.wait_for_function("document.fonts.status === 'loaded'")
        page.screenshot(path=Path(folder) / f"{name}.png")


@pytest.fixture(params=["desktop", "phone", "dark"])
def look(request: pytest.FixtureRequest) -> str:
    """Name a way to look at a page."""
    return str(request.param)


@pytest.mark.parametrize("batch", ["pairs", "order", "two"])
def test_looks(browser: Browser, bench: Bench, look: str, batch: str, axe_source: str) -> None:
    context: BrowserContext = browser.new_context(**LOOKS[look])
    page = context.new_page()
    at_work(page, bench, batch, login="noa")
    pictured(page, f"{batch}-{look}-start")
    for key in {"pairs": "1", "order": "31", "two": "2"}[batch]:
        page.keyboard.press(key)
    pictured(page, f"{batch}-{look}")
    assert violations(page, axe_source, only=ONLY.get(look)) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    context.close()
