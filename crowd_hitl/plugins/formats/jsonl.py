"""Items as JSON Lines: one object a line, `{"key": "a1", "text": "…"}` or `{"key": "a1", "image": "a1.png"}`."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from crowd_hitl.domain.errors import FieldProblem
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.plugins.formats.lines import LONGEST_SHOWN, Lines, TooLong
from crowd_hitl.plugins.formats.records import Wrong, shown, to_record


class JsonLines:
    """Reads items from JSON Lines in UTF-8; columns `key` (or `id`), `text`, `image`, `gold`, all others are data.

    `gold` is `"cat"` (the question's first field) or `{"label": "cat"}`. Rows are lines, counted from 1.
    """

    name = "jsonl"
    suffixes = (".jsonl", ".ndjson")

    def read(self, stream: BinaryIO) -> Iterator[ItemRecord | FieldProblem]:
        """Yield an item or a problem for every line that is not blank."""
        lines = Lines(stream)
        row = 0
        while True:
            row += 1
            lines.begin_record()
            try:
                line = next(lines)
            except StopIteration:
                return
            except TooLong:
                yield FieldProblem(field="line", expected=LONGEST_SHOWN, found="more", row=row)
                continue
            if line.strip():
                yield _read_line(line, row=row)


def _read_line(line: bytes, *, row: int) -> ItemRecord | FieldProblem:
    try:
        found = json.loads(_decoded(line))
    except Wrong as wrong:
        return wrong.problem(row)
    except json.JSONDecodeError as error:
        where = f"{error.msg} at character {error.pos + 1}"
        return FieldProblem(field="line", expected="one JSON object", found=where, row=row)
    except (ValueError, RecursionError):
        # A number of thousands of digits, or brackets without end.
        return FieldProblem(field="line", expected="one JSON object of sane size", found=_start(line), row=row)
    if not isinstance(found, dict):
        kind = shown(found)
        return FieldProblem(field="line", expected='one JSON object such as {"key": "a1"}', found=kind, row=row)
    return to_record(found, row=row)


def _decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte 0x{line[error.start]:02x} at byte {error.start + 1}"
        raise Wrong("line", "text in UTF-8", found) from error


def _start(line: bytes) -> str:
    return shown(line[:60].decode("utf-8", "replace"))


plugin = JsonLines()
