"""Where Vite put the scripts and styles: its manifest, read once."""

import json
from pathlib import Path

from crowd_hitl.domain.errors import Unusable

DIST = Path(__file__).resolve().parents[1] / "static" / "dist"
# What the pages name, and the source it was built from.
SOURCES = {
    "styles": "src/styles/index.css",
    "theme": "src/theme.ts",
    "console": "src/console.ts",
    "worker": "src/worker.ts",
}


class Assets:
    """The built files by the names the pages use."""

    def __init__(self, folder: Path = DIST, *, url: str = "/static/dist/") -> None:
        self._manifest = folder / ".vite" / "manifest.json"
        self._url = url
        self._files: dict[str, str] = {}

    def url(self, name: str) -> str:
        """Return the address of a built file; Unusable, naming `make web`, when the browser side was not built."""
        if not self._files:
            self._files = self._read()
        return self._url + self._files[name]

    def _read(self) -> dict[str, str]:
        try:
            manifest = json.loads(self._manifest.read_text(encoding="utf-8"))
            return {name: str(manifest[source]["file"]) for name, source in SOURCES.items()}
        except (OSError, ValueError, KeyError) as error:
            raise Unusable("The pages' scripts and styles are not built. Run: make web") from error
