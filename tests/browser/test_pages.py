"""Both faces in a real browser: a worker labels by keyboard, a requester sees what came of it; every page is clean."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.serving import Site
from tests.builders import PASSWORD
from tests.screenshots import DESKTOP, PHONE, settle, shots_of, sign_in

LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": DESKTOP, "locale": "en-US", "timezone_id": "UTC"},
    "phone": {"viewport": PHONE, "locale": "en-US", "timezone_id": "UTC", "has_touch": True, "is_mobile": True},
    "dark": {"viewport": DESKTOP, "locale": "en-US", "timezone_id": "UTC", "color_scheme": "dark"},
}
# In the dark nothing but the colours differs.
ONLY = {"dark": ["color-contrast"]}


def violations(page: Page, axe_source: str, *, only: list[str] | None = None) -> list[str]:
    """Run axe-core on the page, all its rules or only these, and name what it finds."""
    page.evaluate(axe_source)
    options = {"runOnly": only} if only else {}
    found: list[dict[str, Any]] = page.evaluate("async (options) => (await axe.run(options)).violations", options)
    return [f"{one['id']}: {node['html'][:160]}" for one in found for node in one["nodes"]]


def test_a_worker_labels_by_keyboard_and_the_requester_sees_it(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.worker)
    expect(page.get_by_role("heading", name="Your work")).to_be_visible()
    page.locator(f'a.btn[href="/work/{site.made.open_batch}"]').click()
    text = label_one_and_change_it(page)
    page.get_by_label("Stop here").click()
    expect(page.get_by_role("heading", name="Your work")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

    sign_in(page, site, login=site.made.requester)
    page.get_by_role("link", name="Film review polarity").click()
    expect(page.locator(".spine")).to_contain_text("Answers")
    page.get_by_role("link", name="Batches", exact=False).first.click()
    page.get_by_role("link", name="The rest").click()
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    page.goto(f"{site.address}/projects/{site.made.films}/labels")
    page.get_by_label("Key or text").fill(text.split(".")[0])
    page.get_by_label("Key or text").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Show all labels")
    page.goto(f"{site.address}/projects/{site.made.digits}/rounds")
    expect(page.locator("ch-chart svg")).to_have_count(2)
    expect(page.get_by_text("was tried beside people's answers")).to_be_visible()
    page.get_by_role("button", name="Table: Model accuracy").click()
    expect(page.locator("ch-chart table").last).to_be_visible()


def label_one_and_change_it(page: Page) -> str:
    """Answer the item on the screen by keyboard, take it back, answer otherwise; return the item's text."""
    item = page.locator(".item p")
    expect(item).to_be_visible()
    first = item.inner_text()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(item).not_to_have_text(first)
    expect(page.locator("#session-earned")).to_have_text("$0.05")
    page.keyboard.press("Control+z")
    expect(item).to_have_text(first)
    with page.expect_response(lambda reply: reply.request.method == "PUT" and "/answers/" in reply.url) as replaced:
        page.keyboard.press("2")
        page.keyboard.press("Enter")
    assert replaced.value.status == 200
    return first


def test_who_needs_longer_asks_for_more_time(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.worker)
    page.clock.install()
    page.goto(f"{site.address}/work/{site.made.open_batch}")
    expect(page.locator(".item p")).to_be_visible()
    expect(page.get_by_role("timer")).to_have_count(0)
    page.clock.fast_forward("13:30")  # of the fifteen minutes
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^1:\d\d left$"))
    page.set_viewport_size(PHONE)
    if folder := os.environ.get("CROWD_HITL_PICTURES"):
        page.screenshot(path=Path(folder) / "more-time-phone.png")
    assert page.evaluate("document.querySelector('.wmain').getBoundingClientRect().right <= window.innerWidth")

    page.get_by_role("button", name="More time").click()

    expect(page.get_by_role("timer")).to_have_count(0)
    page.get_by_label("Stop here").click()
    expect(page.get_by_role("heading", name="Your work")).to_be_visible()


@pytest.mark.parametrize("look", ["desktop", "phone", "dark"])
def test_every_page_is_accessible_silent_and_fits(look: str, browser: Browser, site: Site, axe_source: str) -> None:
    complaints: list[str] = []
    found: dict[str, list[str]] = {}
    for login in (None, site.made.worker, site.made.requester):
        page = browser.new_context(**LOOKS[look]).new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        if login is not None:
            sign_in(page, site, login=login)
        for shot in shots_of(site.made):
            if shot.login == login:
                page.goto(site.address + shot.path)
                settle(page)
                found[shot.name] = violations(page, axe_source, only=ONLY.get(look))
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found[shot.name] += [f"{wide} px too wide"] if wide > 0 else []
        page.context.close()

    assert {name: said for name, said in found.items() if said} == {}
    # one page that is not there is asked for on purpose
    assert [said for said in complaints if "404" not in said] == []


def test_more_rows_and_filters_need_no_new_page(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.digits}/labels")
    rows = page.locator("#rows > tr")
    expect(rows).to_have_count(50)
    page.evaluate("window.samePage = true")
    page.get_by_role("link", name="Show more").click()
    expect(rows).to_have_count(100)

    page.get_by_label("Order").select_option("unsure")
    expect(page).to_have_url(re.compile("order=unsure"))
    expect(rows).to_have_count(50)
    page.get_by_role("link", name="Show more").click()
    expect(rows).to_have_count(100)
    assert page.evaluate("window.samePage") is True


def test_a_filter_that_means_nothing_leads_to_a_page_that_says_so(
    page: Page, site: Site, complaints: list[str]
) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.digits}/labels")
    page.get_by_label("Below confidence").fill("very sure")
    page.get_by_label("Below confidence").press("Enter")
    expect(page.get_by_role("heading", name="This cannot be understood")).to_be_visible()
    expect(page.locator("main")).to_contain_text("a confidence such as 0.95")
    complaints.clear()  # the refusal (400) that was provoked


def test_who_is_signed_out_is_asked_to_sign_in_and_led_back(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/projects/{site.made.digits}/rounds")
    page.get_by_label("Login").fill(site.made.requester)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.address}/projects/{site.made.digits}/rounds")


def test_lists_and_filters_work_without_script(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False, viewport=DESKTOP, locale="en-US")
    page = context.new_page()
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.digits}/labels")
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#rows > tr")).to_have_count(50)
    page.get_by_label("Below confidence").fill("0.01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#list")).to_contain_text("No label fits")
    context.close()


def test_a_requester_decides_on_answers_and_moves_a_batch(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.films}/batches/{site.made.manual_batch}")
    waiting = page.locator("#undecided li")
    page.get_by_role("button", name="Approve, pay $0.05").first.click()
    expect(page.get_by_role("status").first).to_contain_text("approved and paid")
    page.locator("#undecided summary").first.click()
    page.get_by_label("Reason, shown to the worker").first.fill("The text says the opposite.")
    page.get_by_role("button", name="Reject, pay nothing").first.click()
    expect(page.get_by_role("status").first).to_contain_text("rejected")
    expect(waiting.first).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("h1")).to_contain_text("Paused")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("h1")).to_contain_text("Open")


@pytest.mark.parametrize(
    "elsewhere", ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)"]
)
def test_signing_in_never_leads_to_another_site(page: Page, site: Site, complaints: list[str], elsewhere: str) -> None:
    page.goto(f"{site.address}/signin?next={elsewhere}")
    page.get_by_label("Login").fill(site.made.requester)
    page.get_by_label("Password").fill("wrong, so far")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Login or password is wrong")
    expect(page.get_by_label("Login")).to_have_value(site.made.requester)
    complaints.clear()  # the refusal (401) that was provoked

    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site.address}/projects")
