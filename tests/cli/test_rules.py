"""`crowd-hitl rule` and `crowd-hitl worker remove-answers`: what they say and do on a store of their own."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from crowd_hitl.cli.main import app
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.services.ruling import apply_rules
from tests.cli.conftest import Run
from tests.cli.working import work_off

TRUTH = {"r1": "positive", "r2": "negative", "r3": "positive", "r4": "negative", "r5": "negative"}
QUICK = {
    "name": "Quick",
    "collector": "fast_answers",
    "condition": {"op": ">=", "threshold": 0.5, "answers_min": 1, "seconds": 5},
    "action": {"do": "pause", "scope": "project", "hours": 2},
}


def worked(tmp_path: Path) -> None:
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)


def pairs(out: str) -> dict[str, str]:
    rows = [line.split("│") for line in out.splitlines() if "│" in line]
    return {cells[0].strip(): cells[1].strip() for cells in rows if len(cells) == 2}


def test_a_rule_is_tried_added_hits_and_is_lifted(published: Run, tmp_path: Path) -> None:
    rule = json.dumps(QUICK)
    assert "No rules yet" in published("rule", "list", "film-reviews").out
    added = published("rule", "add", "film-reviews", "--rule", rule, "--json").json["rules"][0]
    assert (added["state"], added["when"], added["then"]) == ("on", "at or above 50%", "pause in this project for 2 h")
    worked(tmp_path)

    trial = published("rule", "test", "film-reviews", "--number", added["rule"], "--json").json["would_hit"]
    assert trial and trial[0]["measured"].startswith("100% of the last")
    assert published("rule", "hits", "film-reviews", "--json").json["hits"] == []
    with open_desk(tmp_path / "data") as desk:
        assert apply_rules(desk.uow) == len(trial)

    hits = published("rule", "hits", "film-reviews", "--json").json["hits"]
    assert hits[0]["action"] == "pause, stands"
    assert "may work again" in published("rule", "lift", hits[0]["hit"]).out
    assert "looked at" in published("rule", "seen", hits[1]["hit"]).out
    listed = published("rule", "list", "film-reviews", "--json").json["rules"]
    assert (listed[0]["hits"], listed[0]["not_looked_at"]) == (len(trial), len(trial) - 2)
    assert published("rule", "off", added["rule"], "--json").json["rules"][0]["state"] == "off"
    assert published("rule", "on", added["rule"], "--json").json["rules"][0]["state"] == "on"


def test_presets_are_added_by_name_and_a_wrong_rule_is_refused(published: Run) -> None:
    for preset in ("too-fast", "too-uniform", "daily-income"):
        published("rule", "add", "film-reviews", "--preset", preset)
    everywhere = published("rule", "add", "film-reviews", "--preset", "too-fast", "--everywhere", "--json").json
    assert everywhere["rules"][0]["then"] == "pause everywhere for 24 h"

    assert "preset: expected one of" in published("rule", "add", "film-reviews", "--preset", "x", code=1).err
    assert "one of them" in published("rule", "add", "film-reviews", code=1).err
    assert "rule: expected JSON" in published("rule", "add", "film-reviews", "--rule", "{", code=1).err
    wrong = {**QUICK, "collector": "against_majority", "condition": {"op": ">", "threshold": 0.5}}
    wrong["action"] = {"do": "block"}
    said = published("rule", "add", "film-reviews", "--rule", json.dumps(wrong), code=1).err
    assert "a person decides" in said
    assert "Nobody" in published("rule", "test", "film-reviews", "--preset", "too-fast").out


def test_answers_are_previewed_taken_out_and_put_back(published: Run, tmp_path: Path) -> None:
    worked(tmp_path)
    budget = published("budget", "show", "Main", "--json").json
    shown = published("worker", "remove-answers", "mara", "--project", "film-reviews", "--preview")
    assert "flips 0 labels, reissues" in shown.out
    found = published("worker", "remove-answers", "mara", "--project", "film-reviews", "--preview", "--json").json
    assert found["answers"] > 0 and found["affordable"]
    assert published("budget", "show", "Main", "--json").json == budget

    refused = published("worker", "remove-answers", "mara", "--project", "film-reviews", "--json", code=1)
    assert "say --yes" in refused.err
    done = published("worker", "remove-answers", "mara", "--project", "film-reviews", "--yes", "--json").json

    assert (done["removed"], done["reissued"]) == (found["answers"], found["reissued"])
    assert done["costs"] == found["costs"]
    assert "all is well" in published("check").out.lower() or published("check", "--json").json["problems"] == []
    back = published("worker", "restore-answers", "mara", "--project", "film-reviews", "--json").json
    assert (back["restored"], back["place_taken"], back["returned"]) == (done["removed"], 0, done["costs"])
    assert published("budget", "show", "Main", "--json").json["available"] == budget["available"]
    assert published("check", "--json").json["problems"] == []


def test_without_yes_a_person_is_asked_first(published: Run, tmp_path: Path) -> None:
    worked(tmp_path)
    before: dict[str, Any] = published("budget", "show", "Main", "--json").json

    command = ["--data", str(tmp_path / "data"), "worker", "remove-answers", "mara", "--project", "film-reviews"]
    refused = CliRunner().invoke(app, command, input="n\n")

    assert refused.exit_code != 0
    assert "Take these answers out?" in refused.output
    assert published("budget", "show", "Main", "--json").json == before


def test_a_batch_of_another_project_and_a_wrong_word_are_refused(published: Run, tmp_path: Path) -> None:
    worked(tmp_path)
    published("project", "new", "Other", "--prompt", "Good or bad?", "--options", "a,b")
    said = published("worker", "remove-answers", "mara", "--project", "other", "--batch", 1, "--preview", code=1)
    assert "not one of other's" in said.err
    said = published("worker", "remove-answers", "mara", "--project", "other", "--undecided", "maybe", code=1)
    assert "approve or reject" in said.err
    assert (
        "nothing to take out"
        in published("worker", "remove-answers", "mara", "--project", "other", "--yes", code=1).err
    )
