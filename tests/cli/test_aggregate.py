"""`crowd-hitl aggregate`: right answers for odd files, one clear line for wrong ones."""

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, run_command
from tests.cli.recordings import SHARED, a_recording, write_csv

HEADER = ["task", "worker", "label"]


def aggregate(*arguments: object, code: int = 0) -> Ran:
    ran = run_command("aggregate", *map(str, arguments))
    assert ran.code == code, ran.err
    return ran


@pytest.mark.parametrize("method", ["dawid-skene", "majority-vote", "pooled"])
def test_every_method_labels_every_task(tmp_path: Path, method: str) -> None:
    folder = a_recording(tmp_path / "set")
    found = aggregate(folder / "answers.csv", "--truth", folder / "truth.csv", "--method", method, "--json").json
    assert (found["method"], found["tasks"], found["workers"], found["answers"]) == (method, 40, 8, 200)
    assert found["accuracy"] > 0.8
    assert [row["task"] for row in found["labels"]] == [f"t{number:03}" for number in range(40)]
    assert all(0 < row["confidence"] <= 1 for row in found["labels"])
    assert sorted(found["skills"]) == [f"w{number}" for number in range(8)]


def test_ids_and_labels_stay_as_they_are(tmp_path: Path) -> None:
    rows: list[tuple[str, ...]] = [("007", "1.0", "yes, sir"), ("é", "ж", "nan"), ("é", "1.0", "nan")]
    path = write_csv(tmp_path / "odd.csv", HEADER, rows)
    found = aggregate(path, "--method", "majority-vote", "--json").json
    assert {row["task"]: row["label"] for row in found["labels"]} == {"007": "yes, sir", "é": "nan"}


@pytest.mark.parametrize("method", ["dawid-skene", "majority-vote", "pooled"])
@pytest.mark.parametrize(
    "rows",
    [
        [("1", "a", "x")],
        [("1", "a", "x"), ("2", "a", "y")],
        [("1", "a", "x"), ("1", "b", "x"), ("2", "b", "x")],
        [("1", "a", "x"), ("1", "a", "x"), ("1", "b", "y")],
    ],
    ids=["one answer", "one worker", "one class", "a repeated answer"],
)
def test_the_smallest_files_have_labels_too(tmp_path: Path, method: str, rows: list[tuple[str, ...]]) -> None:
    found = aggregate(write_csv(tmp_path / "few.csv", HEADER, rows), "--method", method, "--json").json
    assert found["labels"][0]["task"] == "1"
    assert found["labels"][0]["label"] == "x"
    assert found["accuracy"] is None


def test_a_gzipped_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv.gz"
    path.write_bytes(gzip.compress("\ufeffworker,label,task,seconds\nw,x,1,3\n".encode()))
    assert aggregate(path, "--method", "pooled", "--json").json["labels"][0]["label"] == "x"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"task,worker,label\n", "has no answers"),
        (b"task,user,label\n1,a,x\n", "column 'worker'"),
        (b"task,worker,label,label\n1,a,x,y\n", "one column 'label'"),
        (b"task,worker,label\n1,a,x\n2,,x\n", "row 3, column worker"),
        (b"task,worker,label\n1,a\n", "row 2: expected 3 cells"),
        (b"task,worker,label\n1,a,caf\xe9\n", "not text in UTF-8"),
        (b'task,worker,label\n1,a,"x\n', "row 2: expected comma-separated cells"),
    ],
)
def test_a_wrong_file_is_refused_with_row_or_column(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    ran = aggregate(path, code=1)
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set", tasks=3)
    assert "no such file" in aggregate(tmp_path / "none.csv", code=1).err
    assert "one of dawid-skene, glad, kos" in aggregate(folder / "answers.csv", "--method", "magic", code=1).err
    assert "ends in .csv, .json" in aggregate(folder / "answers.csv", "--out", tmp_path / "x.xml", code=1).err
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"task,worker,label\n1,a,x\n")[:-9])
    assert "cannot be read" in aggregate(tmp_path / "cut.csv.gz", code=1).err


def test_labels_are_written_to_a_file(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set", tasks=3)
    for name in ("out.csv", "out.jsonl", "out.json"):
        aggregate(folder / "answers.csv", "--method", "pooled", "--out", tmp_path / name)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[0] == "task,label,confidence"
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["tasks"] == 3


@pytest.mark.parametrize(
    ("name", "majority", "dawid_skene"), [("bluebird", 0.759, 0.889), ("rte", 0.897, 0.928), ("possent", 0.932, 0.960)]
)
def test_real_crowds_come_out_as_they_were_measured(name: str, majority: float, dawid_skene: float) -> None:
    folder = SHARED / name
    if not folder.is_dir():
        return  # the real sets lie beside some checkouts only; the project passes without them
    for method, expected in (("majority-vote", majority), ("dawid-skene", dawid_skene)):
        found = aggregate(
            folder / "answers.csv.gz", "--truth", folder / "truth.csv.gz", "--method", method, "--json"
        ).json
        assert found["accuracy"] == pytest.approx(expected, abs=0.004)
