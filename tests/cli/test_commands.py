"""Each command group on a real store, and what it says when it is given something wrong."""

import json
import stat
from pathlib import Path

import pytest

from crowd_hitl.cli.main import COMMANDS
from tests.cli.conftest import Run, run_command
from tests.cli.working import work_off

TRUTH = {"r1": "positive", "r2": "negative", "r3": "positive", "r5": "negative"}


def test_version_and_help_name_every_command() -> None:
    assert run_command("--version").out.startswith("crowd-hitl ")
    shown = run_command("--help").out
    assert [name for name in COMMANDS if name not in shown] == []


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_and_takes_data_and_json(name: str) -> None:
    assert run_command(name, "--help").code == 0


def test_an_unknown_command_is_a_usage_error() -> None:
    ran = run_command("prject", "list")
    assert ran.code == 2
    assert "project" in ran.err


def test_a_project_is_made_listed_and_shown(run: Run) -> None:
    made = run("project", "new", "Größe & Farbe", "--prompt", "Which?", "--options", "a, b ,c", "--json").json
    assert made["project"] == "groe-farbe"
    assert [option["value"] for option in made["question"]["options"]] == ["a", "b", "c"]
    assert run("project", "list", "--json").json["projects"][0]["name"] == "Größe & Farbe"
    assert run("project", "show", "groe-farbe", "--json").json["options"] == ["a", "b", "c"]
    assert "Which?" in run("project", "show", "groe-farbe").out


def test_a_question_of_any_kind_is_made_by_its_settings(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "question.json"
    file.write_text('{"prompt": "How heavy?", "min": 0, "max": 50}', encoding="utf-8")

    run("project", "new", "Fish", "--kind", "number", "--settings", f"@{file}")

    shown = run("project", "show", "fish", "--json").json
    assert (shown["kind"], shown["prompt"]) == ("number", "How heavy?")
    assert (shown["settings"]["min"], shown["settings"]["max"]) == (0, 50)


def test_settings_that_are_no_object_are_refused(run: Run) -> None:
    refused = run("project", "new", "Fish", "--kind", "number", "--settings", "[1]", code=1)

    assert "settings: expected a JSON object" in refused.err


def test_instructions_come_from_a_file_or_as_text(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "how.md"
    file.write_text("Read it twice.", encoding="utf-8")
    for slug, given in (("one", str(file)), ("two", f"@{file}"), ("three", "Read it twice.")):
        run("project", "new", slug, "--prompt", "?", "--options", "a,b", "--instructions", given)
        assert run("project", "show", slug, "--json").json["instructions"] == "Read it twice."


def test_refusals_are_one_line_and_one_object(run: Run) -> None:
    said = run("project", "show", "nowhere", code=1)
    assert said.err == "crowd-hitl: There is no project 'nowhere'. See: crowd-hitl project list\n"
    assert said.out == ""
    told = run("project", "new", "X", "--prompt", "?", "--options", "only", "--json", code=1).json
    assert told["error"]["type"] == "BadInput"
    assert told["error"]["problems"][0]["field"] == "options"


def test_items_are_imported_once_and_bad_rows_are_told(run: Run, reviews: Path) -> None:
    run("project", "new", "films", "--prompt", "?", "--options", "positive,negative")
    first = run("items", "import", "films", reviews, "--json").json
    assert (first["rows"], first["added"], first["gold"], first["bad_rows"]) == (5, 4, 1, 1)
    assert first["bad"][0]["row"] == 5
    assert "Bad rows" in run("items", "import", "films", reviews).out
    assert run("items", "import", "films", reviews, "--json").json["already_there"] == 4
    assert [item["key"] for item in run("items", "list", "films", "--json").json["items"]] == ["r1", "r2", "r3", "r5"]


def test_a_file_without_a_good_row_fails(run: Run, tmp_path: Path) -> None:
    run("project", "new", "films", "--prompt", "?", "--options", "positive,negative")
    bad = tmp_path / "bad.csv"
    bad.write_text("name,words\na,b\n", encoding="utf-8")
    assert run("items", "import", "films", bad, "--json", code=1).json["bad"][0]["field"] == "key"
    assert "no such file" in run("items", "import", "films", tmp_path / "missing.csv", code=1).err
    assert "ends in .csv" in run("items", "import", "films", tmp_path / "items.xlsx", code=1).err


def test_money_is_put_in_once_under_a_key(run: Run) -> None:
    run("budget", "new", "Main", "--amount", "10")
    for _ in range(2):
        run("budget", "top-up", "Main", "2.50", "--key", "invoice-7")
    shown = run("budget", "show", "Main", "--json").json
    assert (shown["topped_up"], shown["available"]) == ("12.50", "12.50")
    assert "expected a decimal amount" in run("budget", "top-up", "Main", "ten", code=1).err
    assert "above 0" in run("budget", "top-up", "Main", "0", code=1).err
    assert run("budget", "list", "--json").json["budgets"][0]["name"] == "Main"


def test_workers_and_accounts_get_password_and_token_once(run: Run) -> None:
    made = run("worker", "add", "mara", "--json").json
    assert made["token"].startswith("chk_")
    assert len(made["password"]) >= 16
    assert run("worker", "token", "mara").out.startswith("chk_")
    assert run("worker", "list", "--json").json["workers"][0]["login"] == "mara"
    assert run("account", "add", "ada", "--role", "admin", "--json").json["role"] == "admin"
    assert "taken" in run("worker", "add", "ada", code=1).err
    assert "no worker" in run("worker", "token", "ada", code=1).err
    assert run("account", "token", "ada", "--json").json["token"].startswith("chk_")
    assert {one["login"] for one in run("account", "list", "--json").json["accounts"]} == {"mara", "ada"}


def test_a_batch_is_quoted_published_paused_and_closed(published: Run) -> None:
    quoted = published("batch", "show", 1, "--json").json
    assert (quoted["tasks"], quoted["reserved"], quoted["state"]) == (3, "0.35", "open")
    assert published("batch", "pause", 1, "--json").json["state"] == "paused"
    assert published("batch", "resume", 1, "--json").json["state"] == "open"
    assert published("batch", "close", 1, "--json").json["returned"] == "0.35"
    assert "only one that is" in published("batch", "pause", 1, code=1).err
    assert "There is no batch 9" in published("batch", "show", 9, code=1).err
    again = published("batch", "quote", "film-reviews", "--price", "0.10", "--json").json
    assert (again["tasks"], again["minimum"], again["maximum"]) == (3, "1.00", "1.00")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--overlap-min", "9"), 1, "the number of active workers"),
        (("--overlap-min", "3", "--overlap-max", "2"), 1, "overlap_max"),
        (("--price", "0"), 1, "price: expected an amount above 0"),
        (("--price", "0.0000001"), 1, "at most six decimals"),
        (("--price", "9"), 3, "Top it up by"),
        (("--budget", "Other"), 1, "There is no budget 'Other'"),
        (("--aggregator", "oracle"), 1, "aggregator: expected one of"),
        (("--approval", "maybe"), 1, "one of auto, manual, after_delay, by_gold, by_sample"),
        (("--overlap-min", "two"), 2, "--overlap-min"),
    ],
)
def test_terms_that_cannot_work_are_refused(published: Run, options: tuple[str, ...], code: int, said: str) -> None:
    published("batch", "close", 1)
    assert said in published("batch", "publish", "film-reviews", *options, code=code).err


def test_labels_cost_and_check_after_the_work_is_done(published: Run, tmp_path: Path) -> None:
    assert work_off(tmp_path / "data", batch_id=1, truth=TRUTH) >= 6
    batch = published("batch", "show", 1, "--json").json
    assert (batch["state"], batch["places_open"]) == ("closed", 0)
    listed = published("labels", "list", "film-reviews", "--json").json
    assert {one["key"]: one["label"] for one in listed["labels"]} == TRUTH
    one = published("labels", "show", "film-reviews", "r1", "--json").json
    assert one["cost"] == f"{0.05 * len(one['votes']):.2f}"
    assert "no item with the key" in published("labels", "show", "film-reviews", "zz", code=1).err
    assert published("budget", "show", "Main", "--json").json["spent"] == batch["spent"]
    assert published("check", "--json").json == {"ok": True, "problems": []}


def test_exports_go_whole_into_a_file_or_to_standard_output(published: Run, tmp_path: Path) -> None:
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    rows = [json.loads(line) for line in published("export", "labels", "film-reviews").out.splitlines()]
    assert {row["key"]: row["value"] for row in rows} == TRUTH
    out = tmp_path / "labels.csv"
    assert published("export", "labels", "film-reviews", "--out", out, "--json").json["rows"] == 4
    assert out.read_text(encoding="utf-8").startswith("key,field,value,confidence,source,cost")
    assert stat.S_IMODE(out.stat().st_mode) & 0o600 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    answers = published("export", "answers", "film-reviews", "--format", "csv").out
    assert answers.startswith("task,worker,label")
    assert "format: expected one of" in published("export", "labels", "film-reviews", "--format", "xml", code=1).err
    nowhere = tmp_path / "no" / "labels.csv"
    assert "cannot be written" in published("export", "labels", "film-reviews", "--out", nowhere, code=1).err


def test_the_database_says_its_revision_and_is_upgraded(run: Run) -> None:
    assert run("db", "status", "--json", code=1).json["up_to_date"] is False
    assert run("db", "upgrade", "--json").json["changed"] is True
    assert run("db", "upgrade", "--json").json["changed"] is False
    assert run("db", "status", "--json").json["up_to_date"] is True


def test_a_file_that_is_no_database_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "crowd_hitl.sqlite").write_text("hello " * 1000, encoding="utf-8")
    said = run("project", "list", code=1).err
    assert "not a database" in said
    assert str(tmp_path / "data") in said


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    ran = run_command("project", "list", data=tmp_path / "file" / "data")
    assert ran.code == 1
    assert "data folder" in ran.err


def test_a_wrong_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROWD_HITL_THREADS", "many")
    assert "CROWD_HITL_THREADS" in run("project", "list", code=1).err


def test_a_loop_is_started_stepped_listed_and_stopped(published: Run) -> None:
    published("batch", "close", 1)
    assert "no running loop" in published("round", "next", "film-reviews", code=1).err
    assert "expected a number" in published("round", "start", "film-reviews", "--set", "looks=few", code=1).err
    assert "learner: expected one of" in published("round", "start", "film-reviews", "--set", "learner=x", code=1).err
    assert "expected true or false" in published("round", "start", "film-reviews", "--set", "joint=2", code=1).err
    given = ["--set", "reference_items=2", "--set", "joint=off"]
    started = published("round", "start", "film-reviews", *given, "--seed", 3, "--json").json
    assert (started["policy"]["reference_items"], started["policy"]["joint"]) == (2, False)
    assert "running already" in published("round", "start", "film-reviews", code=1).err
    step = published("round", "run", "film-reviews", "--json").json
    assert step["waiting"] is True
    listed = published("round", "list", "film-reviews", "--json").json["rounds"][-1]
    assert (listed["round"], listed["model_temper"], listed["model_gain"]) == (step["round_number"], None, None)
    assert published("round", "stop", "film-reviews", "--json").json["stopped"] == "by_hand"
    assert published("check", "--json").json["ok"] is True
