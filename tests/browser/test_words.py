"""How figures are written on the pages, and where a sign-in may lead."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from crowd_hitl.console import formatting
from crowd_hitl.console.assets import Assets
from crowd_hitl.console.pages import local_path
from crowd_hitl.domain.errors import Unusable

NOW = datetime(2026, 11, 22, 8, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (formatting.count(4999), "4,999"),
        (formatting.money(115_350_000), "$115.35"),
        (formatting.money(-1_150_000), "−$1.15"),
        (formatting.money(1_234_567_890_000, "EUR"), "1,234,567.89 EUR"),
        (formatting.money(12_500), "$0.0125"),
        (formatting.money(None), "–"),
        (formatting.figures(55_520_000), "55.52"),
        (formatting.per_label(128_333.3), "$0.128"),
        (formatting.hourly(21_600_000.4), "$21.60"),
        (formatting.percent(0.9135), "91.3%"),
        (formatting.points(0.034), "± 3.4"),
        (formatting.confidence(0.95), "0.95"),
        (formatting.confidence(0.9969), "0.99"),
        (formatting.confidence(1.0), "1.00"),
        (formatting.seconds(9), "9.0 s"),
        (formatting.seconds(200), "3 min 20 s"),
        (formatting.seconds(11_640), "3 h 14 min"),
        (formatting.day(date(2026, 11, 22), NOW), "Sun 22 Nov"),
        (formatting.day(date(2025, 11, 22), NOW), "Sat 22 Nov 2025"),
        (formatting.moment(NOW, NOW), "22 Nov, 08:31"),
        (formatting.plural(1, "answer"), "1 answer"),
        (formatting.plural(2, "answer"), "2 answers"),
        (formatting.initial("“positive”"), "P"),
        (formatting.width(1, 3), "33.33"),
        (formatting.width(1, 0), "0"),
    ],
)
def test_figures_are_written_as_the_visual_standard_says(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize("path", ["/projects", "/projects/films/labels?below=0.95&order=unsure"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "projects",
        "//example.org",
        "/\\example.org",
        "https://example.org",
        "/a\nb",
        "/\texample",
        "/" + "a" * 2000,
    ],
)
def test_a_path_to_anywhere_else_is_dropped(path: str | None) -> None:
    assert local_path(path, otherwise="/") == "/"


def test_pages_that_were_not_built_say_how_to_build_them(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="make web"):
        Assets(tmp_path).url("styles")
