"""What Parquet must do beyond the other formats: types kept, rows streamed, every broken file a problem."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from io import BytesIO, RawIOBase
from typing import Any, BinaryIO, cast

import pyarrow
import pyarrow.parquet
import pytest

from crowd_hitl.domain.errors import BadInput, FieldProblem
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.plugins.formats.parquet import plugin as reader
from crowd_hitl.plugins.label_formats.parquet import GROUP_ROWS
from crowd_hitl.plugins.label_formats.parquet import plugin as writer


def a_file(columns: Mapping[str, Any]) -> bytes:
    out = BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(dict(columns)), out)
    return out.getvalue()


def read(content: bytes) -> list[ItemRecord | FieldProblem]:
    return list(reader.read(BytesIO(content)))


def the_problem(content: bytes) -> FieldProblem:
    (found,) = read(content)
    assert isinstance(found, FieldProblem)
    return found


class Unseekable(RawIOBase):
    """A stream as a request brings it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(buffer)


def test_a_row_of_parquet_becomes_an_item_and_its_other_columns_data() -> None:
    columns = {
        "Key": ["a1"],
        "text": ["A film."],
        "gold.label": ["positive"],
        "day": [date(2026, 11, 22)],
        "price": [Decimal("1.50")],
        "tags": [["x", "y"]],
        "year": [1999],
        "note": pyarrow.array([None], pyarrow.string()),
    }

    assert read(a_file(columns)) == [
        ItemRecord(
            row=1,
            key="a1",
            text="A film.",
            gold={"label": "positive"},
            data={"day": "2026-11-22", "price": "1.50", "tags": ["x", "y"], "year": 1999},
        )
    ]


def test_a_bad_row_of_parquet_is_told_and_the_next_goes_in() -> None:
    keys, texts = ["a", None, "c", "d"], ["x", "x", "", "x"]

    found = read(a_file({"key": keys, "text": texts}))

    assert [(one.row, one.field) for one in found if isinstance(one, FieldProblem)] == [(2, "key"), (3, "text")]
    assert [one.key for one in found if isinstance(one, ItemRecord)] == ["a", "d"]


def test_a_cell_that_is_not_text_is_its_rows_problem() -> None:
    places = b"\0\0\0\0\1\0\0\0\2\0\0\0"
    half = pyarrow.Array.from_buffers(
        pyarrow.string(), 2, [None, pyarrow.py_buffer(places), pyarrow.py_buffer(b"\xffb")]
    )

    bad, good = read(a_file({"key": ["a", "b"], "text": half}))

    assert isinstance(bad, FieldProblem)
    assert (bad.row, bad.field) == (1, "text")
    assert isinstance(good, ItemRecord)
    assert good.text == "b"


def test_bytes_are_refused_by_name() -> None:
    assert the_problem(a_file({"key": ["a"], "text": ["x"], "scan": [b"\x89PNG"]})).field == "scan"


@pytest.mark.parametrize(
    ("columns", "field"),
    [({"name": ["a"], "text": ["x"]}, "key"), ({"key": ["a"], "body": ["x"]}, "text"), ({"key": ["a"]}, "text")],
)
def test_columns_that_are_wrong_are_told_once_as_row_1(columns: dict[str, Any], field: str) -> None:
    problem = the_problem(a_file(columns))

    assert (problem.row, problem.field) == (1, field)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"key,text\na,x\n", a_file({"key": ["a"], "text": ["x"]})[:-9]])
def test_a_file_that_is_not_whole_is_one_problem(content: bytes) -> None:
    problem = the_problem(content)

    assert (problem.row, problem.field) == (1, "file")


def test_a_stream_that_cannot_be_sought_is_read_too() -> None:
    content = a_file({"key": [f"k{n}" for n in range(1_000)], "text": ["x"] * 1_000})

    found = list(reader.read(cast(BinaryIO, Unseekable(content))))

    assert [one.row for one in found] == list(range(1, 1_001))


def test_labels_keep_their_types_even_where_the_first_rows_have_none() -> None:
    first = {"key": "a", "confidence": 1, "votes": 3, "round": None, "text": "ü"}
    second = {"key": "b", "confidence": 0.5, "votes": 0, "round": 2, "text": None}

    table = pyarrow.parquet.read_table(BytesIO(b"".join(writer.write([first, second]))))

    assert table.to_pylist() == [first, second]
    assert table.schema.field("round").type == pyarrow.int64()


def test_many_rows_go_out_group_by_group() -> None:
    asked = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal asked
        for number in range(3 * GROUP_ROWS):
            asked += 1
            yield {"key": f"k{number}", "votes": number}

    pieces = writer.write(rows())
    first = next(pieces)

    assert asked == GROUP_ROWS
    written = pyarrow.parquet.ParquetFile(BytesIO(first + b"".join(pieces)))
    assert (written.metadata.num_rows, written.num_row_groups) == (3 * GROUP_ROWS, 3)


def test_rows_with_other_columns_are_refused_in_parquet() -> None:
    with pytest.raises(BadInput, match="not all have the same columns \\(extra\\)"):
        list(writer.write([{"key": "a"}, {"key": "b", "extra": 1}]))


def test_what_is_exported_can_be_imported() -> None:
    content = b"".join(writer.write([{"key": "=1+1", "text": "x", "votes": 3}]))

    assert read(content) == [ItemRecord(row=1, key="=1+1", text="x", data={"votes": 3})]
