"""A requester grants a qualification and pauses a worker through the pages; the worker reads why."""

import re

from playwright.sync_api import Page, expect

from tests.browser.serving import Site
from tests.browser.test_pages import violations
from tests.screenshots import sign_in


def signed_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def made_and_granted(page: Page, site: Site, axe_source: str) -> None:
    """Make a qualification on its page and grant it to the site's worker."""
    page.get_by_role("link", name="Qualifications").click()
    assert violations(page, axe_source) == []
    page.get_by_label("Name, such as spanish").fill("patient")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("status")).to_contain_text("patient is made")
    page.get_by_label("Worker: login or pseudonym").fill("nobody")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("expected the login or pseudonym of a worker, found 'nobody'")
    page.get_by_label("Worker: login or pseudonym").fill(site.made.worker)
    page.get_by_label("Value, a number").fill("7.5")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(page.get_by_role("cell", name="7.5")).to_be_visible()
    assert violations(page, axe_source) == []


def paused(page: Page, axe_source: str) -> None:
    """Pause the worker whose page this is in one project."""
    page.locator("summary").click()
    assert violations(page, axe_source) == []
    page.locator("select[name=scope]").select_option(label="News topics")
    page.get_by_label("Reason, shown to the worker").fill("Please read the new instructions.")
    page.get_by_role("button", name=re.compile("^Keep")).click()
    expect(page.get_by_role("status")).to_contain_text("gets nothing of project News topics now")


def test_a_worker_is_qualified_paused_and_let_in_again(page: Page, site: Site, axe_source: str) -> None:
    sign_in(page, site, login=site.made.requester)
    made_and_granted(page, site, axe_source)
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", name="Qualifications")).to_be_visible()
    paused(page, axe_source)
    here = page.url
    signed_out(page)

    sign_in(page, site, login=site.made.worker)
    expect(page.get_by_role("status")).to_contain_text("Please read the new instructions.")
    assert violations(page, axe_source) == []
    signed_out(page)

    sign_in(page, site, login=site.made.requester)
    page.goto(here)
    page.get_by_role("button", name="Lift the pause from project News topics").click()
    expect(page.get_by_role("status")).to_contain_text("The pause is lifted")
    page.get_by_role("button", name="Revoke patient").click()
    expect(page.get_by_role("status")).to_contain_text("does not have patient any more")
    expect(page.get_by_text("This worker has none.")).to_be_visible()
