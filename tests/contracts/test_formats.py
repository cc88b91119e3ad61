"""What every format of items must do, whatever bytes come."""

import csv
import json
from io import BytesIO, StringIO
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.errors import FieldProblem
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.domain.ports import ItemFormat
from crowd_hitl.plugins.finding import find
from crowd_hitl.plugins.formats.lines import LONGEST_BYTES

ITEM_FORMATS = {name: cast(ItemFormat, found) for name, found in find("formats").items()}
CSV, JSONL = ITEM_FORMATS["csv"], ITEM_FORMATS["jsonl"]

every_item_format = pytest.mark.parametrize("item_format", ITEM_FORMATS.values(), ids=ITEM_FORMATS)

# Bytes that mean something to one of the formats, so that chance finds its way inside.
PIECES = st.sampled_from(
    [
        b'"',
        b",",
        b"\n",
        b"\r\n",
        b"\r",
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"key,text\n",
        b"{",
        b"}",
        b"[",
        b":",
        b"1e999",
        b'{"key": "a", "text": "b"}\n',
        b'"key":',
        b'"\\ud800"',
        b"a,b\n",
        b'"a',
        b"NaN",
        b"'=1",
        b"gold",
        b"\xc3\xa9",
    ]
)
BYTES = st.one_of(st.binary(), st.lists(PIECES, max_size=40).map(b"".join))


def read(item_format: ItemFormat, content: bytes | str) -> list[ItemRecord | FieldProblem]:
    return list(item_format.read(BytesIO(content.encode() if isinstance(content, str) else content)))


def the_problem(item_format: ItemFormat, content: bytes | str) -> FieldProblem:
    (found,) = read(item_format, content)
    assert isinstance(found, FieldProblem)
    return found


def the_record(item_format: ItemFormat, content: bytes | str) -> ItemRecord:
    (found,) = read(item_format, content)
    assert isinstance(found, ItemRecord)
    return found


def json_line(**columns: Any) -> str:
    return json.dumps(columns) + "\n"


# every format of items


@every_item_format
@given(content=BYTES)
def test_no_bytes_make_a_reader_fail_and_no_row_is_told_of_twice(item_format: ItemFormat, content: bytes) -> None:
    found = read(item_format, content)

    rows = [one.row for one in found]
    assert all(row is not None and row >= 1 for row in rows)
    assert len(rows) == len(set(rows))


@every_item_format
@given(content=BYTES)
def test_what_a_reader_lets_through_can_be_stored(item_format: ItemFormat, content: bytes) -> None:
    for one in read(item_format, content):
        shown = json.dumps(
            [one.field, one.expected, one.found]
            if isinstance(one, FieldProblem)
            else [one.key, one.text, one.image, one.data, one.gold],
            allow_nan=False,
            ensure_ascii=False,
        )
        shown.encode()
        assert "\0" not in json.loads(shown)


@every_item_format
def test_a_reader_says_which_files_are_its_own(item_format: ItemFormat) -> None:
    assert item_format.name
    assert item_format.suffixes
    assert all(suffix.startswith(".") for suffix in item_format.suffixes)


# JSON Lines


@given(lines=st.lists(BYTES.filter(lambda line: b"\n" not in line)))
def test_good_and_bad_rows_of_jsonl_add_up_to_its_lines(lines: list[bytes]) -> None:
    written = [line for line in lines if line.removeprefix(b"\xef\xbb\xbf").strip()]

    assert len(read(JSONL, b'{"key": "a", "text": "b"}\n' + b"".join(line + b"\n" for line in written))) >= 1
    assert len(read(JSONL, b"\n" + b"".join(b"x" + line + b"\n" for line in lines))) == len(lines)


def test_a_line_of_jsonl_becomes_an_item_and_its_other_columns_data() -> None:
    record = the_record(JSONL, json_line(key="a1", text="A film.", gold="positive", year=1999, tags=["x"]))

    assert record == ItemRecord(
        row=1, key="a1", text="A film.", gold={"": "positive"}, data={"year": 1999, "tags": ["x"]}
    )


@pytest.mark.parametrize("columns", [{"gold": {"label": "cat"}}, {"gold.label": "cat"}])
def test_gold_may_name_its_field(columns: dict[str, Any]) -> None:
    assert the_record(JSONL, json_line(key=7, image="a.png", **columns)).gold == {"label": "cat"}


def test_id_will_do_for_key_and_a_number_for_a_text() -> None:
    assert the_record(JSONL, json_line(id=7, text="x")).key == "7"


def test_a_byte_order_mark_and_blank_lines_are_not_rows() -> None:
    record = the_record(JSONL, b"\xef\xbb\xbf\n  \n" + json_line(key="a", text="x").encode())

    assert record.row == 3


@pytest.mark.parametrize(
    ("line", "field", "found"),
    [
        (b'{"key": "a", "text": ', "line", "Expecting value at character 23"),
        (b'{"key": "a", "text": "\xff"}', "line", "byte 0xff at byte 23"),
        (b"[1, 2]", "line", "[1, 2]"),
        (b"[" * 50_000, "line", "'[[["),
        (b'{"text": "x"}', "key", "no such column in this row"),
        (b'{"key": "  ", "text": "x"}', "key", "an empty cell"),
        (b'{"key": true, "text": "x"}', "key", "True"),
        (json_line(key="a" * 201, text="x").encode().strip(), "key", "201 characters"),
        (b'{"key": "a", "text": ""}', "text", "an empty cell"),
        (b'{"key": "a", "text": 5}', "text", "5"),
        (b'{"key": "a"}', "text", "none of these columns in this row"),
        (b'{"key": "a", "image": ""}', "image", "an empty cell"),
        (b'{"key": "a", "text": "b\\u0000"}', "text", "'b\ufffd'"),
        (b'{"key": "a", "text": "\\ud800"}', "text", "'\ufffd'"),
        (b'{"key": "a", "text": "b", "size": NaN}', "size", "nan"),
        (b'{"key": "a", "text": "b", "size": [1e999]}', "size", "inf"),
        (b'{"key": "a", "text": "b", "deep": ' + b"[" * 30 + b"]" * 30 + b"}", "deep", "more"),
        (b'{"key": "a", "text": "b", "gold": ["cat"]}', "gold", "['cat']"),
        (b'{"key": "a", "text": "' + b"x" * LONGEST_BYTES + b'"}', "line", "more"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_line_says_what_is_wrong_and_the_next_goes_in(line: bytes, field: str, found: str) -> None:
    problem, record = read(JSONL, line + b"\n" + b'{"key": "good", "text": "x"}')

    assert isinstance(problem, FieldProblem)
    assert (problem.row, problem.field) == (1, field)
    assert found in problem.found
    assert isinstance(record, ItemRecord)
    assert (record.row, record.key) == (2, "good")


# CSV


@given(rows=st.lists(st.lists(st.text(max_size=5), min_size=1, max_size=4)))
def test_good_and_bad_rows_of_csv_add_up_to_its_records(rows: list[list[str]]) -> None:
    # What UTF-8 cannot say cannot come out of a file either.
    kept = [[cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    out = StringIO()
    csv.writer(out).writerows([["key", "text"], *kept])

    blank = sum(not any(cell.strip() for cell in row) for row in kept)
    assert len(read(CSV, out.getvalue())) == len(kept) - blank


def test_a_row_of_csv_becomes_an_item_and_its_other_columns_data() -> None:
    content = 'Key,image,gold.label,note\na1,img/a1.png,cat,"two\nlines"\n'

    assert the_record(CSV, content) == ItemRecord(
        row=2, key="a1", image="img/a1.png", gold={"label": "cat"}, data={"note": "two\nlines"}
    )


def test_an_empty_gold_cell_means_not_known() -> None:
    assert the_record(CSV, "key,text,gold\na,x,\n").gold == {}


@pytest.mark.parametrize(
    ("content", "field", "expected", "found"),
    [
        ("", "header", "a first row that names the columns", "an empty file"),
        ("name,text\na,x\n", "key", "a column key", "'name, text'"),
        ("key;text\na;x\n", "key", "a column key", "'key;text'"),
        ("key,body\na,x\n", "text", "a column text", "'key, body'"),
        ("key,text,text\na,x,y\n", "text", "once", "2 times"),
        ("key,text\n".encode("utf-16"), "header", "a first row", "not text in UTF-8"),
    ],
)
def test_a_header_that_is_wrong_is_told_once_as_row_1(
    content: bytes | str, field: str, expected: str, found: str
) -> None:
    problem = the_problem(CSV, content)

    assert (problem.row, problem.field) == (1, field)
    assert expected in problem.expected
    assert found in problem.found


@pytest.mark.parametrize(
    ("row", "field", "found"),
    [
        (b"a", "row", "1 cells"),
        (b"a,b,c", "row", "3 cells"),
        (b",x", "key", "an empty cell"),
        (b"a,", "text", "an empty cell"),
        (b"a,\xff", "text", "'\ufffd'"),
        (b"a,\0", "text", "'\ufffd'"),
        (b'a,"x"y', "row", "expected after"),
        (b"a,x\ry", "row", "new-line character"),
        (b"a," + b"x" * 200_000, "row", "field larger than field limit"),
        (b"a," + b"x" * (3 * LONGEST_BYTES), "row", "more"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_row_says_what_is_wrong_and_the_next_goes_in(row: bytes, field: str, found: str) -> None:
    problem, record = read(CSV, b"key,text\n" + row + b"\ngood,x\n")

    assert isinstance(problem, FieldProblem)
    assert (problem.row, problem.field) == (2, field)
    assert found in problem.found
    assert isinstance(record, ItemRecord)
    assert (record.row, record.key) == (3, "good")


def test_a_quote_that_never_closes_does_not_swallow_the_file() -> None:
    rows = b"".join(b'%d,"a\n' % n for n in range(3_000)) + b"good,x\n" * 100_000

    found = read(CSV, b'key,text\nbad,"' + rows)

    assert any(isinstance(one, FieldProblem) for one in found)
    assert any(isinstance(one, ItemRecord) and one.key == "good" for one in found)
