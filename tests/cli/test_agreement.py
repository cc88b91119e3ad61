"""`crowd-hitl agreement`: measures by item, worker and pair for any kind of answer, one clear line for a wrong file."""

import gzip
import json
from pathlib import Path
from random import Random

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from tests.cli.conftest import Ran, run_command
from tests.cli.recordings import SHARED, a_recording, write_csv

HEADER = ["task", "worker", "label"]


def agreement(*arguments: object, code: int = 0) -> Ran:
    ran = run_command("agreement", *map(str, arguments))
    assert ran.code == code, ran.err
    return ran


def rows_of(path: Path) -> list[dict[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [dict(zip(HEADER, line.split(","), strict=True)) for line in lines[1:]]


def test_everything_is_measured(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")

    found = agreement(folder / "answers.csv", "--json").json

    assert (found["metric"], found["tasks"], found["workers"], found["answers"]) == ("nominal", 40, 8, 200)
    assert found["alpha"]["low"] < found["alpha"]["value"] < found["alpha"]["high"]
    assert found["fleiss_kappa"] == pytest.approx(found["alpha"]["value"], abs=0.01)
    assert 0.5 < found["agreement"] < 0.9
    assert sorted(row["label"] for row in found["by_class"]) == ["bird", "cat", "dog"]
    assert [row["task"] for row in found["by_item"]] == [f"t{number:03}" for number in range(40)]
    assert all(row["low"] <= row["skill"] <= row["high"] for row in found["by_worker"])
    assert all(row["p"] is None and not row["drifted"] for row in found["by_worker"])
    assert len(found["by_pair"]) == 28
    assert sum(row["count"] for row in found["confusion"]) == pytest.approx(200, abs=0.5)


def test_with_truth_skill_is_what_was_right(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    truth = dict(line.split(",") for line in (folder / "truth.csv").read_text(encoding="utf-8").splitlines()[1:])
    rows = rows_of(folder / "answers.csv")

    found = agreement(folder / "answers.csv", "--truth", folder / "truth.csv", "--json").json

    for row in found["by_worker"]:
        right = [truth[one["task"]] == one["label"] for one in rows if one["worker"] == row["worker"]]
        assert row["skill"] == pytest.approx(sum(right) / len(right), abs=1e-6)


def test_csv_json_lines_and_parquet_say_the_same(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    rows = rows_of(folder / "answers.csv")
    lines, packed, table = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz", tmp_path / "a.parquet"
    text = "\n".join(json.dumps({**row, "more": 1}) for row in rows)
    lines.write_text(text, encoding="utf-8")
    packed.write_bytes(gzip.compress(text.encode()))
    parquet.write_table(arrow.Table.from_pylist(rows), table)

    found = [agreement(path, "--json").json for path in (folder / "answers.csv", lines, packed, table)]

    for each in found:
        each.pop("seconds")
    assert found[0] == found[1] == found[2] == found[3]


def test_an_order_makes_near_misses_count_less(tmp_path: Path) -> None:
    rows = [("1", "a", "low"), ("1", "b", "middle"), ("2", "a", "high"), ("2", "b", "high"), ("3", "a", "low")]
    rows += [("3", "b", "low"), ("4", "a", "middle"), ("4", "b", "middle")]
    path = write_csv(tmp_path / "levels.csv", HEADER, rows)

    ordinal = agreement(path, "--metric", "ordinal", "--order", "low,middle,high", "--json").json
    nominal = agreement(path, "--json").json

    assert ordinal["alpha"]["value"] > nominal["alpha"]["value"]


def test_numbers_are_as_right_as_they_are_near(tmp_path: Path) -> None:
    random = Random(1)
    rows = [
        (str(task), worker, str(task % 50 + round(random.gauss(0, spread), 2)))
        for task in range(60)
        for worker, spread in (("steady", 0.5), ("fair", 2), ("wild", 20))
    ]
    path = write_csv(tmp_path / "numbers.csv", HEADER, rows)

    found = agreement(path, "--metric", "interval", "--json").json
    skills = {row["worker"]: row["skill"] for row in found["by_worker"]}

    assert skills["wild"] < skills["fair"] <= skills["steady"]
    assert (found["by_class"], found["confusion"], found["fleiss_kappa"]) == ([], [], None)


def test_lists_are_read_from_json_and_from_spreadsheets(tmp_path: Path) -> None:
    rows = [("1", "a", '["x","y"]'), ("1", "b", "y|x"), ("2", "a", "z"), ("2", "b", "x | z")]
    path = write_csv(tmp_path / "lists.csv", HEADER, [(task, who, label) for task, who, label in rows])

    found = agreement(path, "--metric", "choices", "--json").json

    assert [row["agreement"] for row in found["by_item"]] == [1.0, 0.5]
    assert found["alpha"]["value"] > 0


@pytest.mark.parametrize(
    ("metric", "labels"),
    [
        ("rating", ["3", "4", "1", "1"]),
        ("number", ["3.5", "4", "1", "1"]),
        ("pairwise", ["left", "tie", "right", "right"]),
        ("ranking", ['["a","b","c"]', '["a","c","b"]', '["c","b","a"]', '["c","b","a"]']),
    ],
)
def test_every_kind_of_question_has_its_distance(tmp_path: Path, metric: str, labels: list[str]) -> None:
    rows = [(str(place // 2), str(place % 2), label) for place, label in enumerate(labels)]
    path = write_csv(tmp_path / "kind.csv", HEADER, rows)

    found = agreement(path, "--metric", metric, "--json").json

    assert found["by_item"][0]["agreement"] < 1 == found["by_item"][1]["agreement"]
    assert found["alpha"]["value"] is not None
    assert all(0 <= row["low"] <= row["skill"] <= row["high"] <= 1 for row in found["by_worker"])


def test_spans_need_no_settings_and_may_be_written_in_two_ways(tmp_path: Path) -> None:
    written = [{"start": 5, "end": 9, "label": "LOC"}, {"start": 0, "end": 4, "label": "PER"}]
    rows = [("1", "a", json.dumps(written)), ("1", "b", '[[0, 4, "PER"], [5, 9, "LOC"]]')]
    rows += [("2", "a", "[]"), ("2", "b", '[[0, 4, "PER"]]')]
    path = write_csv(tmp_path / "spans.csv", HEADER, rows)
    truth = write_csv(tmp_path / "truth.csv", ["task", "label"], [("2", '[[0, 4, "ORG"]]')])

    found = agreement(path, "--metric", "spans", "--truth", truth, "--json").json

    assert [(row["agreement"], row["entropy"] > 0) for row in found["by_item"]] == [(1.0, False), (0.0, True)]
    assert [row["skill"] for row in found["by_worker"]] == [0.0, 0.0]


@pytest.mark.parametrize("label", ["1e17", "-1e90"])
def test_large_numbers_are_measured(tmp_path: Path, label: str) -> None:
    rows = [("1", "a", label), ("1", "b", label), ("2", "a", "0"), ("2", "b", "0")]
    same, apart = (write_csv(tmp_path / f"{size}.csv", HEADER, rows[:size]) for size in (2, 4))

    assert agreement(same, "--metric", "interval", "--json").json["agreement"] == 1.0
    assert agreement(apart, "--metric", "interval", "--json").json["alpha"]["value"] == 1.0


def test_settings_from_a_file_decide_the_distance(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", HEADER, [("1", "a", "3"), ("1", "b", "4"), ("2", "a", "1"), ("2", "b", "1")])
    spec = tmp_path / "spec.json"
    spec.write_text('{"low": 0, "high": 10}', encoding="utf-8")

    found = agreement(path, "--metric", "rating", "--spec", spec, "--json").json

    assert found["by_item"][0]["agreement"] == 0.9


def test_a_worker_who_gets_worse_is_named_where_time_is_known(tmp_path: Path) -> None:
    random = Random(3)
    rows = []
    for task in range(200):
        truth = random.choice(["cat", "dog"])
        for worker in ("a", "b", "c", "d"):
            good = worker != "d" or task < 120
            label = truth if good and random.random() < 0.95 else random.choice(["cat", "dog"])
            rows.append((str(task), worker, label, f"2026-11-{1 + task // 20:02}T10:{task % 20:02}:00"))
    path = write_csv(tmp_path / "timed.csv", [*HEADER, "at"], rows)

    ran = agreement(path, "--time", "at", "--window", 60)
    found = agreement(path, "--time", "at", "--window", 60, "--json").json

    assert "Got worse lately: d." in ran.err
    assert [row["worker"] for row in found["by_worker"] if row["drifted"]] == ["d"]


@pytest.mark.parametrize(
    "rows",
    [
        [("1", "a", "x")],
        [("1", "a", "x"), ("2", "a", "y")],
        [("1", "a", "x"), ("1", "b", "x"), ("2", "b", "x")],
        [("1", "a", "x"), ("1", "a", "x")],
        [("é", "ж", "yes, sir"), ("é", "b", "nan")],
    ],
    ids=["one answer", "one worker", "one class", "a repeated answer", "unicode and commas"],
)
@pytest.mark.parametrize("metric", ["nominal", "choices"])
def test_the_smallest_files_are_measured_as_far_as_can_be(
    tmp_path: Path, rows: list[tuple[str, ...]], metric: str
) -> None:
    path = write_csv(tmp_path / "few.csv", HEADER, rows)

    found = agreement(path, "--metric", metric, "--json").json

    assert found["answers"] == len(rows)
    json.dumps(found, allow_nan=False)
    assert "NaN" not in agreement(path, "--metric", metric).out


def test_ten_thousand_classes_are_measured(tmp_path: Path) -> None:
    rows = [(str(task), worker, str(task)) for task in range(10_000) for worker in ("a", "b")]
    found = agreement(write_csv(tmp_path / "many.csv", HEADER, rows), "--json").json

    assert found["alpha"]["value"] == 1.0
    assert found["by_worker"][0]["skill"] > 0.95


def test_all_of_it_is_written_where_asked(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")

    ran = agreement(folder / "answers.csv", "--out", tmp_path / "found.json", "--pairs", 3)

    assert "Items with least agreement" in ran.out
    written = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert len(written["by_pair"]) == 3


@pytest.mark.parametrize(
    ("name", "content", "options", "said"),
    [
        ("a.csv", b"", [], "is empty"),
        ("a.csv", b"task,worker,label\n", [], "has no answers"),
        ("a.csv", b"task,user,label\n1,a,x\n", [], "column 'worker'"),
        ("a.csv", b"task,worker,label\n1,a,x\n2,,x\n", [], "row 3, column worker"),
        ("a.csv", b"task,worker,label,label\n1,a,x,y\n", [], "one column 'label'"),
        ("a.csv", b"task,worker,label\n1,a\n", [], "row 2: expected 3 cells"),
        ("a.csv", b"task,worker,label\n1,a,caf\xe9\n", [], "not text in UTF-8"),
        ("a.csv", b'task,worker,label\n1,a,"x\n', [], "row 2: expected comma-separated cells"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--time", "at"], "column 'at'"),
        ("a.csv", b"task,worker,label,at\n1,a,x,soon\n", ["--time", "at"], "row 2, column at"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--metric", "interval"], "found 'x'"),
        ("a.csv", b"task,worker,label\n1,a,1e300\n1,b,-1e300\n", ["--metric", "interval"], "found '-1e300'"),
        ("a.csv", b"task,worker,label\n1,a,1\n1,b,2\n", ["--metric", "interval", "--truth", "{nan}"], "found 'nan'"),
        ("a.csv", b"task,worker,label\n1,a,1\n1,b,2\n", ["--metric", "interval", "--truth", "{far}"], "found '1e301'"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--metric", "ordinal", "--order", "y,z"], "'x' too"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--metric", "ordinal", "--order", "x,x"], "different labels"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--order", "x,y"], "--metric ordinal"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--metric", "beauty"], "one of nominal, ordinal, interval"),
        ("a.csv", b"task,worker,label\n1,a,x\n", ["--metric", "number"], "kind number"),
        ("a.csv", b"task,worker,label\n1,a,1\n", ["--metric", "number", "--spec", "no.json"], "cannot be read"),
        ("a.csv", b"task,worker,label\n1,a,1\n", ["--metric", "rating", "--spec", "{spec}"], "one JSON object"),
        ("a.jsonl", b"{}\n", [], "row 1: expected a column 'task'"),
        ("a.jsonl", b'{"task": 1, "worker": 2, "label": null}\n', [], "row 1, column label"),
        ("a.jsonl", b"[1]\n", [], "row 1: expected a JSON object"),
        ("a.jsonl", b"task\n", [], "row 1: expected one JSON object a line"),
        ("a.parquet", b"PAR1", [], "not a whole Parquet file"),
        ("a.jsonl.gz", b"x", [], "cannot be read"),
    ],
)
def test_a_wrong_file_or_option_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes, options: list[str], said: str
) -> None:
    path, spec = tmp_path / name, tmp_path / "spec.json"
    path.write_bytes(content)
    spec.write_text("[1]", encoding="utf-8")
    named = {"{spec}": spec}
    for wrong, label in (("{nan}", "nan"), ("{far}", "1e301")):
        named[wrong] = write_csv(tmp_path / f"{label}.csv", ["task", "label"], [("1", label)])

    ran = agreement(path, *(named.get(option, option) for option in options), code=1)

    assert said in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    for name in ("no.csv", "no.jsonl", "no.parquet"):
        assert "cannot be read" in agreement(tmp_path / name, code=1).err


@pytest.mark.parametrize(("name", "alpha"), [("bluebird", 0.126), ("facteval", 0.704)])
def test_real_sets_have_the_alpha_that_was_measured(name: str, alpha: float) -> None:
    folder = SHARED / name
    if not folder.is_dir():
        return  # the real sets lie beside the checkout, and not everywhere
    found = agreement(folder / "answers.csv.gz", "--json").json

    assert found["alpha"]["value"] == pytest.approx(alpha, abs=0.001)
