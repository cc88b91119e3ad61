"""What every format of labels must do."""

import csv
import json
from collections.abc import Iterable
from io import BytesIO, StringIO
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.formulas import defuse, restore
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.domain.ports import ItemFormat, LabelFormat
from crowd_hitl.plugins.finding import find

LABEL_FORMATS = {name: cast(LabelFormat, found) for name, found in find("label_formats").items()}

every_label_format = pytest.mark.parametrize("label_format", LABEL_FORMATS.values(), ids=LABEL_FORMATS)

LABELS: list[dict[str, Any]] = [
    {"key": "=1+1", "value": "cat", "confidence": 0.97, "votes": 3, "round": None, "text": 'He said "no",\nthen left.'},
    {"key": "ü", "value": "-dog", "confidence": -1.0, "votes": 0, "round": 2, "text": "'quoted'"},
]


def whole(label_format: LabelFormat, rows: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(piece.encode() if isinstance(piece, str) else piece for piece in label_format.write(rows))


def text_of(name: str) -> str:
    return whole(LABEL_FORMATS[name], LABELS).decode()


@every_label_format
def test_rows_are_written_piece_by_piece(label_format: LabelFormat) -> None:
    pieces = label_format.write(iter(LABELS))

    assert next(iter(pieces))
    assert label_format.suffix.startswith(".")
    assert all(isinstance(piece, (str, bytes)) for piece in pieces)


@every_label_format
def test_no_rows_are_no_error(label_format: LabelFormat) -> None:
    assert whole(label_format, []) == b"" or label_format.name == "parquet"


def test_jsonl_labels_read_back_as_they_were() -> None:
    lines = text_of("jsonl").splitlines()

    assert [json.loads(line) for line in lines] == LABELS


def test_csv_labels_run_no_formula_and_keep_their_numbers() -> None:
    written = list(csv.DictReader(StringIO(text_of("csv"))))

    assert written[0]["key"] == "'=1+1"
    assert written[1]["value"] == "'-dog"
    assert written[1]["confidence"] == "-1.0"
    assert written[0]["round"] == ""


def test_exported_csv_can_be_imported_unchanged() -> None:
    content = text_of("csv")

    records = cast(ItemFormat, find("formats")["csv"]).read(BytesIO(content.encode()))

    assert [(one.key, one.text) for one in records if isinstance(one, ItemRecord)] == [
        (label["key"], label["text"]) for label in LABELS
    ]


def test_rows_with_other_columns_are_refused_in_csv() -> None:
    with pytest.raises(BadInput, match="not all have the same columns \\(extra\\)"):
        list(LABEL_FORMATS["csv"].write([{"key": "a"}, {"key": "b", "extra": 1}]))


@given(text=st.text(st.sampled_from("'=+-@\t\r a"), max_size=6))
def test_every_text_survives_being_made_harmless(text: str) -> None:
    assert restore(defuse(text)) == text
    assert not defuse(text).startswith(("=", "+", "-", "@", "\t", "\r"))
