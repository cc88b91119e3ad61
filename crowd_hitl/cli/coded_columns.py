"""Columns of text out of CSV, JSON Lines or Parquet as integer codes, by pyarrow: no Python runs for each row.

Memory stays bounded: a group of rows is coded before the next is read, and only the codes and the names are kept.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray

Codes = NDArray[np.int32]

# Rows that are coded at once.
GROUP_ROWS = 2_000_000
CSV_BLOCK_BYTES = 1 << 20
NAMES_AT_ONCE = 100_000
PLAIN = {str: pyarrow.string(), bool: pyarrow.bool_(), int: pyarrow.int64()}


class Unfit(Exception):
    """The quick way does not read this file: the careful one shall say why, or read it."""


class Names(Sequence[str]):
    """Names as pyarrow holds them: ten million of them need no ten million Python objects."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        """Count the names."""
        return len(self.array)

    def __getitem__(self, place: Any) -> Any:
        """Return one name, or a slice as Names."""
        found = self.array[place]
        return Names(found) if isinstance(place, slice) else found.as_py()

    def __iter__(self) -> Iterator[str]:
        """Yield all names."""
        for start in range(0, len(self.array), NAMES_AT_ONCE):
            yield from self.array[start : start + NAMES_AT_ONCE].to_pylist()

    @property
    def plain(self) -> bool:
        """Say whether no name needs a quote or an escape in CSV or JSON, nor is a formula to a spreadsheet."""
        if not len(self.array):
            return True
        _, offsets, content = self.array.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[self.array.offset : self.array.offset + len(self.array) + 1]
        letters = np.frombuffer(content, dtype=np.uint8)
        inside = letters[ends[0] : ends[-1]]
        special = (inside < 32).any() or any((inside == ord(sign)).any() for sign in '",\\')
        return not (special or np.isin(letters[ends[:-1]], [ord(sign) for sign in "'=+-@"]).any())


@dataclass(frozen=True)
class Column:
    """A column: each row's code, and the names the codes stand for, in the order in which they first appear."""

    codes: Codes
    names: Names


def read_csv(path: Path, header: Sequence[str], columns: Sequence[str], told: Callable[[int], None]) -> list[Column]:
    """Read columns of a CSV file whose header was read already; `told` hears how many rows there are so far."""
    quotes = count_quotes(path)
    if quotes % 2:
        # One that is never closed would take the rest of the file into its cell, and pyarrow would not say so.
        raise Unfit("a quote is not closed")
    csv = _module("csv")
    names = [f"c{place}" for place in range(len(header))]
    wanted = [names[header.index(name)] for name in columns]
    reader = csv.open_csv(
        str(path),
        read_options=csv.ReadOptions(column_names=names, skip_rows=1, block_size=CSV_BLOCK_BYTES, use_threads=False),
        parse_options=csv.ParseOptions(newlines_in_values=quotes > 0),
        convert_options=csv.ConvertOptions(
            include_columns=wanted, column_types=dict.fromkeys(names, pyarrow.string()), strings_can_be_null=False
        ),
    )
    return _coded(reader, wanted, told)


def count_quotes(path: Path) -> int:
    """Count the quotation marks in a file, unpacked."""
    quotes = 0
    with pyarrow.input_stream(str(path)) as stream:
        while piece := stream.read(4 * CSV_BLOCK_BYTES):
            quotes += piece.count(b'"')
    return quotes


def read_json_lines(
    path: Path, first: Mapping[str, Any], columns: Sequence[str], told: Callable[[int], None]
) -> list[Column]:
    """Read columns of a file of JSON objects, whose values have everywhere the types they have in the first one."""
    fields = [(name, PLAIN[type(first[name])]) for name in columns]
    reader = _module("json").open_json(
        str(path),
        read_options=_module("json").ReadOptions(use_threads=False, block_size=4 * CSV_BLOCK_BYTES),
        parse_options=_module("json").ParseOptions(
            explicit_schema=pyarrow.schema(fields), unexpected_field_behavior="ignore"
        ),
    )
    return _coded(reader, columns, told)


def read_parquet(path: Path, columns: Sequence[str], told: Callable[[int], None]) -> list[Column]:
    """Read columns of a Parquet file; numbers and flags become text."""
    file = _module("parquet").ParquetFile(str(path))
    batches = file.iter_batches(batch_size=GROUP_ROWS // 4, columns=list(columns), use_threads=False)
    return _coded(batches, columns, told)


def _coded(batches: Any, columns: Sequence[str], told: Callable[[int], None]) -> list[Column]:
    groups: list[list[tuple[Any, Codes]]] = [[] for _ in columns]
    held: list[Any] = []
    rows = waiting = 0
    for batch in batches:
        held.append(batch)
        rows, waiting = rows + len(batch), waiting + len(batch)
        if waiting >= GROUP_ROWS:
            _code(held, columns, groups)
            held, waiting = [], 0
        told(rows)
    if held:
        _code(held, columns, groups)
    if not rows:
        raise Unfit("no rows")
    return [_joined(parts) for parts in groups]


def _code(held: Sequence[Any], columns: Sequence[str], groups: list[list[tuple[Any, Codes]]]) -> None:
    for name, parts in zip(columns, groups, strict=True):
        column = pyarrow.chunked_array([_as_text(batch.column(name)) for batch in held])
        if column.null_count:
            raise Unfit(name)
        coded = column.dictionary_encode()
        codes = np.concatenate([_codes(chunk.indices) for chunk in coded.chunks])
        parts.append((coded.chunks[-1].dictionary, codes))


def _as_text(column: Any) -> Any:
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kinds = pyarrow.types
    known = (kinds.is_string, kinds.is_large_string, kinds.is_boolean, kinds.is_integer)
    if not any(kind(column.type) for kind in known):
        raise Unfit(str(column.type))
    return column if kinds.is_string(column.type) else column.cast(pyarrow.string())


def _joined(parts: Sequence[tuple[Any, Codes]]) -> Column:
    """Number the names of all groups as one, in the order in which they first appear."""
    if len(parts) < 2:
        names, codes = parts[0]
        return Column(codes, _checked(names))
    together = pyarrow.chunked_array([names for names, _ in parts]).dictionary_encode()
    codes = np.concatenate(
        [_codes(new.indices)[old] for new, (_, old) in zip(together.chunks, parts, strict=True)], dtype=np.int32
    )
    return Column(codes, _checked(together.chunks[-1].dictionary))


def _codes(indices: Any) -> Codes:
    # Not to_numpy: it imports pandas.
    whole = np.frombuffer(indices.buffers()[1], dtype=np.int32)
    return whole[indices.offset : indices.offset + len(indices)]


def _checked(names: Any) -> Names:
    """Refuse a name that is blank or no UTF-8: the careful reader says in which row."""
    names.validate(full=True)
    if len(names):
        _, offsets, content = names.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[names.offset : names.offset + len(names) + 1]
        if (ends[1:] == ends[:-1]).any():
            raise Unfit("an empty cell")
        first = np.frombuffer(content, dtype=np.uint8)[ends[:-1]]
        # How blanks begin in UTF-8, and some letters too.
        for place in np.flatnonzero((first <= 32) | (first >= 0xC2) & (first <= 0xE3)).tolist():
            if not names[place].as_py().strip():
                raise Unfit("a blank cell")
    return Names(names)


def _module(name: str) -> Any:
    # Each costs some of the start-up, and one call needs one of them.
    return __import__(f"pyarrow.{name}", fromlist=[name])
