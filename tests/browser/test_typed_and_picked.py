"""Forms of several choices, ratings, numbers, texts and transcriptions: by keyboard, by pointer, over a reload."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.bare import Bare, Shown, a_picture, a_tone, bare
from tests.browser.test_pages import LOOKS, ONLY, violations

FILM = "While this movie, by necessity, lacks Fellowship’s heart, Two Towers outdoes its spectacle."
HOSTILE = "<img src=x onerror=alert(1)> {{7*7}} ${7*7} مرحبا 👩🏽‍🚀"
TOPICS = {
    "prompt": "Which of these does the review speak of?",
    "options": ["Acting", "Camera", "Music", "Story", "Pace"],
    "min_chosen": 0,
    "max_chosen": 3,
}
STARS = {"prompt": "How much does the writer like the film?", "labels": {"1": "Not at all", "5": "Very much"}}
AGE = {"prompt": "How old is the person in the text?", "min": 0, "max": 120, "integer": True, "unit": "years"}
LINE = {"prompt": "What is the name of the film?", "max_length": 60}
LINES = {"prompt": "Sum the review up in two sentences.", "multiline": True, "min_length": 10, "max_length": 400}
SPEECH = {"prompt": "Write down what is said.", "allow_empty": True}


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """Serve an application of its own for this file."""
    with bare(tmp_path_factory.mktemp("forms")) as running:
        yield running


def texts(*shown: str) -> list[Shown]:
    return [Shown(text=one) for one in shown]


def submit(page: Page, *, key: str = "Enter") -> None:
    """Submit with the keyboard, and wait until the answer was received."""
    with page.expect_response(lambda reply: reply.url.endswith("/submit")) as received:
        page.keyboard.press(key)
    assert received.value.status == 200, received.value.text()


def test_several_choices(page: Page, forms: Bare) -> None:
    batch_id = forms.publish("choices", TOPICS, texts(HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    forms.start(page, batch_id)
    box = page.get_by_role("checkbox")
    expect(box).to_have_count(6)
    page.keyboard.press("Enter")
    expect(page.locator(".says")).to_have_text("Choose what applies, or “None of these”")
    for key in "4215":
        page.keyboard.press(key)
    expect(page.locator("#ch-choices-count")).to_have_text("3 at most: take one away first")
    page.keyboard.press("Control+z")
    expect(box.first).to_have_attribute("aria-checked", "false")
    page.keyboard.press("Control+Shift+z")
    page.reload()
    expect(page.get_by_role("checkbox", checked=True)).to_contain_text(["Acting", "Camera", "Story"])
    submit(page)

    expect(page.locator(".item p")).to_have_text(HOSTILE)
    page.keyboard.press("0")
    submit(page)
    box.filter(has_text="Music").click()
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").click()
    box.first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    submit(page)
    assert forms.answers(batch_id) == [["Acting", "Camera", "Story"], [], ["Music"], ["Camera"]]


def test_a_rating(page: Page, forms: Bare) -> None:
    batch_id = forms.publish("rating", STARS, texts(FILM, "Two", "Three", "Four"))
    forms.start(page, batch_id)
    page.keyboard.press("4")
    page.reload()
    expect(page.get_by_role("radio", name="4")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("3")
    page.keyboard.press("Control+z")
    submit(page)
    page.get_by_role("radio", name="5, Very much").click()
    submit(page)
    page.get_by_role("radio").first.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    submit(page)
    page.get_by_label("A digit submits at once").check()
    submit(page, key="1")
    assert forms.answers(batch_id) == [4, 5, 4, 1]

    long = forms.publish("rating", {**STARS, "low": 0, "high": 100, "labels": {}}, texts(FILM, "Two"))
    page.get_by_label("Stop here").click()
    page.locator(f'a.btn[href="/work/{long}"]').click()
    slider = page.get_by_role("slider")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("aria-valuetext", "Nothing chosen yet")
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowRight")
    submit(page)
    expect(slider).to_have_attribute("aria-valuetext", "Nothing chosen yet")
    slider.click()
    submit(page)
    assert forms.answers(long) == [61, 50]


def test_a_number(page: Page, forms: Bare) -> None:
    batch_id = forms.publish("number", AGE, texts(FILM, "Two", "Three"))
    forms.start(page, batch_id)
    field = page.get_by_role("spinbutton")
    expect(field).to_be_focused()
    page.keyboard.type("130")
    page.keyboard.press("Enter")
    expect(page.locator(".says")).to_have_text("Type a number from 0 to 120")
    page.keyboard.press("Control+z")
    expect(field).to_have_value("")
    page.keyboard.type("41")
    page.keyboard.press("ArrowUp")
    page.reload()
    expect(field).to_have_value("42")
    submit(page)
    expect(field).to_have_value("")
    expect(field).to_be_focused()

    page.keyboard.press("Control+z")
    expect(field).to_have_value("42")
    page.keyboard.press("ArrowDown")
    with page.expect_response(lambda reply: reply.request.method == "PUT"):
        page.keyboard.press("Enter")
    page.get_by_role("button", name="More").click()
    page.get_by_role("button", name="More").click()
    submit(page)
    page.get_by_role("heading", level=1).click()
    page.keyboard.type("7")
    submit(page)
    assert forms.answers(batch_id) == [41, 1, 7]


def test_a_text(page: Page, forms: Bare) -> None:
    batch_id = forms.publish("text", LINE, texts(FILM, HOSTILE, "Three"))
    forms.start(page, batch_id)
    field = page.get_by_role("textbox")
    expect(field).to_be_focused()
    page.keyboard.type("The Two Towers, in 2i")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.reload()
    expect(field).to_have_value("The Two Towers, in 2i")
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    submit(page)
    expect(field).to_have_value("")
    page.keyboard.insert_text("عنوان 👩🏽‍🚀 日本")
    expect(page.locator(".count")).to_have_text("13 / 60")
    submit(page)
    field.fill("x" * 61)
    page.keyboard.press("Enter")
    expect(page.locator(".says")).to_have_text("At most 60 characters: 1 too many")
    field.fill("By pointer")
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").click()
    assert forms.answers(batch_id) == ["The Two Towers, in 2", "عنوان 👩🏽‍🚀 日本", "By pointer"]


def test_a_text_of_several_lines(page: Page, forms: Bare) -> None:
    batch_id = forms.publish("text", LINES, texts(FILM))
    forms.start(page, batch_id)
    page.keyboard.type("Good pictures.")
    page.keyboard.press("Enter")
    page.keyboard.type("Less heart.")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    submit(page, key="Control+Enter")
    assert forms.answers(batch_id) == ["Good pictures.\nLess heart."]


def test_a_transcription(page: Page, forms: Bare) -> None:
    tone = a_tone(seconds=6)
    batch_id = forms.publish("transcription", SPEECH, [Shown(audio=tone)] * 3)
    forms.start(page, batch_id)
    field = page.get_by_role("textbox")
    expect(field).to_be_focused()
    page.keyboard.press("Alt+p")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".clock")).to_have_text("0:01 / 0:06")
    page.keyboard.type("one two")
    page.keyboard.press("Alt+.")
    page.keyboard.press("Alt+r")
    page.keyboard.press("Alt+p")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert page.locator("audio").evaluate("audio => audio.paused && audio.currentTime < 1")
    expect(page.locator("output")).to_have_text("1.25 ×")
    expect(page.locator(".count")).to_have_text("7")
    page.reload()
    expect(field).to_have_value("one two")
    page.keyboard.press("Alt+p")
    submit(page, key="Control+Enter")
    expect(field).to_have_value("")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Nothing to hear").focus()
    page.keyboard.press("Enter")
    submit(page, key="Control+Enter")
    page.get_by_role("button", name="Nothing to hear").click()
    with page.expect_response(lambda reply: reply.url.endswith("/submit")):
        page.get_by_role("button", name="Submit").click()
    assert forms.answers(batch_id) == ["one two", "", ""]


PICTURED: dict[str, tuple[str, dict[str, Any], list[Shown]]] = {
    "choices": ("choices", TOPICS, texts(FILM)),
    "rating": ("rating", STARS, texts(FILM)),
    "rating-named": ("rating", {**STARS, "labels": ["Awful", "Bad", "So-so", "Good", "Great"]}, texts(FILM)),
    "rating-ten": ("rating", {**STARS, "low": 0, "high": 10, "labels": {"0": "Never", "10": "Surely"}}, texts(FILM)),
    "rating-long": ("rating", {**STARS, "low": 0, "high": 100, "labels": {"0": "Never", "100": "Surely"}}, texts(FILM)),
    "number": ("number", AGE, texts(FILM)),
    "text": ("text", LINE, texts(FILM)),
    "text-lines": ("text", LINES, texts(FILM)),
    "audio": ("transcription", SPEECH, [Shown(audio=a_tone(seconds=75))]),
    "image": (
        "transcription",
        {"prompt": "Write down what stands on the receipt."},
        [Shown(image=a_picture("Sommer, Leipzig\n2 Brezeln   1,80\n1 Roggenbrot   4,20\n\nSumme   6,00 EUR"))],
    ),
}
TYPED = {
    "number": "42",
    "text": "The Lord of the Rings: The Two Towers",
    "text-lines": "Less heart than the first film, as the story wants it.\nThe pictures are better.",
    "audio": "well I never thought we would get here",
    "image": "Sommer, Leipzig\n2 Brezeln 1,80",
    "choices": "14",
    "rating": "4",
    "rating-named": "4",
    "rating-ten": "7",
}


@pytest.mark.parametrize("look", ["desktop", "phone", "dark"])
def test_every_form_is_accessible_and_fits(look: str, browser: Browser, forms: Bare, axe_source: str) -> None:
    folder = os.environ.get("CROWD_HITL_PICTURES")
    context = browser.new_context(**LOOKS[look])
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for name, (kind, settings, items) in PICTURED.items():
        context.clear_cookies()
        forms.start(page, forms.publish(kind, settings, items))
        page.wait_for_function("document.fonts.status === 'loaded'")
        found[f"{name} at first"] = violations(page, axe_source, only=ONLY.get(look))
        if kind in ("choices", "rating"):
            for key in TYPED.get(name, ""):
                page.keyboard.press(key)
        else:
            page.locator("[data-own-undo]").fill(TYPED[name])
        found[name] = violations(page, axe_source, only=ONLY.get(look))
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found[name] += [f"{wide} px too wide"] if wide > 0 else []
        if folder:
            page.screenshot(path=Path(folder) / f"{name}-{look}.png")
    context.close()
    assert {name: said for name, said in found.items() if said} == {}
