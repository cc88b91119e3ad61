"""Workers draw boxes and polygons over images: by mouse, finger, keyboard alone; what is stored is what was drawn."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from tests.browser.marking import Asked, Stage, an_open_batch, answers_of
from tests.browser.serving import Site
from tests.browser.test_pages import LOOKS, violations
from tests.screenshots import sign_in

LABELS = ["Car", "Van", "Motorbike"]


def opened(page: Page, site: Site, asked: Asked) -> tuple[Stage, int]:
    """Publish the work and open its page as a worker."""
    batch_id = an_open_batch(site.house, asked)
    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/work")
    page.locator(f'a.btn[href="/work/{batch_id}"]').click()
    return Stage(page), batch_id


def submitted(page: Page) -> None:
    """Submit by Enter, and wait until the server has it."""
    with page.expect_response(lambda reply: reply.url.endswith("/submit")) as reply:
        page.keyboard.press("Enter")
    assert reply.value.status == 200, reply.value.text()


def pictured(page: Page, name: str) -> None:
    """Keep a picture where one is asked for."""
    folder = os.environ.get("CROWD_HITL_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_boxes_are_drawn_moved_and_named_with_the_mouse(page: Page, site: Site) -> None:
    stage, batch_id = opened(page, site, Asked("boxes-mouse", "boxes", {"labels": LABELS, "unit": "pixel"}))
    expect(page.locator(".item")).to_have_count(0)  # the widget draws it, and nobody else
    stage.drag((50, 102), (90, 194))
    page.keyboard.press("Enter")
    expect(page.locator(".says")).to_have_text("Give box 1 a label first")
    page.get_by_role("button", name="Car").first.click()
    stage.drag((70, 150), (170, 150))  # moved as a whole
    stage.drag((190, 194), (200, 210))  # by its lower right handle
    stage.drag((300, 400), (340, 440))
    page.keyboard.press("2")
    expect(stage.marks).to_have_count(2)
    page.reload()

    stage = Stage(page)
    expect(stage.marks).to_have_count(2)
    stage.click(320, 420)
    page.get_by_label("width", exact=True).fill("60.5")
    page.get_by_label("width", exact=True).press("Enter")
    page.keyboard.press("Delete")
    expect(stage.marks).to_have_count(1)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    expect(stage.marks).to_have_count(2)
    submitted(page)
    (boxes,) = answers_of(site.house, batch_id)
    assert [box["label"] for box in boxes] == ["Car", "Van"]
    assert boxes[1] == {"x": 300, "y": 400, "width": 60.5, "height": 40, "label": "Van"}
    assert [boxes[0][side] for side in ("x", "y", "width", "height")] == pytest.approx([150, 102, 50, 108], abs=2)


def test_boxes_are_drawn_by_keyboard_alone(page: Page, site: Site) -> None:
    asked = Asked("boxes-keys", "boxes", {"labels": LABELS, "unit": "pixel", "max_count": 2})
    stage, batch_id = opened(page, site, asked)
    page.keyboard.press("0")
    expect(page.get_by_role("button", name="Nothing to mark")).to_have_attribute("aria-pressed", "true")
    submitted(page)

    stage = Stage(page)
    page.keyboard.press("b")  # a quarter of the image, in its middle
    page.keyboard.press("3")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Alt+ArrowRight")
    page.keyboard.press("Shift+Alt+ArrowDown")
    page.keyboard.press("b")
    page.keyboard.press("b")
    expect(page.get_by_text("No more than 2 boxes")).to_be_attached()
    expect(stage.marks).to_have_count(2)
    expect(page.locator(".marks-list .on")).to_contain_text("Motorbike 2")  # called what the last one was called
    page.keyboard.press("1")
    page.keyboard.press("Shift+Tab")
    expect(page.locator(".marks-list .on")).to_contain_text("Motorbike 1")
    submitted(page)
    nothing, boxes = answers_of(site.house, batch_id)
    assert nothing == []
    assert {"x": 350, "y": 224, "width": 241, "height": 160, "label": "Motorbike"} in boxes
    assert {"x": 360, "y": 225, "width": 240, "height": 150, "label": "Car"} in boxes


def test_polygons_are_drawn_with_the_mouse(page: Page, site: Site) -> None:
    stage, batch_id = opened(page, site, Asked("outlines-mouse", "polygons", {"labels": ["Car"], "unit": "fraction"}))
    for corner in ((480, 60), (720, 60), (720, 300)):
        stage.click(*corner)
    page.keyboard.press("Control+z")
    stage.click(720, 360)
    stage.click(480, 360)
    expect(stage.marks).to_have_count(0)
    stage.click(481, 61)  # back on the first
    expect(stage.marks).to_have_count(1)
    stage.drag((720, 360), (624, 360))  # one corner
    stage.drag((552, 360), (552, 420))  # the handle between two corners makes a new one
    page.reload()

    expect(Stage(page).marks).to_have_count(1)
    submitted(page)
    ((outline,),) = answers_of(site.house, batch_id)
    found = sorted(tuple(point) for point in outline["points"])
    wanted = sorted([(0.5, 0.1), (0.75, 0.1), (0.65, 0.6), (0.575, 0.7), (0.5, 0.6)])
    for point, near in zip(found, wanted, strict=True):
        assert point == pytest.approx(near, abs=0.004)


def test_polygons_are_drawn_by_keyboard_alone(page: Page, site: Site) -> None:
    asked = Asked("outlines-keys", "polygons", {"labels": ["Car", "Van"], "unit": "pixel", "min_count": 1})
    stage, batch_id = opened(page, site, asked)
    page.keyboard.press("0")  # one at least is asked for
    page.keyboard.press("b")  # a cross in the middle
    for keys in (["Shift+ArrowUp"], ["Shift+ArrowRight"] * 2, ["Shift+ArrowDown"] * 3):
        page.keyboard.press("Space")
        for key in keys:
            page.keyboard.press(key)
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    expect(stage.marks).to_have_count(1)
    page.keyboard.press(".")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("a")
    page.keyboard.press("ArrowLeft")
    submitted(page)
    ((outline,),) = answers_of(site.house, batch_id)
    assert outline["label"] == "Van"
    assert sorted(map(tuple, outline["points"])) == [(478.5, 295), (479, 300), (480, 290), (500, 290), (500, 320)]


def test_what_the_server_would_refuse_is_said_before(page: Page, site: Site) -> None:
    stage, _ = opened(page, site, Asked("outlines-wrong", "polygons", {"labels": ["Car"]}))
    says = page.locator(".says")
    page.keyboard.press("Enter")
    expect(says).to_have_text("Draw an outline, or say that there is nothing to mark")
    for corner in ((100, 100), (300, 300), (300, 100), (100, 400)):
        stage.click(*corner)
    page.keyboard.press("Enter")
    expect(stage.marks).to_have_count(1)
    page.keyboard.press("Enter")
    expect(says).to_contain_text("crosses or touches itself")


def fingers(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """Put fingers on the screen, move them, lift them."""
    touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})


def test_fingers_draw_and_zoom(browser: Browser, site: Site) -> None:
    page = browser.new_context(**LOOKS["phone"]).new_page()
    stage, batch_id = opened(page, site, Asked("boxes-touch", "boxes", {"labels": ["Car"], "unit": "percent"}))
    hand = page.context.new_cdp_session(page)
    fingers(hand, "touchStart", stage.at(96, 60))
    fingers(hand, "touchMove", stage.at(300, 200))
    fingers(hand, "touchMove", stage.at(480, 300))
    fingers(hand, "touchEnd")
    expect(stage.marks).to_have_count(1)
    before = stage.image.bounding_box()
    fingers(hand, "touchStart", stage.at(400, 300), stage.at(560, 300))
    fingers(hand, "touchMove", stage.at(240, 300), stage.at(720, 300))
    fingers(hand, "touchEnd")
    after = stage.image.bounding_box()
    assert before is not None and after is not None and after["width"] > 2 * before["width"]
    expect(stage.marks).to_have_count(1)
    page.get_by_role("button", name="Fit").tap()
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").tap()
    ((box,),) = answers_of(site.house, batch_id)
    assert [box[side] for side in ("x", "y", "width", "height")] == pytest.approx([10, 10, 40, 40], abs=1)
    page.context.close()


@pytest.mark.parametrize("look", ["desktop", "phone", "dark"])
@pytest.mark.parametrize("kind", ["boxes", "polygons"])
def test_the_form_is_accessible_silent_and_fits(
    kind: str, look: str, browser: Browser, site: Site, axe_source: str
) -> None:
    page = browser.new_context(**LOOKS[look]).new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    settings: dict[str, Any] = {"labels": [*LABELS, *(f"Lorry {number}" for number in range(8))]}
    stage, _ = opened(page, site, Asked(f"{kind}-{look}", kind, settings))
    pictured(page, f"{kind}-{look}-0")
    draw = draw_boxes if kind == "boxes" else draw_outlines
    draw(page, stage)
    pictured(page, f"{kind}-{look}-1")
    assert violations(page, axe_source) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if look == "phone":
        for button in page.locator(".marks button:visible").all():
            box = button.bounding_box()
            assert box is not None and box["height"] >= 44, button.inner_text()
        page.locator(".wmain").evaluate("main => { main.scrollTop = 9999 }")
        pictured(page, f"{kind}-{look}-2")
    assert complaints == []
    page.context.close()


def draw_boxes(page: Page, stage: Stage) -> None:
    """Draw four, one without a label yet."""
    stage.drag((300, 414), (340, 506))
    page.keyboard.press("Escape")
    for number, left in enumerate((50, 114, 242)):
        stage.drag((left, 102), (left + 40, 194))
        page.keyboard.press(str(number + 1))
    expect(stage.marks).to_have_count(4)


def draw_outlines(page: Page, stage: Stage) -> None:
    """Draw one, choose a point of it, and begin another."""
    for corner in ((240, 95), (290, 95), (295, 200), (235, 200)):
        stage.click(*corner)
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    for corner in ((500, 400), (560, 400), (570, 520)):
        stage.click(*corner)
    pictured(page, f"outlines-drawing-{page.viewport_size['width'] if page.viewport_size else ''}")
    page.keyboard.press("Enter")
    page.keyboard.press("2")
    page.keyboard.press(".")
    expect(stage.marks).to_have_count(2)
