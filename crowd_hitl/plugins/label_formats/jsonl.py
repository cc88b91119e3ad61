"""Labels as JSON Lines: one object a line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


class JsonLinesLabels:
    """Writes every row as one JSON object on its own line, in UTF-8 without escapes."""

    name = "jsonl"
    suffix = ".jsonl"

    def write(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield one line a row."""
        for row in rows:
            yield json.dumps(row, ensure_ascii=False) + "\n"


plugin = JsonLinesLabels()
