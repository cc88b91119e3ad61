"""A requester plans from a pilot: asks, sees the work go on, reads chart and options, and chooses how to publish."""

import os
import re
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.jobs.consuming import run_due
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.assigning import claim
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import ItemRow
from tests import builders
from tests.browser.serving import Site
from tests.browser.test_pages import LOOKS, ONLY, violations
from tests.screenshots import settle, sign_in

WORKERS = 6


def a_pilot(session: Session, *, slug: str, items: int, gold: int = 0, waiting: int = 0) -> int:
    """Publish a batch of three answers each, let six workers answer it, and leave some items to wait."""
    project = builders.a_project(session, slug=slug, name=slug.replace("-", " ").capitalize())
    budget = builders.a_budget(session, name=slug, amount="60")
    for number in range(gold):
        builders.an_item(session, project, key=f"g{number}", text=f"Known menu {number}.", gold=truth(f"g{number}"))
    for number in range(items):
        builders.an_item(session, project, key=f"k{number}", text=f"Menu number {number}.")
    rate = 0.5 if gold else 0.0
    batch = builders.a_batch(session, project, budget, name="Pilot", overlap_min=3, overlap_max=3, gold_rate=rate)
    draw, moment = Random(3), builders.NOON
    people = session.scalars(select(WorkerRow).where(WorkerRow.simulated).order_by(WorkerRow.id).limit(WORKERS))
    for place, worker in enumerate(people):
        accuracy = (0.95, 0.9, 0.85, 0.8, 0.75, 0.65)[place]
        for _ in range((items + gold) // 2):
            moment += timedelta(minutes=1)
            offered = claim(session, batch_id=batch.id, worker_id=worker.id, count=1, now=moment)
            if not offered:
                break
            right = truth(session.get_one(ItemRow, offered[0].item_id).key)
            other = builders.CLASSES[1 - builders.CLASSES.index(right)]
            value = right if draw.random() < accuracy else other
            builders.an_answer(session, batch, worker, value=value, now=moment)
    for number in range(waiting):
        builders.an_item(session, project, key=f"w{number}", text=f"Menu that waits {number}.")
    return batch.id


def truth(key: str) -> str:
    return builders.CLASSES[int(key[1:]) % 2]


def looked_at(browser: Browser, site: Site, axe_source: str, *, path: str, name: str) -> None:
    """Hold a page to the rules of access in every look; keep a picture where one is asked for."""
    folder = os.environ.get("CROWD_HITL_PICTURES")
    for look in ("desktop", "phone", "dark", "phone-dark"):
        options = {**LOOKS["phone"], "color_scheme": "dark"} if look == "phone-dark" else LOOKS[look]
        page = browser.new_context(**options).new_page()
        sign_in(page, site, login=site.made.requester)
        page.goto(site.address + path)
        settle(page)
        assert violations(page, axe_source, only=ONLY.get(look)) == [], look
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), look
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{look}.png", full_page=True)
        page.context.close()


def test_a_plan_is_asked_for_worked_out_and_shown(page: Page, browser: Browser, site: Site, axe_source: str) -> None:
    batch_id = site.house.uow.run(a_pilot, slug="menus", items=60, gold=30, waiting=40)
    agree(site.house.uow, batch_id=batch_id, plugins=site.house.plugins)
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/menus/batches")
    page.get_by_role("link", name="Plan", exact=True).click()
    expect(page.get_by_role("heading", name="Not worked out yet")).to_be_visible()
    expect(page.get_by_label("Items to be labelled")).to_have_value("40")
    looked_at(browser, site, axe_source, path="/projects/menus/plan", name="plan-asked")

    page.get_by_text("Models and policies").click()
    page.get_by_label("GLAD").check()
    page.get_by_label("Items to be labelled").fill("500")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("status")).to_contain_text("Waits for its turn")
    looked_at(browser, site, axe_source, path="/projects/menus/plan", name="plan-waiting")
    run_due(site.house)

    # the page asks by itself what became of it
    expect(page.locator("#forecast")).to_contain_text("Confidence 0.95 on 500 items costs about", timeout=10_000)
    expect(page.locator("ch-chart svg")).to_have_count(1)
    page.get_by_role("button", name="Table: Accuracy for the money").click()
    expect(page.locator("ch-chart table")).to_contain_text("GLAD")
    expect(page.locator("#publish pre")).to_contain_text("crowd-hitl batch publish menus --price 0.05 --overlap-min 2")
    expect(page.locator("#publish")).to_contain_text("Only 40 items wait now")
    page.get_by_role("link", name="3 each").first.click()
    expect(page.locator("#publish pre")).to_contain_text("--overlap-min 3 --overlap-max 3 --confidence 0.95")
    expect(page.locator("#publish pre")).to_contain_text("--policy fixed --aggregator pooled")
    looked_at(browser, site, axe_source, path="/projects/menus/plan", name="plan")


def test_without_gold_the_page_says_that_accuracy_is_not_measured(
    page: Page, browser: Browser, site: Site, axe_source: str
) -> None:
    site.house.uow.run(a_pilot, slug="maps", items=40)
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/maps/plan")
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("status")).to_be_visible()
    run_due(site.house)
    expect(page.get_by_text("accuracy is not measured")).to_be_visible(timeout=10_000)
    expect(page.locator("#options thead").first).to_contain_text("Agreement")
    expect(page.locator("#publish")).to_contain_text("No item waits to be asked")
    looked_at(browser, site, axe_source, path="/projects/maps/plan", name="plan-estimated")


def test_too_little_to_plan_from_is_said(page: Page, browser: Browser, site: Site, axe_source: str) -> None:
    site.house.uow.run(a_pilot, slug="mugs", items=6)
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/mugs/plan")
    expect(page.get_by_role("heading", name="Too few answers")).to_be_visible()
    page.goto(f"{site.address}/projects/{site.made.empty}/plan")
    expect(page.get_by_role("heading", name="No pilot yet")).to_be_visible()
    looked_at(browser, site, axe_source, path=f"/projects/{site.made.empty}/plan", name="plan-empty")


@pytest.mark.parametrize(
    ("label", "value", "said"),
    [("Confidence wanted", "sure", "a confidence such as 0.95"), ("Answers an item, at most", "1", "overlap_max")],
)
def test_what_cannot_be_planned_is_said(page: Page, site: Site, label: str, value: str, said: str) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.films}/plan")
    page.get_by_label(label).fill(value)
    page.get_by_role("button", name="Work it out").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile(f"Nothing is worked out.*{said}"))
