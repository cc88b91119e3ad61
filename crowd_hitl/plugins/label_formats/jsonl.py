"""Labels as JSON Lines: one object a line."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# Made once: json.dumps would make one for every row. A row is never part of itself.
_ENCODE = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


class JsonLinesLabels:
    """Writes every row as one JSON object on its own line, in UTF-8 without escapes."""

    name = "jsonl"
    suffix = ".jsonl"

    def write(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Yield one line a row."""
        for row in rows:
            yield _ENCODE(row) + "\n"


plugin = JsonLinesLabels()
