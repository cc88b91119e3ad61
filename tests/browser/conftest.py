"""What the browser tests share: the furnished site, made once, and axe-core."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.serving import Site, serving

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Serve the application with the showcase in it; tests that change something use pages of their own in it."""
    with serving(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture(scope="session")
def axe_source() -> str:
    """Read axe-core, which comes with web/'s development packages."""
    assert AXE.is_file(), "axe-core is not installed; it comes with web/'s development packages (npm ci in web/)"
    return AXE.read_text(encoding="utf-8")
