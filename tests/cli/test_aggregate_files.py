"""`crowd-hitl aggregate` with every model and every form of file: a right answer or one clear line."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from tests.cli.conftest import Ran, run_command
from tests.cli.recordings import a_recording, write_csv

HEADER = ["task", "worker", "label"]
MODELS = [
    "dawid-skene", "glad", "kos", "mace", "mace-mended", "majority-vote", "mmsr", "one-coin-dawid-skene", "pooled",
    "wawa", "zero-based-skill",
]  # fmt: skip
FEW: dict[str, list[tuple[str, ...]]] = {
    "one answer": [("1", "a", "x")],
    "one worker": [("1", "a", "x"), ("2", "a", "y")],
    "one class": [("1", "a", "x"), ("1", "b", "x"), ("2", "b", "x")],
    "a repeated answer": [("1", "a", "x"), ("1", "a", "x"), ("1", "b", "y")],
    "a worker of two minds": [("1", "a", "x"), ("1", "a", "y"), ("1", "b", "x"), ("2", "b", "x"), ("2", "c", "y")],
    "unicode and commas": [("ä", "Ω", "x, 'y' \"z\""), ("ä", "b", "x, 'y' \"z\""), ("💡", "b", "\u3000ж")],
    "numbers as names": [("1", "1", "1"), ("1", "2", "0"), ("2", "2", "1"), ("2", "1", "1")],
}


def aggregate(*arguments: object, code: int = 0) -> Ran:
    ran = run_command("aggregate", *map(str, arguments))
    assert ran.code == code, ran.err
    return ran


def labels(found: dict[str, Any]) -> dict[str, str]:
    return {row["task"]: row["label"] for row in found["labels"]}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("rows", FEW.values(), ids=FEW.keys())
def test_every_model_labels_the_smallest_files(tmp_path: Path, model: str, rows: list[tuple[str, ...]]) -> None:
    found = aggregate(write_csv(tmp_path / "few.csv", HEADER, rows), "--model", model, "--json").json

    assert list(labels(found)) == list(dict.fromkeys(row[0] for row in rows))
    assert set(labels(found).values()) <= {row[2] for row in rows}
    assert all(0 <= row["confidence"] <= 1 for row in found["labels"])
    assert list(found["skills"]) == list(dict.fromkeys(row[1] for row in rows))


@pytest.mark.parametrize("model", [model for model in MODELS if model != "kos"])
def test_ten_thousand_classes_have_labels_or_one_clear_line(tmp_path: Path, model: str) -> None:
    rows: list[tuple[str, ...]] = [
        (str(task), f"w{worker}", str(task * 10 + worker % 9)) for task in range(1_200) for worker in range(10)
    ]

    ran = run_command("aggregate", str(write_csv(tmp_path / "many.csv", HEADER, rows)), "--model", model, "--json")

    if model == "dawid-skene":
        assert ran.code == 1 and "one_coin_dawid_skene" in ran.err and len(ran.err.splitlines()) == 1
    else:
        assert labels(ran.json)["7"] == "70"  # the only label that two workers gave


def test_free_text_as_labels_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    rows: list[tuple[str, ...]] = [(str(task), "w", f"text {task}") for task in range(30_000)]

    ran = aggregate(write_csv(tmp_path / "text.csv", HEADER, rows), "--model", "majority-vote", code=1)

    assert "Is the label column free text?" in ran.err


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet", ".csv", ".csv.gz"])
def test_every_form_of_file_says_the_same(tmp_path: Path, suffix: str) -> None:
    rows: list[tuple[str, ...]] = [
        (str(task), f"w{worker}", "yes" if (task + worker) % 3 else "no") for task in range(20) for worker in range(4)
    ]
    path = tmp_path / f"answers{suffix}"
    write(path, rows)

    found = aggregate(path, "--model", "pooled", "--json").json

    expected = aggregate(write_csv(tmp_path / "plain.csv", HEADER, rows), "--model", "pooled", "--json").json
    assert (found["labels"], found["skills"]) == (expected["labels"], expected["skills"])


def write(path: Path, rows: list[tuple[str, ...]]) -> None:
    if path.suffix == ".parquet":
        columns = [pyarrow.array(column) for column in zip(*rows, strict=True)]
        columns[0] = columns[0].cast(pyarrow.int64())
        columns[2] = columns[2].dictionary_encode()
        pyarrow.parquet.write_table(pyarrow.table(columns, names=HEADER), path, row_group_size=7)
        return
    lines = [",".join(HEADER), *map(",".join, rows)]
    if ".jsonl" in path.name:
        lines = [json.dumps({"task": int(task), "worker": worker, "label": label}) for task, worker, label in rows]
    content = ("\n".join(lines) + "\n").encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_json_lines_may_mix_numbers_flags_and_text(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text(
        '{"task": 1, "worker": "a", "label": true, "note": [1]}\n\n'
        '{"task": "1", "worker": 7, "label": "true"}\n{"task": "2020-01-01", "worker": 7, "label": false}\n',
        encoding="utf-8",
    )
    found = aggregate(path, "--model", "majority-vote", "--json").json
    assert labels(found) == {"1": "true", "2020-01-01": "false"}
    assert sorted(found["skills"]) == ["7", "a"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"", "is empty"),
        ("a.jsonl", b'{"task": 1, "worker": 2}\n', "row 1: expected a column 'label'"),
        (
            "a.jsonl",
            b'{"task": 1, "worker": 2, "label": "x"}\n{"task": 1, "worker": 2, "label": null}\n',
            "row 2, column",
        ),
        ("a.jsonl", b'{"task": 1, "worker": 2, "label": "x"}\n[1]\n', "row 2: expected a JSON object"),
        ("a.jsonl", b'{"task": 1, "worker": 2, "label": "x"}\n{"task\n', "row 2: expected one JSON object a line"),
        ("a.jsonl", b'{"task": 1, "worker": 2, "label": 1.5}\n', "row 1, column label"),
        ("a.parquet", b"PAR1 no", "not a whole Parquet file"),
        ("a.parquet", b"", "not a whole Parquet file"),
        ("a.csv", b'task,worker,label,note\n1,a,x,"so\n2,a,x,\n', "quotes closed"),
        ("a.csv", b"task,worker,label\n1,a,\xe3\x80\x80\n", "row 2, column label"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    ran = aggregate(path, code=1)
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_wrong_parquet_file_is_refused_with_its_column(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"task": ["1"], "user": ["a"], "label": ["x"]}), path)
    assert "column 'worker'" in aggregate(path, code=1).err
    pyarrow.parquet.write_table(pyarrow.table({"task": ["1", None], "worker": ["a", "b"], "label": ["x", "y"]}), path)
    assert "row 2, column task: expected a value" in aggregate(path, code=1).err
    pyarrow.parquet.write_table(pyarrow.table({"task": ["1"], "worker": ["a"], "label": [0.5]}), path)
    assert "row 1, column label: expected text, a whole number, true or false" in aggregate(path, code=1).err


def test_labels_go_out_as_parquet_and_odd_names_survive(tmp_path: Path) -> None:
    rows: list[tuple[str, ...]] = [("=1+1", "a", 'he said "no"'), ("two\nlines", "a", "x,y"), ("plain", "b", "x,y")]
    path = write_csv(tmp_path / "odd.csv", HEADER, rows)
    for name in ("out.parquet", "out.csv", "out.jsonl", "out.json"):
        aggregate(path, "--model", "majority-vote", "--out", tmp_path / name)

    table = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert table == [json.loads(line) for line in lines] == whole["labels"]
    assert {row["task"]: row["label"] for row in table} == {task: label for task, _, label in rows}
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1] == '\'=1+1,"he said ""no""",1.0'


def test_truth_may_be_parquet(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set", tasks=6)
    expected = aggregate(folder / "answers.csv", "--truth", folder / "truth.csv", "--json").json["accuracy"]
    rows = [line.split(",") for line in (folder / "truth.csv").read_text(encoding="utf-8").splitlines()[1:]]
    table = {"task": [row[0] for row in rows], "label": [row[1] for row in rows]}
    pyarrow.parquet.write_table(pyarrow.table(table), tmp_path / "truth.parquet")

    found = aggregate(folder / "answers.csv", "--truth", tmp_path / "truth.parquet", "--json").json

    assert found["accuracy"] == expected
