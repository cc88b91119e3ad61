"""A requester looks at gold that good workers contradict, corrects it, confirms and retires other gold."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.inference.calibrating import Calibration, reliability
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.measuring import write_calibration
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import BatchRow
from tests import builders
from tests.browser.serving import Site
from tests.browser.test_pages import violations
from tests.screenshots import DESKTOP, PHONE, sign_in

WORKERS = 6
SLUG = "shop-signs"


def signs(session: Session) -> int:
    """Publish eight signs and three known ones, of which one is known wrongly; return the batch."""
    now = builders.NOON
    project = builders.a_project(session, slug=SLUG, name="Shop signs", now=now)
    for number in range(8):
        builders.an_item(session, project, key=f"sign-{number}", text=f"Sign number {number}, on a corner.")
    for key, text in (("wrong", "We close early today."), ("right", "Come in!"), ("spare", "Fresh bread.")):
        builders.an_item(session, project, key=key, text=text, gold="positive")
    budget = builders.a_budget(session, name="Signs")
    batch = builders.a_batch(session, project, budget, overlap_min=WORKERS, overlap_max=WORKERS, gold_rate=0.375)
    return batch.id


def answer_all(session: Session, *, batch_id: int) -> None:
    """Let six workers answer everything: all say what is on the sign, and the wrongly known one is negative."""
    batch = session.get_one(BatchRow, batch_id)
    for worker in session.scalars(select(WorkerRow).where(WorkerRow.simulated).order_by(WorkerRow.id).limit(WORKERS)):
        while offered := claim(session, batch_id=batch_id, worker_id=worker.id, count=1, now=builders.NOON):
            key = session.get_one(ItemRow, offered[0].item_id).key
            says = "negative" if key == "wrong" or key[-1] in "1357" else "positive"
            builders.an_answer(session, batch, worker, value=says)


def believed() -> dict[str, Any]:
    """Make up what sixty known answers say of the confidence of labels."""
    claimed = np.array([0.55] * 10 + [0.75] * 15 + [0.92] * 15 + [0.98] * 20)
    right = np.array([0.0, 1.0] * 5 + [1.0] * 10 + [0.0] * 5 + [1.0] * 13 + [0.0] * 2 + [1.0] * 20)
    return {"calibration": Calibration(base=1.7, mixing=0.02, gold=60), "reliability": reliability(claimed, right)}


def looked_at(page: Page, axe_source: str, *, name: str) -> None:
    """Hold the page to the rules of access, wide and narrow; keep a picture where one is asked for."""
    folder = os.environ.get("CROWD_HITL_PICTURES")
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        assert violations(page, axe_source) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{size['width']}.png", full_page=True)


def test_suspect_gold_is_shown_with_its_votes_and_corrected(page: Page, site: Site, axe_source: str) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.empty}/gold")
    expect(page.get_by_role("heading", name="No gold yet")).to_be_visible()
    assert violations(page, axe_source) == []
    batch_id = site.house.uow.run(signs)
    site.house.uow.run(answer_all, batch_id=batch_id)
    agree(site.house.uow, batch_id=batch_id, plugins=site.house.plugins)

    page.goto(f"{site.address}/projects/{SLUG}/workers")
    expect(page.locator("tbody tr").first).to_contain_text("2 of 2")
    page.get_by_role("link", name="Gold").click()
    suspect = page.locator("#suspects li")
    expect(suspect).to_contain_text("Known to be Positive; answered: Negative 6")
    looked_at(page, axe_source, name="gold-suspect")
    suspect.get_by_role("button", name="Correct wrong").click()

    expect(page.get_by_role("status")).to_contain_text("Corrected")
    expect(page.get_by_role("status")).to_contain_text("6 workers’ shares right on gold changed")
    expect(page.locator("#suspects")).to_have_count(0)
    expect(page.get_by_role("row", name="We close early today.")).to_contain_text("before: Positive")
    project_id = site.house.uow.read(lambda session: session.get_one(BatchRow, batch_id).project_id)
    site.house.uow.run(write_calibration, project_id=project_id, field="label", **believed())
    page.reload()
    expect(page.locator("#belief")).to_contain_text("those are right")
    bread = page.get_by_role("row", name="Fresh bread.")
    bread.locator("summary").click()
    looked_at(page, axe_source, name="gold")
    bread.get_by_role("button", name="Retire").click()
    expect(page.get_by_role("status")).to_contain_text("Retired")
    expect(page.get_by_text("2 known answers in use, 1 retired")).to_be_visible()
