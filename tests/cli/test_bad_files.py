"""Every command that reads answers, on files as they should not be: a right answer or one clear line, no traceback."""

import gzip
import io
import json
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tests.cli.conftest import run_command
from tests.cli.recordings import a_recording

HEADER = "task,worker,label\n"
NANOSECONDS = pyarrow.array(np.array([1, 2], dtype="datetime64[ns]"))


def parquet_of(**columns: Any) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


def lines_of(*labels: Any) -> bytes:
    rows = [{"task": f"t{place // 2}", "worker": f"w{place % 2}", "label": one} for place, one in enumerate(labels)]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv_of(*rows: str) -> bytes:
    return (HEADER + "".join(f"{row}\n" for row in rows)).encode()


WHOLE = parquet_of(task=["t1", "t1"] * 500, worker=["a", "b"] * 500, label=["x", "y"] * 500)
VARIED = [n * 7919 % 97 for n in range(9000)]
NO_ROWS = pyarrow.array([], "string")
NO_UTF8 = pyarrow.array([b"\xff"]).view("string")
CODES = pyarrow.array(["x", "y"]).dictionary_encode()

# None stands for a folder of that name.
FILES: dict[str, tuple[str, bytes | None]] = {
    "CSV without labels": ("a.csv", b"task,worker\nt1,a\n"),
    "JSON Lines without labels": ("a.jsonl", b'{"task": "t1", "worker": "a"}\n'),
    "Parquet without labels": ("a.parquet", parquet_of(task=["t1"], worker=["a"])),
    "Parquet without workers or rows": ("a.parquet", parquet_of(task=NO_ROWS)),
    "empty CSV": ("a.csv", b""),
    "a byte order mark alone": ("a.csv", b"\xef\xbb\xbf"),
    "blank lines": ("a.csv", b"\n\n\n"),
    "empty JSON Lines": ("a.jsonl", b"\n"),
    "empty Parquet": ("a.parquet", b""),
    "nothing, gzipped": ("a.csv.gz", gzip.compress(b"")),
    "nothing, called gzipped": ("a.csv.gz", b""),
    "a header alone": ("a.csv", csv_of()),
    "Parquet without rows": ("a.parquet", parquet_of(task=NO_ROWS, worker=NO_ROWS, label=NO_ROWS)),
    "a folder named .csv": ("a.csv", None),
    "a folder named .jsonl": ("a.jsonl", None),
    "a folder named .parquet": ("a.parquet", None),
    "bytes in CSV": ("a.csv", bytes(range(256)) * 20),
    "bytes in JSON Lines": ("a.jsonl", bytes(range(256)) * 20),
    "bytes in Parquet": ("a.parquet", bytes(range(256)) * 20),
    "bytes called gzipped": ("a.csv.gz", bytes(range(256)) * 20),
    "zeros": ("a.csv", bytes(1000)),
    "UTF-16": ("a.csv", (HEADER + "t1,a,x\n").encode("utf-16")),
    "Latin-1 far down": ("a.csv", csv_of(*["t1,a,x"] * 5000) + b"t1,b,caf\xe9\n"),
    "Parquet cut in half": ("a.parquet", WHOLE[: len(WHOLE) // 2]),
    "Parquet without its middle": ("a.parquet", WHOLE[:8] + bytes(400) + WHOLE[408:]),
    "Parquet with text that is no UTF-8": ("a.parquet", parquet_of(task=["t1"], worker=["a"], label=NO_UTF8)),
    "gzipped CSV cut": ("a.csv.gz", gzip.compress(csv_of(*(f"t{n},a,{n}" for n in VARIED)))[:5000]),
    "gzipped JSON Lines cut": ("a.jsonl.gz", gzip.compress(lines_of(*VARIED))[:5000]),
    "an empty cell": ("a.csv", csv_of("t1,a,x", "t1,,x")),
    "a blank cell": ("a.csv", csv_of("t1,a,x", "t1,b, ")),
    "a cell too few": ("a.csv", csv_of("t1,a,x", "t1,b")),
    "a quote that is not closed": ("a.csv", csv_of('t1,a,"x', "t1,b,x")),
    "two columns of one name": ("a.csv", b"task,worker,label,label\nt1,a,x,y\n"),
    "null in JSON Lines": ("a.jsonl", lines_of("x", None)),
    "NaN in JSON Lines": ("a.jsonl", lines_of("x", float("nan"))),
    "numbers of 5000 digits": ("a.jsonl", b'{"task": "t", "worker": "a", "label": ' + b"9" * 5000 + b"}\n"),
    "half a letter in JSON Lines": ("a.jsonl", b'{"task": "t", "worker": "a", "label": "\\ud800"}\n'),
    "a list in JSON Lines": ("a.jsonl", b"[1, 2]\n"),
    "JSON nested too deeply": ("a.jsonl", b"[" * 100_000 + b"\n"),
    "null in Parquet": ("a.parquet", parquet_of(task=["t1", "t1"], worker=["a", "b"], label=["x", None])),
    "a column of nulls": ("a.parquet", parquet_of(task=["t1"], worker=["a"], label=pyarrow.nulls(1))),
    "NaN in Parquet": ("a.parquet", parquet_of(task=["t1"] * 2, worker=["a", "b"], label=[1.0, float("nan")])),
}
# Files that can be read, with labels that no question, or only some, can take.
ODD: dict[str, tuple[str, bytes | None]] = {
    "one answer": ("a.csv", csv_of("t1,a,x")),
    "one worker": ("a.csv", csv_of("t1,a,x", "t2,a,y", "t3,a,x")),
    "one class": ("a.csv", csv_of("t1,a,x", "t1,b,x", "t2,a,x")),
    "the same again": ("a.csv", csv_of(*["t1,a,1"] * 5)),
    "many scripts": ("a.csv", csv_of("é,ß,日本", "é,א,🐈‍⬛", "t2,ß,नमस्ते")),
    "commas, quotes, lines": ("a.csv", csv_of('t1,a,"x, y"', 't1,b,"x ""y"""', 't2,a,"x\ny"')),
    "lookalikes": ("a.csv", csv_of("t1,a,NaN", "t1,b,null", "t2,a,Infinity", "t2,b,1e999")),
    "JSON that is cut": ("a.csv", csv_of('t1,a,"[[0, 4"', 't1,b,"{"', "t2,a,[")),
    "nested too deeply": ("a.csv", csv_of("t1,a," + "[" * 100_000)),
    "half a letter": ("a.csv", csv_of(r't1,a,"""\ud800"""')),
    "1e999": ("a.jsonl", b'{"task": "t", "worker": "a", "label": 1e999}\n'),
    "400 digits": ("a.jsonl", lines_of(10**400, 10**400, 1)),
    "objects": ("a.jsonl", lines_of({"a": 1}, {"a": 2}, {}, {"start": 0})),
    "lists": ("a.jsonl", lines_of([], [[]], [None], [{"start": 0, "end": 4, "label": "x"}], [[0, 4, "x"]])),
    "empty lists": ("a.jsonl", lines_of([], [])),
    "mixed": ("a.jsonl", lines_of(1, "1", True, "yes", 0.5)),
    "bytes": ("a.parquet", parquet_of(task=["t1"], worker=["a"], label=[b"\xff"])),
    "times": ("a.parquet", parquet_of(task=["t"] * 2, worker=["a", "b"], label=NANOSECONDS)),
    "times beside": ("a.parquet", parquet_of(task=["t"] * 2, worker=["a", "b"], label=["x"] * 2, at=NANOSECONDS)),
    "codes": ("a.parquet", parquet_of(task=["t"] * 2, worker=["a", "b"], label=CODES)),
}

READING = (
    "aggregate {bad} --method majority-vote",
    "aggregate {good}/answers.csv --method majority-vote --truth {bad}",
    "calibration {bad} --truth {bad} --method majority-vote",
    "plan {bad} --resamples 2 --model majority_vote",
    "agreement {bad}",
    "agreement {good}/answers.csv --truth {bad}",
    "fuse {bad} --question text",
    "fuse {good}/answers.csv --question text --items {bad} --truth {bad}",
    "fuse {good}/answers.csv --question spans --spec {bad}",
    "replay {folder}",
    "plan {folder} --resamples 2 --model majority_vote",
)
KINDS = ("boxes", "choices", "masks", "number", "pairwise", "polygons", "ranking", "rating", "spans", "text")
WEIGHING = (
    *(f"agreement {{bad}} --metric {one}" for one in ("ordinal", "interval", *KINDS)),
    *(f"fuse {{bad}} --question {one}" for one in KINDS),
    "agreement {bad} --time at",
)


@pytest.mark.parametrize("what", [*FILES, *ODD])
def test_a_bad_file_is_an_answer_or_one_clear_line(tmp_path: Path, good: Path, what: str) -> None:
    name, content = (FILES | ODD)[what]
    folder = tmp_path / "set"
    folder.mkdir()
    path, inside = tmp_path / name, folder / name.replace("a.", "answers.")
    for one in (path, inside):
        if content is None:
            one.mkdir()
        else:
            one.write_bytes(content)

    for command in (*READING, *(WEIGHING if what in ODD else ())):
        arguments = command.format(bad=path, good=good, folder=folder).split()
        ran = run_command("--json", *arguments)
        said = json.loads(ran.out, parse_constant=refused)

        assert ran.code in (0, 1), command
        if ran.code == 1:
            assert f"crowd-hitl: {said['error']['message']}\n" in ran.err, command
            assert "\n" not in said["error"]["message"], command


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small recording without a fault."""
    return a_recording(tmp_path_factory.mktemp("good") / "set", tasks=8, workers=3, each=3)


def refused(name: str) -> NoReturn:
    raise AssertionError(f"{name} is not JSON")
