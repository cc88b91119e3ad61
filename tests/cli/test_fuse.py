"""`crowd-hitl fuse`: right values for files of open answers, one clear line for wrong ones."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Ran, run_command
from tests.cli.recordings import SHARED, write_csv

ANNA = [{"start": 0, "end": 4, "label": "PER"}]
BOX = {"x": 0.1, "y": 0.1, "width": 0.2, "height": 0.2, "label": "car"}


def fuse(*arguments: object, code: int = 0) -> Ran:
    ran = run_command("fuse", *map(str, arguments))
    assert ran.code == code, ran.err
    return ran


def a_file(folder: Path, rows: list[tuple[Any, Any, Any]], name: str = "answers.jsonl") -> Path:
    path = folder / name
    lines = [json.dumps({"task": task, "worker": worker, "value": value}) for task, worker, value in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_spans_become_labels_with_confidence_and_skills(tmp_path: Path) -> None:
    rows = [("t", "a", ANNA), ("t", "b", [[0, 4, "PER"]]), ("t", "c", []), ("u", "a", [])]

    found = fuse(a_file(tmp_path, rows), "--question", "spans", "--json").json

    assert (found["method"], found["tasks"], found["workers"], found["answers"]) == ("spans", 2, 3, 4)
    assert {row["task"]: row["label"] for row in found["labels"]} == {"t": ANNA, "u": []}
    assert all(0 < row["confidence"] <= 1 for row in found["labels"])
    assert found["skills"]["a"] > found["skills"]["c"]
    assert "likeness" not in found


def test_texts_stay_texts_even_if_they_look_like_json(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "texts.csv", ["task", "worker", "label"], [("1", "a", "[1, 2]"), ("2", "a", "007")])

    found = fuse(path, "--question", "text", "--json").json

    assert [row["label"] for row in found["labels"]] == ["[1, 2]", "007"]


def test_truth_says_how_near_the_values_are(tmp_path: Path) -> None:
    answers = a_file(tmp_path, [("t", "a", "one two"), ("t", "b", "One two."), ("u", "a", "three four")])
    truth = write_csv(tmp_path / "truth.csv", ["task", "label"], [("t", "one two"), ("u", "three five")])

    found = fuse(answers, "--question", "transcription", "--truth", truth, "--json").json

    assert (found["likeness"], found["exact"], found["wer"]) == (0.75, 0.5, 0.25)


def test_marks_are_scored_by_those_that_are_exactly_right(tmp_path: Path) -> None:
    answers = a_file(tmp_path, [("t", "a", [[0, 4, "PER"], [6, 9, "PER"]]), ("u", "a", []), ("v", "a", [])])
    truth = a_file(tmp_path, [("t", "", [[0, 4, "PER"]]), ("u", "", []), ("w", "", [])], "truth.jsonl")

    found = fuse(answers, "--question", "spans", "--truth", truth, "--json").json

    assert (found["precision"], found["recall"], found["f1"]) == (0.5, 1.0, 0.666667)
    assert found["exact"] == 0.5


def test_parquet_goes_in_and_out(tmp_path: Path) -> None:
    cells = {"task": ["t", "t"], "worker": ["a", "b"], "value": [json.dumps([BOX]), json.dumps([BOX])]}
    pq.write_table(pa.table(cells), tmp_path / "answers.parquet")

    ran = fuse(tmp_path / "answers.parquet", "--question", "boxes", "--out", tmp_path / "labels.parquet")

    assert "1 labels written" in ran.out
    (row,) = pq.read_table(tmp_path / "labels.parquet").to_pylist()
    assert (row["task"], json.loads(row["label"])) == ("t", [BOX])
    assert 0 < row["confidence"] <= 1


def test_columns_of_parquet_may_hold_the_marks_themselves(tmp_path: Path) -> None:
    pq.write_table(pa.table({"task": [1], "worker": [7], "value": [[BOX]]}), tmp_path / "answers.parquet")

    found = fuse(tmp_path / "answers.parquet", "--question", "boxes", "--json").json

    assert found["labels"][0]["label"] == [BOX]


def test_a_gzipped_csv_and_another_fuser(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv.gz"
    path.write_bytes(gzip.compress('\ufefftask,worker,value\nt,a,"[[0, 4, ""PER""]]"\n'.encode()))

    found = fuse(path, "--question", "spans", "--method", "spans-majority", "--json").json

    assert (found["method"], found["labels"][0]["label"]) == ("spans_majority", ANNA)


def test_answers_must_fit_what_was_shown(tmp_path: Path) -> None:
    answers = a_file(tmp_path, [("t", "a", ANNA), ("u", "a", [[2, 9, "PER"]])])
    items = write_csv(tmp_path / "items.csv", ["key", "text"], [("t", "Anna sang"), ("u", "Anna")])

    ran = fuse(answers, "--question", "spans", "--items", items, code=1)

    assert "row 2, label[0].end: expected at most 4, where the item's text ends, found '2–9 PER'" in ran.err


def test_settings_come_from_a_file(tmp_path: Path) -> None:
    settings = tmp_path / "question.json"
    settings.write_text(json.dumps({"prompt": "Names?", "labels": ["LOC"]}), encoding="utf-8")

    ran = fuse(a_file(tmp_path, [("t", "a", ANNA)]), "--question", "spans", "--spec", settings, code=1)

    assert "row 1, label[0].label: expected one of 'LOC', found 'PER'" in ran.err


@pytest.mark.parametrize(
    ("content", "arguments", "said"),
    [
        ("", [], "is empty"),
        ("x\n", [], "row 1: expected one JSON object a line, found 'x'"),
        ('{"task": "t", "worker": "a"}\n', [], "expected a column 'value'"),
        ('{"task": "t", "value": []}\n', [], "expected a column 'worker'"),
        ('{"task": "", "worker": "a", "value": []}\n', [], "row 1, column task: expected a value"),
        ('{"task": "t", "worker": "a", "value": 1}\n', [], "row 1, label: expected a list of"),
        ('{"task": "t", "worker": "a", "value": [[3, 1, "X"]]}\n', [], "row 1, label[0].end"),
        ('{"task": "t", "worker": "a", "value": 1}\n', ["--question", "colour"], "question: expected one of"),
        ('{"task": "t", "worker": "a", "value": 1}\n', ["--question", "choice"], "a kind that a fuser weighs"),
        ('{"task": "t", "worker": "a", "value": 1}\n', ["--method", "boxes"], "method: expected one of spans"),
        ('{"task": "t", "worker": "a", "value": 1}\n', ["--out", "labels.xml"], "out: expected a name that ends in"),
        ('{"task": "t", "worker": "a", "value": 1}\n', ["--spec", "none.json"], "none.json cannot be read"),
    ],
)
def test_a_wrong_file_or_option_is_one_clear_line(
    tmp_path: Path, content: str, arguments: list[str], said: str
) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(content, encoding="utf-8")

    ran = fuse(path, *(["--question", "spans", *arguments]), code=1)

    assert said in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", ["answers.parquet", "answers.csv.gz", "answers.csv", "answers.txt", "none.jsonl"])
def test_a_broken_or_missing_file_is_one_clear_line(tmp_path: Path, name: str) -> None:
    if not name.startswith("none"):
        (tmp_path / name).write_bytes(b"PAR1\xff\x00broken")

    ran = fuse(tmp_path / name, "--question", "text", code=1)

    assert ran.err.startswith("crowd-hitl: ")
    assert "Traceback" not in ran.err


def test_real_spans_beat_the_majority() -> None:
    folder = SHARED / "ner_mturk_spans"
    if not folder.is_dir():
        return  # the real sets are not beside this checkout
    common = (folder / "answers.csv.gz", "--question", "spans", "--truth", folder / "truth.csv.gz", "--json")

    ours, majority = (fuse(*common, "--method", name).json for name in ("spans", "spans_majority"))

    assert ours["likeness"] > majority["likeness"] + 0.05
    assert ours["f1"] > majority["f1"] + 0.05
