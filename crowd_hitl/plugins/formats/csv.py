"""Items as CSV with a header row: `key,text`, `key,image`, with `gold` or `gold.<field>` where answers are known."""

import csv
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from crowd_hitl.domain.errors import FieldProblem
from crowd_hitl.domain.formulas import restore
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.plugins.formats.lines import LONGEST_SHOWN, Lines, TooLong
from crowd_hitl.plugins.formats.records import GOLD_PREFIX, KEY_COLUMNS, Wrong, shown, to_record

KNOWN = (*KEY_COLUMNS, "text", "image", "gold")


class _Decoded(Iterator[str]):
    """Lines as text: a byte that is not UTF-8 becomes half a character, which the cell's check refuses by name."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def __next__(self) -> str:
        return next(self._lines).decode("utf-8", "surrogateescape")


class Csv:
    """Reads items from comma-separated values in UTF-8; columns `key` (or `id`), `text`, `image`, `gold`.

    All other columns become the item's data. Rows are records, counted as a spreadsheet does: the header is row 1. A
    cell holds at most 131,072 characters. An apostrophe before `=`, `+`, `-`, `@`, as our own export writes it, is
    taken off.
    """

    name = "csv"
    suffixes = (".csv",)

    def read(self, stream: BinaryIO) -> Iterator[ItemRecord | FieldProblem]:
        """Yield an item or a problem for every record that is not blank; nothing more after a header that is wrong."""
        columns: list[str] | None = None
        for row, found in _records(Lines(stream)):
            if columns is None:
                try:
                    columns = _header(found)
                except Wrong as wrong:
                    yield wrong.problem(row)
                    return
            elif isinstance(found, Wrong):
                yield found.problem(row)
            elif any(cell.strip() for cell in found):
                yield _to_item(columns, found, row=row)
        if columns is None:
            yield _no_header("an empty file").problem(1)


def _records(lines: Lines) -> Iterator[tuple[int, list[str] | Wrong]]:
    """Number the records; one that cannot be parsed is given as what is wrong with it."""
    # Strict: a stray quote is an error of its row, not a silent change of its text.
    reader = csv.reader(_Decoded(lines), strict=True)
    row = 0
    while True:
        row += 1
        lines.begin_record()
        try:
            yield row, next(reader)
        except StopIteration:
            return
        except TooLong:
            yield row, Wrong("row", LONGEST_SHOWN, "more")
        except csv.Error as error:
            yield row, Wrong("row", "comma-separated cells, quotes closed and doubled inside", str(error))


def _header(found: list[str] | Wrong) -> list[str]:
    """Return the columns' names; Wrong if the file cannot be read with them."""
    if isinstance(found, Wrong):
        raise found
    names = [_name(cell, position=i) for i, cell in enumerate(found, start=1)]
    listed = ", ".join(names)
    if not listed.isprintable():
        raise _no_header(f"{shown(listed)}, which is not text in UTF-8")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise Wrong(twice[0], "every column's name once", f"it {names.count(twice[0])} times")
    if not set(KEY_COLUMNS) & set(names):
        raise Wrong("key", "a column key (or id)", f"the columns {shown(listed)}")
    if not {"text", "image"} & set(names):
        raise Wrong("text", "a column text or a column image", f"the columns {shown(listed)}")
    return names


def _name(cell: str, *, position: int) -> str:
    """Trim a column's name; ours are known in capitals too, and one without a name is called by its position."""
    name = restore(cell).strip()
    low = name.lower()
    if low in KNOWN:
        return low
    if low.startswith(GOLD_PREFIX):
        return GOLD_PREFIX + name[len(GOLD_PREFIX) :]
    return name or f"column {position}"


def _no_header(found: str) -> Wrong:
    return Wrong("header", "a first row that names the columns, such as key,text", found)


def _to_item(columns: Sequence[str], cells: Sequence[str], *, row: int) -> ItemRecord | FieldProblem:
    if len(cells) != len(columns):
        problem = Wrong("row", f"{len(columns)} cells, as in the header", f"{len(cells)} cells")
        return problem.problem(row)
    return to_record(dict(zip(columns, map(restore, cells), strict=True)), row=row)


plugin = Csv()
