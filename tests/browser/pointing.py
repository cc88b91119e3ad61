"""Where words of a text stand in the window, and a finger drawn over them."""

from playwright.sync_api import Page


def middle_of(page: Page, words: str) -> tuple[float, float]:
    """Find where words of the text stand in the window; they are scrolled there first, as a person would."""
    found: list[float] | None = page.evaluate(
        """(words) => {
          const walker = document.createTreeWalker(document.querySelector(".tokens"), NodeFilter.SHOW_TEXT);
          for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const at = node.data.indexOf(words);
            if (at < 0 || node.parentElement.closest("button")) continue;
            const range = document.createRange();
            range.setStart(node, at);
            range.setEnd(node, at + words.length);
            let box = range.getClientRects()[0];
            if (box.top < 60 || box.bottom > window.innerHeight / 2) {
              node.parentElement.scrollIntoView({ block: "start", behavior: "instant" });
              box = range.getClientRects()[0];
            }
            return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
          }
          return null;
        }""",
        words,
    )
    assert found is not None, words
    return found[0], found[1]


def swipe(page: Page, first: str, last: str) -> None:
    """Draw a finger over the words from first to last."""
    session = page.context.new_cdp_session(page)
    (x, y), (to_x, to_y) = middle_of(page, first), middle_of(page, last)
    for step in range(9):
        point = {"x": x + (to_x - x) * step / 8, "y": y + (to_y - y) * step / 8}
        kind = "touchMove" if step else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
