"""Decisions in a real browser: the broken button, the review queue by mouse and by keyboard, an appeal."""

from playwright.sync_api import Page, expect

from tests.browser.serving import Site
from tests.screenshots import sign_in


def test_a_worker_says_that_an_item_cannot_be_answered(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/work/{site.made.open_batch}")
    item = page.locator(".item p")
    first = item.inner_text()
    page.get_by_role("button", name="Can’t be answered").click()
    field = page.get_by_label("Why can’t it be answered?")
    expect(field).to_be_focused()
    field.press("1")
    field.press("Enter")
    expect(page.get_by_text("Say in a few words why")).to_be_visible()
    expect(item).to_have_text(first)
    field.fill("The text is cut off")
    with page.expect_response(lambda reply: reply.url.endswith("/submit")) as sent:
        field.press("Enter")

    assert sent.value.status == 200
    assert '"broken":"The text is cut off"' in (sent.value.request.post_data or "")
    expect(item).not_to_have_text(first)
    expect(field).to_have_count(0)
    expect(page.locator("#session-earned")).to_have_text("$0.05")


def test_a_requester_reviews_by_mouse_and_by_keyboard(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.films}")
    page.get_by_role("link", name="Review").click()
    page.wait_for_load_state()  # before that its keys do nothing
    rows = page.locator("[data-review]")
    many = rows.count()

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("a")
    expect(page.get_by_role("status").first).to_contain_text("Answer approved and paid")
    expect(rows).to_have_count(many - 1)

    rows.nth(0).get_by_role("checkbox").check()
    rows.nth(1).get_by_role("checkbox").check()
    page.get_by_role("button", name="Approve selected").click()
    expect(page.get_by_role("status").first).to_contain_text("2 answers approved and paid")
    expect(rows).to_have_count(many - 3)

    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("r")
    rows.nth(0).get_by_role("button", name="Pay, but do not use").click()
    expect(page.get_by_role("status").first).to_contain_text("paid, not used")
    expect(rows).to_have_count(many - 4)

    rows.nth(0).locator("summary").click()
    rows.nth(0).get_by_label("Reason, shown to the worker").select_option("other")
    rows.nth(0).get_by_role("textbox").fill("no")
    rows.nth(0).get_by_role("button", name="Reject, pay nothing").click()
    expect(page.get_by_role("alert")).to_contain_text("at least 10 characters")
    expect(rows).to_have_count(many - 4)


def test_all_of_one_worker_is_approved_at_once(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.films}/review")
    many = page.locator("[data-review]").count()
    worker = page.locator("#queue p a").first
    of_worker = int(worker.locator("span").inner_text())
    worker.click()
    page.get_by_role("button", name=f"Approve all {of_worker} of").click()
    expect(page.get_by_role("status").first).to_contain_text(f"{of_worker} of")
    expect(page.locator("[data-review]")).to_have_count(many - of_worker)


def test_an_appeal_goes_to_the_requester_and_comes_back(page: Page, site: Site) -> None:
    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/earnings")
    page.locator("#rejected summary").first.click()
    page.get_by_label("Why should it be looked at again?").fill("It says that everybody should go.")
    page.get_by_role("button", name="Send appeal").click()
    expect(page.get_by_role("status").first).to_contain_text("Your appeal was sent")
    expect(page.locator("#rejected")).to_contain_text("It says that everybody should go.")
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, site, login=site.made.requester)
    page.goto(f"{site.address}/projects/{site.made.films}/review")
    mine = page.locator("#appeals li").filter(has_text="It says that everybody should go.")
    mine.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_role("alert")).to_contain_text("reply: expected 10 to 2000 characters")
    mine.get_by_label("Reply to the worker").fill("You were right, sorry.")
    mine.get_by_role("button", name="Uphold").click()
    expect(page.get_by_role("status").first).to_contain_text("Appeal upheld")

    page.get_by_role("button", name="Put back").click()
    expect(page.get_by_role("status").first).to_contain_text("Item put back")
    expect(page.locator("#broken")).to_contain_text("No item was found broken")
    page.get_by_role("button", name="Sign out").click()

    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/earnings")
    expect(page.locator("#rejected")).to_contain_text("Upheld, paid")
    expect(page.locator("#rejected")).to_contain_text("You were right, sorry.")
