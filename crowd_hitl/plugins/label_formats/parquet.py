"""Labels and answers as Parquet, one row group after the other."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from importlib import import_module
from io import RawIOBase
from itertools import islice
from typing import Any

from crowd_hitl.domain.errors import BadInput

GROUP_ROWS = 20_000
INTEGERS = frozenset({"votes", "version", "model_version", "round", "batch"})
NUMBERS = frozenset({"confidence", "seconds"})
FLAGS = frozenset({"gold"})


class ParquetLabels:
    """Writes rows as Parquet: our columns of numbers as such, every other as text, lists and objects as JSON.

    Types go by name and not by what the first rows hold, so that two exports always have the same.
    """

    name = "parquet"
    suffix = ".parquet"

    def write(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
        """Yield the file piece by piece; BadInput when a later row has other columns than the first."""
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        left = iter(rows)
        group = list(islice(left, GROUP_ROWS))
        schema = arrow.schema([(name, _type(arrow, name)) for name in (group[0] if group else {})])
        expected, out = set(schema.names), _Pieces()
        with parquet.ParquetWriter(arrow.PythonFile(out, mode="w"), schema, compression="zstd") as writer:
            while group:
                columns = [_column(group, name, expected=expected) for name in schema.names]
                arrays = [arrow.array(cells, type=field.type) for cells, field in zip(columns, schema, strict=True)]
                writer.write_batch(arrow.record_batch(arrays, schema=schema))
                yield out.taken()
                group = list(islice(left, GROUP_ROWS))
        yield out.taken()


class _Pieces(RawIOBase):
    """A file that is only written to; what was written is taken away again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def taken(self) -> bytes:
        whole = b"".join(self._pieces)
        self._pieces.clear()
        return whole


def _type(arrow: Any, name: str) -> Any:
    if name in INTEGERS:
        return arrow.int64()
    if name in NUMBERS:
        return arrow.float64()
    return arrow.bool_() if name in FLAGS else arrow.string()


def _column(group: Sequence[Mapping[str, Any]], name: str, *, expected: Set[str]) -> list[Any]:
    typed = name in INTEGERS | NUMBERS | FLAGS
    cells = []
    for row in group:
        if row.keys() != expected:
            other = ", ".join(sorted(row.keys() ^ expected))
            raise BadInput(f"The rows do not all have the same columns ({other}). Export them as JSONL instead.")
        value = row[name]
        cells.append(value if typed or value is None or isinstance(value, str) else json.dumps(value))
    return cells


plugin = ParquetLabels()
