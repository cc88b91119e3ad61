"""Pairs and rankings in a real browser: answered by keyboard alone and by hand, kept over a reload, stored as given."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests import builders
from tests.browser.comparing import PAIRS, SECRET, Bench, answers_of, comparing
from tests.browser.test_pages import LOOKS, ONLY, violations
from tests.screenshots import DESKTOP, PHONE


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Serve the application."""
    with comparing(tmp_path_factory.mktemp("comparing")) as running:
        yield running


def at_work(page: Page, bench: Bench, batch: str, *, login: str) -> None:
    """Sign in and start the work from the list."""
    page.goto(f"{bench.address}/signin")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(builders.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(f'a.btn[href="/work/{bench.batches[batch]}"]').click()
    expect(page.locator("ch-pairwise .pair-form, ch-ranking .ranking")).to_be_visible()


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


def said_of(page: Page) -> str:
    """Tell which pair is on the screen, by its key."""
    text = page.locator(".pair-context p").inner_text()
    return f"pairs-{[row['text'] for row in PAIRS].index(text) + 1}"


def test_pairs_are_answered_by_keyboard_alone_and_kept_over_a_reload(page: Page, bench: Bench) -> None:
    at_work(page, bench, "pairs", login="kim")
    chosen = page.locator("[role=radio][aria-checked=true]")
    given: dict[str, Any] = {}
    keys = ["2", "0", "1", "ArrowRight"]
    for number, key in enumerate(keys):
        expect(chosen).to_have_count(0)
        on_screen = said_of(page)
        row = PAIRS[int(on_screen[-1]) - 1]
        expect(page.locator("[data-side=left] .pair-body")).to_have_text(str(row["a"]).strip())
        assert SECRET not in page.content()
        page.keyboard.press(key)
        expect(chosen).to_have_count(1)
        if number == 1:
            page.reload()
            expect(chosen).to_have_attribute("data-value", "tie")
            assert said_of(page) == on_screen
        given[on_screen] = {"label": {"2": "right", "0": "tie", "1": "left", "ArrowRight": "right"}[key]}
        with page.expect_response(lambda reply: reply.url.endswith("/submit")):
            page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="No work left here right now")).to_be_visible()
    assert answers_of(bench, "kim", "pairs") == given
    page.keyboard.press("Control+z")
    page.keyboard.press("1")
    with page.expect_response(lambda reply: reply.request.method == "PUT"):
        page.keyboard.press("Enter")
    assert list(answers_of(bench, "kim", "pairs").values())[-1] == {"label": "left"}


def test_a_long_text_scrolls_in_its_card_and_the_keys_stay(page: Page, bench: Bench) -> None:
    at_work(page, bench, "pairs", login="tao")
    for _ in PAIRS:
        if said_of(page) == "pairs-1":
            break
        page.locator("[data-side=left] .pair-body").click()
        page.get_by_role("button", name="Submit").click()
    for size in (DESKTOP, PHONE):
        page.set_viewport_size(size)
        page.evaluate("document.querySelector('[data-side=right] .pair-body').scrollTop = 0")
        for radio in page.locator("[role=radio]").all():
            expect(radio).to_be_in_viewport(ratio=1)
        page.locator("[data-side=right] h2").hover()
        page.keyboard.press("ArrowDown")
        page.wait_for_function("document.querySelector('[data-side=right] .pair-body').scrollTop > 50")
        pictured(page, f"long-{size['width']}")
        assert page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")


def row_of(page: Page, number: int) -> Any:
    return page.locator(f".rank-row[data-value=h{number}]")


def ranked(page: Page) -> list[str]:
    return [str(row.get_attribute("data-value")) for row in page.locator("ol .rank-row").all()]


def drag(page: Page, number: int, target: Any, *, name: str = "") -> None:
    """Take a row by its words and let it go on the upper edge of the target."""
    start, goal = row_of(page, number).bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + 120, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(goal["x"] + 120, goal["y"] + 20, steps=4)
    page.mouse.move(goal["x"] + 120, goal["y"] + 6, steps=2)
    if name:
        pictured(page, name)
    page.mouse.up()


def test_a_ranking_is_made_by_keyboard_alone_and_kept_over_a_reload(page: Page, bench: Bench) -> None:
    at_work(page, bench, "order", login="kim")
    page.keyboard.press("Enter")
    expect(page.locator(".says")).to_have_text("Choose the best one first")
    for key in ("3", "1", "ArrowUp", "5", "Delete", "Control+z", "Control+z"):
        page.keyboard.press(key)
    expect(page.locator("ol .rank-row")).to_have_count(2)
    assert ranked(page) == ["h1", "h3"]
    page.keyboard.press("Control+Shift+Z")
    expect(page.locator("ol .rank-row")).to_have_count(3)
    page.reload()
    expect(page.locator("ol .rank-row")).to_have_count(3)
    page.keyboard.press("4")  # and with it the last one
    expect(page.locator("ol .rank-row")).to_have_count(5)
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.keyboard.press("Enter")

    expect(page.locator("ol .rank-row")).to_have_count(0)
    assert list(answers_of(bench, "kim", "order").values()) == [{"label": ["h1", "h3", "h5", "h4", "h2"]}]


def test_a_ranking_is_made_by_dragging(page: Page, bench: Bench) -> None:
    at_work(page, bench, "two", login="kim")
    drag(page, 2, page.locator(".rank-slot"))
    expect(page.locator("ol .rank-row")).to_have_count(1)
    drag(page, 4, row_of(page, 2), name="dragging")
    assert ranked(page) == ["h4", "h2"]
    drag(page, 4, row_of(page, 5))
    assert ranked(page) == ["h2"]
    page.keyboard.press("Control+z")
    expect(page.locator("ol .rank-row")).to_have_count(2)
    drag(page, 2, row_of(page, 4))
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").click()

    assert list(answers_of(bench, "kim", "two").values()) == [{"best": ["h2", "h4"]}]


def swipe(page: Page, start: Any, goal: Any) -> None:
    """Move a finger from one thing to the upper edge of another."""
    finger = page.context.new_cdp_session(page)
    away, to = start.bounding_box(), goal.bounding_box()
    x, top, end = away["x"] + 20, away["y"] + 20, to["y"] + 4
    heights = [top + (end - top) * step / 5 for step in range(6)]
    for kind, height in [("touchStart", top), *(("touchMove", height) for height in heights)]:
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": height}]})
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_row_is_dragged_by_a_finger_at_its_grip(browser: Browser, bench: Bench) -> None:
    context = browser.new_context(**LOOKS["phone"])
    page = context.new_page()
    at_work(page, bench, "two", login="noa")
    swipe(page, row_of(page, 5).locator(".rank-grip"), page.locator(".rank-slot"))
    expect(page.locator("ol .rank-row")).to_have_count(1)
    swipe(page, row_of(page, 1).locator(".rank-grip"), row_of(page, 5))
    expect(page.locator("ol .rank-row")).to_have_count(2)
    assert ranked(page) == ["h1", "h5"]
    swipe(page, row_of(page, 1).locator(".rank-grip"), page.locator(".rank-rest .rank-row").first)
    expect(page.locator("ol .rank-row")).to_have_count(1)
    context.close()


def test_a_ranking_and_a_pair_are_made_with_a_thumb(browser: Browser, bench: Bench) -> None:
    context = browser.new_context(**LOOKS["phone"])
    page = context.new_page()
    at_work(page, bench, "two", login="tao")
    for number in (5, 1):
        row_of(page, number).locator(".rank-main").tap()
    row_of(page, 1).locator(".rank-main").tap()
    pictured(page, "thumb")
    up = row_of(page, 1).get_by_label("Move up")
    assert min(up.bounding_box()["width"], up.bounding_box()["height"]) >= 44
    up.tap()
    assert ranked(page) == ["h1", "h5"]
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").tap()
    assert list(answers_of(bench, "tao", "two").values())[-1] == {"best": ["h1", "h5"]}

    page.goto(f"{bench.address}/work/{bench.batches['pairs']}")
    page.locator("[data-side=right] h2").tap()
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").tap()
    assert list(answers_of(bench, "tao", "pairs").values())[-1] == {"label": "right"}
    context.close()


def test_images_and_recordings_stand_side_by_side(page: Page, bench: Bench, axe_source: str) -> None:
    at_work(page, bench, "media", login="kim")
    for _ in range(2):
        kind = "img" if page.locator(".pair-context p").inner_text() == "Two images" else "audio"
        expect(page.locator(f".pair-body {kind}")).to_have_count(2)
        there = {"img": "naturalWidth", "audio": "readyState"}[kind]  # 0 until it is loaded
        for one in page.locator(f".pair-body {kind}").all():
            expect(one).not_to_have_js_property(there, 0)
        page.keyboard.press("2")
        expect(page.locator("[role=radio][aria-checked=true]")).to_have_attribute("data-value", "right")
        pictured(page, f"media-{kind}")
        assert violations(page, axe_source) == []
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No work left here right now")).to_be_visible()
