"""Qualifications, gated batches, blocks and pauses from the command line."""

from pathlib import Path

from tests.cli.conftest import Run


def test_a_batch_asks_for_a_qualification_that_was_imported(published: Run, tmp_path: Path) -> None:
    published("qualification", "create", "spanish", "--description", "Reads it.")
    file = tmp_path / "grants.csv"
    file.write_text("worker,value\nmara,90\ntom,abc\nzed,1\n", encoding="utf-8")
    said = published("qualification", "import", "spanish", file)
    assert said.out == "3 rows: 1 granted, 0 had it so, 2 are bad\n"
    assert "row 3, value: expected a number, or nothing, found 'abc'" in said.err
    published("qualification", "grant", "spanish", "tom", "--value", 70)
    assert published("qualification", "grant", "spanish", "tom", "--value", "75", "--json").json["value"] == 75
    assert "ines" not in published("qualification", "workers", "spanish").out
    (line,) = published("qualification", "list", "--json").json["qualifications"]
    assert (line["qualification"], line["workers"]) == ("spanish", 2)

    batch = ("film-reviews", "--overlap-min", 2, "--limit", 1)
    (tmp_path / "more.csv").write_text("key,text\nr9,More.\n", encoding="utf-8")
    published("items", "import", "film-reviews", tmp_path / "more.csv")
    quote = published("batch", "quote", *batch, "--requires", "spanish", "--cap", 5, "--json").json
    assert (quote["workers_able"], quote["requires"], quote["cap"], quote["warning"]) == (2, "spanish", 5, None)
    asked = '{"has": "spanish", "min": 80}'
    refused = published("batch", "publish", *batch, "--requires", asked, code=1).err
    assert "only 1 of 3 active workers meet this requirement (spanish of at least 80)" in refused
    assert "expected one of spanish" in published("batch", "quote", *batch, "--requires", "french", code=1).err
    assert "requires: expected" in published("batch", "quote", *batch, "--requires", "{spanish", code=1).err
    shown = published("batch", "publish", *batch, "--requires", "spanish", "--cap-share", 0.5, "--cap-per-day", 9)
    assert "requires" in shown.out and "spanish" in shown.out and "cap per day" in shown.out

    published("qualification", "revoke", "spanish", "mara")
    assert "does not have" in published("qualification", "revoke", "spanish", "mara", code=1).err
    assert "See: crowd-hitl qualification list" in published("qualification", "workers", "french", code=1).err
    assert published("check").code == 0


def test_workers_are_paused_blocked_and_let_in_again(published: Run) -> None:
    paused = published("worker", "pause", "mara", "--reason", "We look at it.", "--hours", 2, "--json").json
    assert (paused["kind"], paused["where"]) == ("pause", "all work")
    published("worker", "block", "tom", "--reason", "At random.", "--project", "film-reviews")
    published("worker", "block", "ines", "--reason", "Too fast.", "--batch", 1)
    states = {row["login"]: row["state"] for row in published("worker", "list", "--json").json["workers"]}
    assert states == {"mara": "paused", "tom": "active", "ines": "active"}
    listed = published("worker", "blocks").out
    assert "project Film reviews" in listed and "batch Batch of Film reviews" in listed

    published("worker", "lift", paused["block"])
    assert "has ended already" in published("worker", "lift", paused["block"], code=1).err
    assert "See: crowd-hitl worker blocks" in published("worker", "lift", 99, code=1).err
    assert len(published("worker", "blocks", "--json").json["blocks"]) == 2
    (ended,) = published("worker", "blocks", "mara", "--ended", "--json").json["blocks"]
    assert ended["ended"] is not None
    both = ("worker", "block", "tom", "--reason", "x", "--project", "film-reviews", "--batch", 1)
    assert "not both" in published(*both, code=1).err
    assert published("check").code == 0
