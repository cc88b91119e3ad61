"""Takes a picture of every page at desktop and phone width: python -m tests.screenshots [FOLDER] (docs/screenshots)."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize

from tests import builders
from tests.browser.serving import Site, serving
from tests.running.browser import running_browser
from tests.showcase import Showcase

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


@dataclass(frozen=True)
class Shot:
    """One page: the name of its picture, its path, who looks at it; `dark` ones are also taken in the dark."""

    name: str
    path: str
    login: str | None
    dark: bool = False


def shots_of(made: Showcase) -> list[Shot]:
    """List every page of the showcase."""
    films, digits, boss = f"/projects/{made.films}", f"/projects/{made.digits}", made.requester
    return [
        Shot("01-signin", "/signin", None),
        Shot("02-work", "/work", made.worker, dark=True),
        Shot("03-labelling", f"/work/{made.open_batch}", made.worker, dark=True),
        Shot("04-earnings", "/earnings", made.worker),
        Shot("05-projects", "/projects", boss),
        Shot("06-overview", digits, boss, dark=True),
        Shot("07-overview-open", films, boss),
        Shot("08-overview-empty", f"/projects/{made.empty}", boss),
        Shot("09-batches", f"{films}/batches", boss),
        Shot("10-batch", f"{films}/batches/{made.closed_batch}", boss, dark=True),
        Shot("11-batch-by-hand", f"{films}/batches/{made.manual_batch}", boss),
        Shot("12-labels", f"{films}/labels", boss),
        Shot("13-labels-images", f"{digits}/labels", boss),
        Shot("14-item", f"{films}/items/{made.item}", boss, dark=True),
        Shot("15-item-image", f"{digits}/items/{made.digit}", boss),
        Shot("16-rounds", f"{digits}/rounds", boss, dark=True),
        Shot("17-workers", f"{films}/workers", boss),
        Shot("18-ledger", f"{films}/ledger", boss),
        Shot("20-review", f"{films}/review", boss, dark=True),
        Shot("21-payouts", "/payouts", boss, dark=True),
        Shot("22-payout-run", "/payouts/runs/1", boss),
        Shot("23-payslip", "/payouts/CH-1-1", boss),
        Shot("24-extend", f"{films}/batches/{made.open_batch}/extend?limit=5&overlap_max=5", boss),
        Shot("19-not-found", "/projects/no-such-project", boss),
    ]


def sign_in(page: Page, site: Site, *, login: str, password: str = builders.PASSWORD) -> None:
    """Sign in through the page."""
    page.goto(f"{site.address}/signin")
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/signin" not in url)


def settle(page: Page) -> None:
    """Wait until fonts and charts are there."""
    page.wait_for_load_state("load")
    page.wait_for_function("document.fonts.status === 'loaded'")
    for chart in page.locator("ch-chart").all():
        chart.locator("svg").first.wait_for()
    if page.locator("#bench").count():
        page.locator("#bench .item p, #bench .item img").first.wait_for()


def take(browser: Browser, site: Site, *, folder: Path, size: ViewportSize, theme: Literal["light", "dark"]) -> None:
    """Take all pictures of one size and theme."""
    width = size["width"]
    for login in (None, site.made.worker, site.made.requester):
        context = browser.new_context(
            viewport=size,
            color_scheme=theme,
            locale="en-US",
            timezone_id="UTC",
            has_touch=width < 600,
            is_mobile=width < 600,
        )
        page = context.new_page()
        if login is not None:
            sign_in(page, site, login=login)
        for shot in shots_of(site.made):
            if shot.login != login or (theme == "dark" and not shot.dark):
                continue
            page.goto(site.address + shot.path)
            settle(page)
            suffix = "-dark" if theme == "dark" else ""
            page.screenshot(path=folder / f"{shot.name}-{width}{suffix}.png", full_page=True)
        context.close()


def main(folder: Path) -> None:
    """Make the showcase, serve it, take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, serving(Path(data)) as site, running_browser() as browser:
        take(browser, site, folder=folder, size=DESKTOP, theme="light")
        take(browser, site, folder=folder, size=PHONE, theme="light")
        take(browser, site, folder=folder, size=DESKTOP, theme="dark")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
