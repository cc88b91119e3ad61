"""`crowd-hitl plan`: a table and a forecast from a file, a folder or a project, and errors that say what to mend."""

import json
from pathlib import Path
from random import Random

import pytest

from tests.cli.conftest import Ran, Run, run_command
from tests.cli.recordings import a_recording, write_csv
from tests.cli.working import work_off

QUICK = ("--resamples", "3", "--model", "pooled")


def plan(*arguments: object, code: int = 0, data: Path | None = None) -> Ran:
    ran = run_command("plan", *map(str, arguments), data=data)
    assert ran.code == code, ran.err
    return ran


def test_every_way_has_its_cost_and_accuracy_with_a_band(tmp_path: Path) -> None:
    found = plan(a_recording(tmp_path / "set"), "--price", "0.10", "--items", 200, *QUICK, "--json").json
    assert (found["pilot"], found["pilot_items"], found["items"], found["score"]) == ("set", 40, 200, "accuracy")
    ways = [(point["policy"], point["overlap"]) for point in found["points"]]
    stops = [("least_sure", 7), ("margin", 7), ("posterior", 7)]
    assert ways == [*(("fixed", overlap) for overlap in range(1, 8)), *stops]
    three = found["points"][2]
    assert (three["answers_per_item"], three["cost"]) == (3.0, "60.00")
    assert three["score_low"] <= three["score"] <= three["score_high"]
    assert not three["extrapolated"]
    assert found["points"][6]["extrapolated"]


def test_the_forecast_says_cost_band_and_share_sure(tmp_path: Path) -> None:
    forecast = plan(a_recording(tmp_path / "set"), "--confidence", "0.9", *QUICK, "--json").json["forecast"]
    assert forecast["confidence"] == 0.9
    assert float(forecast["cost_low"]) < float(forecast["cost"]) < float(forecast["cost_high"])
    assert 0 < forecast["share_of_items_sure"] <= 1
    assert forecast["days"] is None


def test_a_table_and_sentences_are_for_people(tmp_path: Path) -> None:
    ran = plan(a_recording(tmp_path / "set"), *QUICK)
    assert "3 each" in ran.out
    assert "extrapolated" in ran.out
    assert "Confidence 0.95 on 40 items costs" in ran.out
    assert "--per-hour" in ran.out


def test_times_in_the_file_say_when_it_is_done(tmp_path: Path) -> None:
    random = Random(0)
    rows = [
        (f"t{task}", f"w{worker}", random.choice("aab"), f"2026-11-{1 + task // 24:02}T{task % 24:02}:{worker:02}:00Z")
        for task in range(48)
        for worker in range(3)
    ]
    pilot = write_csv(tmp_path / "pilot.csv", ["task", "worker", "label", "submitted_at"], rows)
    forecast = plan(pilot, "--items", 480, *QUICK, "--json").json["forecast"]
    assert forecast["answers_per_hour"] == pytest.approx(3.0, rel=0.05)
    assert forecast["days_low"] < forecast["days"] < forecast["days_high"]
    assert forecast["done_by"] > "2026-11-10"


def test_a_pace_that_is_given_is_used(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    forecast = plan(folder, "--per-hour", 10, *QUICK, "--json").json["forecast"]
    assert forecast["days"] == pytest.approx(forecast["answers_per_item"] * 40 / 10 / 24, rel=0.02)


def test_without_truth_accuracy_is_an_estimate_and_agreement_is_shown(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    ran = plan(folder / "answers.csv", *QUICK)
    assert "estimated accuracy" in ran.out
    assert "agreement" in ran.out
    assert "--truth" in ran.err
    measured = plan(folder / "answers.csv", "--truth", folder / "truth.csv", *QUICK, "--json").json
    assert measured["score"] == "accuracy"


def test_the_same_seed_plans_the_same(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    assert plan(folder, *QUICK, "--seed", 4, "--json").json == plan(folder, *QUICK, "--seed", 4, "--json").json


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--price", "0"], "price"),
        (["--confidence", "1.5"], "confidence"),
        (["--overlap-min", "4", "--overlap-max", "3"], "overlap_max"),
        (["--model", "tarot"], "one of"),
        (["--per-hour", "-1"], "per_hour"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, arguments: list[str], said: str) -> None:
    ran = plan(a_recording(tmp_path / "set"), *arguments, "--json", code=1)
    assert said in json.loads(ran.out)["error"]["message"]


def test_a_pilot_that_is_not_there_or_too_small_is_said_so(tmp_path: Path) -> None:
    assert "There is no file" in plan(tmp_path / "nothing.csv", code=1).err
    assert "There is no project 'nothing'" in plan("nothing", code=1, data=tmp_path / "data").err
    small = write_csv(tmp_path / "small.csv", ["task", "worker", "label"], [("1", "a", "x"), ("2", "b", "y")])
    assert "10 answered items or more, found 2" in plan(small, code=1).err


def test_a_projects_own_answers_are_a_pilot(run: Run, tmp_path: Path) -> None:
    truth = {f"r{number}": "positive" if number % 3 else "negative" for number in range(12)}
    items = write_csv(tmp_path / "items.csv", ["key", "text"], [(key, f"Review {key}.") for key in truth])
    run("project", "new", "Film reviews", "--prompt", "Good or bad?", "--options", "positive,negative")
    assert "no answers yet" in run("plan", "film-reviews", code=1).err
    run("items", "import", "film-reviews", items)
    run("budget", "new", "Main", "--amount", "5")
    for login in ("mara", "tom", "ines"):
        run("worker", "add", login)
    run("batch", "publish", "film-reviews", "--overlap-min", 2, "--overlap-max", 3)
    given = work_off(tmp_path / "data", batch_id=1, truth=truth)

    found = run("plan", "film-reviews", "--items", 500, *QUICK, "--json").json

    assert (found["pilot_items"], found["pilot_answers"], found["score"]) == (12, given, "estimated accuracy")
    assert found["forecast"]["answers_per_hour"] > 0
    assert (found["price"], found["fee"], found["currency"], found["sampled"]) == ("0.05", "0.00", "USD", False)

    named = run("plan", "--project", "film-reviews", "--batch", 1, "--items", 500, "--price", "0.10", *QUICK)
    assert "Plan for 500 items at 0.10 an answer" in named.out
    assert "crowd-hitl batch publish film-reviews --price 0.10 --overlap-min 2 --overlap-max 7" in named.out
    assert "Mix gold into the next batch" in named.err
    assert "no batch 9 with answers" in run("plan", "--project", "film-reviews", "--batch", 9, code=1).err
    with_truth = write_csv(tmp_path / "truth.csv", ["task", "label"], list(truth.items()))
    known = run("plan", "film-reviews", "--truth", with_truth, *QUICK, "--json").json
    assert known["known"] == 12


def test_one_pilot_is_named_and_nothing_that_is_not_its(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    assert "Name one pilot" in plan(code=1).err
    assert "Name one pilot" in plan(folder, "--project", "pets", code=1).err
    assert "--batch" in plan(folder, "--batch", 1, code=1).err
    assert "--truth" in plan("--project", "pets", "--truth", folder / "truth.csv", code=1).err
