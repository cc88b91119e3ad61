"""One row's columns, whatever the format, checked and made an item record; the first fault found is the row's."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from crowd_hitl.domain.errors import FieldProblem
from crowd_hitl.domain.items import FIRST_FIELD, ItemRecord

KEY_COLUMNS = ("key", "id")
LONGEST_KEY = 200
LONGEST_REFERENCE = 2_000
LONGEST_GOLD = 255
DEEPEST = 20
# `"gold": "cat"` names no field: it is the question's first, which only the importing service knows.
GOLD_PREFIX = "gold."


class Wrong(Exception):
    """What is wrong with a row: raised by the checks of this file, never out of it."""

    def __init__(self, field: str, expected: str, found: str) -> None:
        super().__init__(field)
        self.field, self.expected, self.found = field, expected, found

    def problem(self, row: int) -> FieldProblem:
        """Return it as data."""
        return FieldProblem(field=self.field, expected=self.expected, found=self.found, row=row)


def to_record(columns: Mapping[str, Any], *, row: int) -> ItemRecord | FieldProblem:
    """Read key, text, image, audio and gold from a row's columns; all others become the item's data."""
    try:
        for name, value in columns.items():
            _check_plain(name, value)
        key_column = next((name for name in KEY_COLUMNS if name in columns), None)
        text = _words(columns, "text")
        image, audio = _words(columns, "image"), _words(columns, "audio")
        _check_content(columns, text=text, media={"image": image, "audio": audio})
        used = {key_column, "text", "image", "audio", "gold"}
        return ItemRecord(
            row=row,
            key=_key(columns, key_column),
            text=text,
            image=image,
            audio=audio,
            data={k: v for k, v in columns.items() if k not in used and not k.startswith(GOLD_PREFIX)},
            gold=_gold(columns),
        )
    except Wrong as wrong:
        return wrong.problem(row)


def shown(value: object) -> str:
    """Show what was found: quoted, short, and free of what cannot be stored or printed."""
    if value is None:
        return "nothing"
    text = repr(value) if not isinstance(value, str) else f"'{value}'"
    clean = "".join(char if char.isprintable() else "�" for char in text[:81])
    return clean if len(text) <= 80 else f"{clean[:79]}…"


def _key(columns: Mapping[str, Any], column: str | None) -> str:
    if column is None:
        raise Wrong("key", "your own key of the item, in a column key or id", "no such column in this row")
    value = columns[column]
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise Wrong(column, "your own key of the item, a text or a whole number", _found(value))
    if len(value) > LONGEST_KEY:
        raise Wrong(column, f"at most {LONGEST_KEY} characters", f"{len(value)} characters")
    return value


def _words(columns: Mapping[str, Any], column: str) -> str | None:
    value = columns.get(column)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Wrong(column, "a text in quotes", shown(value))
    return value if value.strip() else None


def _check_content(columns: Mapping[str, Any], *, text: str | None, media: Mapping[str, str | None]) -> None:
    if text is None and not any(media.values()):
        column = next((name for name in media if name in columns and "text" not in columns), "text")
        found = _found(columns[column]) if column in columns else "none of these columns in this row"
        raise Wrong(column, "a text, or the path or address of an image or audio", found)
    for name, reference in media.items():
        if reference is not None and len(reference) > LONGEST_REFERENCE:
            raise Wrong(name, f"at most {LONGEST_REFERENCE} characters", f"{len(reference)} characters")


def _gold(columns: Mapping[str, Any]) -> dict[str, str]:
    """Read `gold: "cat"`, `gold: {"label": "cat"}` and `gold.label: "cat"`; empty means not known."""
    given = columns.get("gold")
    by_field = dict(given) if isinstance(given, dict) else {FIRST_FIELD: given}
    by_field |= {k.removeprefix(GOLD_PREFIX): v for k, v in columns.items() if k.startswith(GOLD_PREFIX)}
    gold = {}
    for field, value in by_field.items():
        if value is None or value == "":
            continue
        column = f"{GOLD_PREFIX}{field}" if field else "gold"
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise Wrong(column, "one of the question's options, as a text", shown(value))
        if len(value) > LONGEST_GOLD:
            raise Wrong(column, f"at most {LONGEST_GOLD} characters", f"{len(value)} characters")
        gold[field] = value
    return gold


def _check_plain(column: str, value: object) -> None:
    """Refuse what no database stores: NUL, half characters, NaN and infinity; and what is nested without end."""
    if isinstance(value, str):  # nearly every cell
        _check_characters(column, column)
        _check_characters(column, value)
        return
    heap: list[tuple[object, int]] = [(column, 0), (value, 0)]
    while heap:
        part, depth = heap.pop()
        if isinstance(part, str):
            _check_characters(column, part)
        elif isinstance(part, float) and not isfinite(part):
            raise Wrong(column, "a finite number", str(part))
        elif isinstance(part, (list, dict)):
            if depth >= DEEPEST:
                raise Wrong(column, f"at most {DEEPEST} levels of nesting", "more")
            heap.extend((inner, depth + 1) for inner in part)
            if isinstance(part, dict):
                heap.extend((inner, depth + 1) for inner in part.values())


def _check_characters(column: str, text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    name = shown(column)[1:-1]
    if "\0" in text:
        raise Wrong(name, "a text without NUL characters", shown(text))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Wrong(name, "text in UTF-8", shown(text)) from error


def _found(value: object) -> str:
    return "an empty cell" if isinstance(value, str) and not value.strip() else shown(value)
