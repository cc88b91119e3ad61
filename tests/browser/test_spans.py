"""A worker marks passages of texts: by keyboard alone, by mouse, by finger; what is stored is what was seen."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.plugins.questions.spans import plugin
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, TaskRow
from tests import builders
from tests.browser.pointing import middle_of, swipe
from tests.browser.serving import Site
from tests.browser.test_pages import LOOKS, violations
from tests.screenshots import sign_in

QUESTION: dict[str, Any] = {
    "prompt": "Mark every name. Choose words, then their type.",
    "labels": [
        {"value": "PER", "label": "Person"},
        {"value": "LOC", "label": "Place"},
        {"value": "ORG", "label": "Organisation"},
        {"value": "MISC", "label": "Other name"},
    ],
}
NEWS = (
    "👋 Alpha Techs closes Lockhart purchase. NEW YORK 1996-08-23: Alpha Technologies Group Inc said it had closed on "
    "its agreement to acquire Lockhart Industries Inc. The company said in a statement late on Thursday that it issued "
    "280,556 shares of common stock for the stock of Lockhart.\n\nLockhart, based in Paramount, Calif., is a designer "
    "and manufacturer of sophisticated thermal management products."
)
HOSTILE = "<script>document.title='taken'</script> ${7*7} {{7*7}} <img src=x onerror=\"document.title='taken'\">"
MIXED = "بغداد مدينة كبيرة في العراق\n東京は日本の首都です。\nشركة Siemens AG في 日本 تعمل مع 👩‍👩‍👧 Zoe\u0301 Kravitz"
TEXTS = {"news": NEWS, "hostile": HOSTILE, "mixed": MIXED, "nobody": "It rained all day.", "long": ""}

MEDIAN_STEP = """async () => {
  const steps = [];
  const press = (key) => {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    document.activeElement.dispatchEvent(event);
  };
  for (let turn = 0; turn < 120; turn += 1) {
    const from = performance.now();
    press("ArrowRight");
    if (turn % 3 === 0) press("1");
    await document.querySelector("ch-spans").updateComplete;
    document.body.getBoundingClientRect();
    steps.push(performance.now() - from);
  }
  return steps.sort((one, other) => one - other)[60];
}"""


def marking(session: Session, *, slug: str, texts: dict[str, str], **settings: Any) -> int:
    """Publish a batch that asks for the passages in these texts."""
    organisation = default_organisation(session, now=builders.NOON)
    spec = plugin.check_spec({**QUESTION, **settings})
    new = NewProject(slug=slug, name=slug.replace("-", " ").capitalize(), kind="spans", spec=spec, is_class=False)
    project = create_project(session, organisation_id=organisation.id, new=new, now=builders.NOON)
    for key, text in texts.items():
        builders.an_item(session, project, key=key, text=text)
    budget = builders.a_budget(session, name=slug)
    return builders.a_batch(session, project, budget, overlap_min=1, overlap_max=1).id


def stored(site: Site, batch_id: int) -> dict[str, Any]:
    """Read what was answered, by the item's key."""

    def read(session: Session) -> dict[str, Any]:
        rows = session.execute(
            select(ItemRow.key, AnswerRow.value)
            .join(TaskRow, TaskRow.item_id == ItemRow.id)
            .join(AnswerRow, AnswerRow.task_id == TaskRow.id)
            .where(TaskRow.batch_id == batch_id)
        )
        return {key: value["label"] for key, value in rows}

    return site.house.uow.read(read)


def passages(text: str, spans: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Cut out of the text what the spans say, as Python counts."""
    return [(text[span["start"] : span["end"]], span["label"]) for span in spans]


def keep_picture(page: Page, name: str) -> None:
    """Keep a picture where pictures are asked for."""
    folder = os.environ.get("CROWD_HITL_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"spans-{name}.png")


def types_of(page: Page) -> Locator:
    """Find the types above the text."""
    return page.get_by_role("group", name="Types")


def press_all(page: Page, keys: str) -> None:
    """Press keys one after the other; they are parted by spaces."""
    for key in keys.split():
        page.keyboard.press({"→": "ArrowRight", "⇧→": "Shift+ArrowRight", "←": "ArrowLeft"}.get(key, key))


@pytest.fixture
def started(page: Page, site: Site, request: pytest.FixtureRequest) -> Iterator[tuple[Page, int]]:
    """Open the bench on a batch of its own with the texts that the test names."""
    asked: dict[str, Any] = request.param
    batch_id = site.house.uow.run(marking, **asked)
    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/work")
    page.locator(f'a.btn[href="/work/{batch_id}"]').click()
    expect(page.locator(".tokens")).to_be_visible()
    yield page, batch_id


def only(slug: str, *keys: str, **settings: Any) -> dict[str, Any]:
    return {"slug": slug, "texts": {key: TEXTS[key] for key in keys}, **settings}


@pytest.mark.parametrize("started", [only("names-by-key", "news")], indirect=True)
def test_by_keyboard_alone_with_a_reload_in_between(started: tuple[Page, int], site: Site, axe_source: str) -> None:
    page, batch_id = started
    text = page.locator(".tokens")
    page.keyboard.press("Enter")
    expect(page.locator(".says")).to_contain_text("nothing to mark (0)")
    press_all(page, "→ → ⇧→ 3")  # the wave is a step of its own
    press_all(page, "→ → 1 Shift+Tab")  # Lockhart, given the wrong type
    expect(page.locator(".marks li")).to_have_count(2)
    press_all(page, "3")
    assert violations(page, axe_source) == []
    page.reload()
    expect(page.locator(".marks li")).to_have_count(2)
    text.focus()
    press_all(page, "Tab Tab → → → ⇧→ 2 Control+z")
    expect(page.locator(".marks li")).to_have_count(2)
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".marks li")).to_have_count(3)
    keep_picture(page, "keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No work left here right now")).to_be_visible()

    assert passages(NEWS, stored(site, batch_id)["news"]) == [
        ("Alpha Techs", "ORG"),
        ("Lockhart", "ORG"),
        ("NEW YORK", "LOC"),
    ]


def drag(page: Page, first: str, last: str) -> None:
    """Drag the mouse from words to words."""
    page.mouse.move(*middle_of(page, first))
    page.mouse.down()
    page.mouse.move(*middle_of(page, last), steps=4)
    page.mouse.up()


def mark_overlapping(page: Page) -> None:
    """Mark words within words, three deep, and take the third back."""
    drag(page, "Technologies", "Inc")
    keep_picture(page, "pop")
    page.locator(".pop").get_by_role("button", name="Organisation").click()
    drag(page, "Technologies", "Group")
    page.keyboard.press("4")
    drag(page, "Group", "Inc")
    page.keyboard.press("1")
    expect(page.locator(".mk.l2")).not_to_have_count(0)
    keep_picture(page, "three-lanes")
    page.keyboard.press("Control+z")


@pytest.mark.parametrize("started", [only("names-by-mouse", "news", overlap=True)], indirect=True)
def test_by_mouse_words_characters_and_overlaps(started: tuple[Page, int], site: Site, axe_source: str) -> None:
    page, batch_id = started
    mark_overlapping(page)
    page.keyboard.down("Alt")
    drag(page, "stateme", "late")
    expect(page.locator(".sel")).to_have_text("ement la")
    page.keyboard.up("Alt")
    page.keyboard.press("Escape")
    types_of(page).get_by_role("button", name="Place").click()  # each click marks at once now
    page.mouse.click(*middle_of(page, "Paramount"))
    page.mouse.click(*middle_of(page, "Calif"))
    expect(page.locator(".marks li")).to_have_count(4)
    keep_picture(page, "overlaps")
    assert violations(page, axe_source) == []
    page.get_by_role("button", name="Remove Calif, Place").click()
    page.mouse.click(*middle_of(page, "Group"))  # opens the shorter of the two
    expect(page.locator(".marks li.here")).to_contain_text("Other name")
    page.keyboard.press("1")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_text("No work left here right now")).to_be_visible()

    assert passages(NEWS, stored(site, batch_id)["news"]) == [
        ("Technologies Group", "PER"),
        ("Technologies Group Inc", "ORG"),
        ("Paramount", "LOC"),
    ]


@pytest.mark.parametrize("started", [only("names-in-scripts", "mixed", "nobody", "hostile")], indirect=True)
def test_scripts_without_spaces_or_from_right_to_left_nothing_and_hostile(
    started: tuple[Page, int], site: Site
) -> None:
    page, batch_id = started
    text = page.locator(".tokens")
    for _ in range(3):
        shown = text.inner_text()
        if "rained" in shown:
            page.keyboard.press("0")
        elif "script" in shown:
            press_all(page, "→ → 4")
            assert page.locator(".tokens script, .tokens img").count() == 0
        else:
            press_all(page, "→ 2 ArrowDown ⇧→ 2")
            page.mouse.click(*middle_of(page, "Siemens"))
            page.keyboard.press("3")
            page.mouse.click(*middle_of(page, "Zo"))
            page.keyboard.press("1")
            keep_picture(page, "scripts")
        with page.expect_response(lambda reply: reply.url.endswith("/submit")):
            page.keyboard.press("Enter")
    expect(page.get_by_text("No work left here right now")).to_be_visible()

    answers = stored(site, batch_id)
    assert answers["nobody"] == []
    assert passages(HOSTILE, answers["hostile"]) == [("script", "MISC")]
    assert passages(MIXED, answers["mixed"])[0] == ("بغداد", "LOC")
    assert ("Siemens", "ORG") in passages(MIXED, answers["mixed"])
    assert ("Zoe\u0301", "PER") in passages(MIXED, answers["mixed"])
    assert page.title() != "taken"


def test_by_finger(browser: Browser, site: Site, axe_source: str) -> None:
    batch_id = site.house.uow.run(marking, **only("names-by-finger", "news"))
    page = browser.new_context(**LOOKS["phone"]).new_page()
    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/work/{batch_id}")
    expect(page.locator(".tokens")).to_be_visible()

    page.touchscreen.tap(*middle_of(page, "Alpha"))
    page.touchscreen.tap(*middle_of(page, "Techs"))
    keep_picture(page, "phone-selected")
    types_of(page).get_by_role("button", name="Organisation").tap()
    page.touchscreen.tap(*middle_of(page, "Lockhart"))
    types_of(page).get_by_role("button", name="Person").tap()
    page.touchscreen.tap(*middle_of(page, "Lockhart"))
    types_of(page).get_by_role("button", name="Organisation").tap()
    swipe(page, "NEW", "YORK")
    types_of(page).get_by_role("button", name="Place").click()  # a browser takes no tap for one right after a swipe
    expect(page.locator(".marks li")).to_have_count(3)
    keep_picture(page, "phone")
    page.locator(".marks li").last.scroll_into_view_if_needed()
    page.get_by_role("button", name="Lockhart Organisation", exact=True).tap()
    keep_picture(page, "phone-list")
    small = page.evaluate(
        "[...document.querySelectorAll('.type, .tools .btn, .marks button')].filter((one) => one.offsetParent)"
        ".filter((one) => one.offsetHeight < 44 || one.getBoundingClientRect().right > innerWidth)"
        ".map((one) => one.outerHTML)"
    )
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert violations(page, axe_source) == []
    page.get_by_role("button", name="Submit").tap()
    expect(page.get_by_text("No work left here right now")).to_be_visible()
    page.context.close()

    assert passages(NEWS, stored(site, batch_id)["news"]) == [
        ("Alpha Techs", "ORG"),
        ("Lockhart", "ORG"),
        ("NEW YORK", "LOC"),
    ]


def test_a_long_text_answers_at_once_in_the_dark_too(browser: Browser, site: Site, axe_source: str) -> None:
    long = "\n".join([NEWS.replace("\n", " ")] * 30 + ["word and " * 900])
    assert len(long) > 20_000
    batch_id = site.house.uow.run(marking, slug="names-in-books", texts={"long": long}, overlap=True)
    page = browser.new_context(**LOOKS["dark"]).new_page()
    sign_in(page, site, login=site.made.worker)
    page.goto(f"{site.address}/work/{batch_id}")
    expect(page.locator(".tokens")).to_be_visible()
    press_all(page, "→ → ⇧→ 3 → → 3 → → → ⇧→ 2")
    usual: float = page.evaluate(MEDIAN_STEP)
    assert usual < 100
    expect(page.locator(".marks li")).to_have_count(43)
    page.evaluate("window.scrollTo(0, 0)")
    keep_picture(page, "long-dark")
    assert violations(page, axe_source, only=["color-contrast"]) == []
    page.context.close()
