"""`crowd-hitl replay`: what it promises, and that live services and arrays decide alike."""

from importlib import import_module
from pathlib import Path

import pytest

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.playing import Asked, Games, policy_on_arrays, posterior_live
from crowd_hitl.cli.recorded import read_folder
from crowd_hitl.inference.crowdkit import quiet
from crowd_hitl.inference.replaying import record
from tests.cli.conftest import Ran, run_command
from tests.cli.recordings import SHARED, a_recording, write_csv


def replay(*arguments: object, code: int = 0) -> Ran:
    ran = run_command("replay", *map(str, arguments))
    assert ran.code == code, ran.err
    return ran


def test_every_policy_has_its_accuracy_answers_and_cost(tmp_path: Path) -> None:
    found = replay(a_recording(tmp_path / "set"), "--price", "0.10", "--json").json
    assert (found["dataset"], found["items"]) == ("set", 40)
    policies = {row["policy"]: row for row in found["policies"]}
    fixed = [f"fixed-{overlap}" for overlap in range(1, 6)]
    assert list(policies) == ["full", *fixed, "margin", "posterior", "entropy", "default"]
    assert (policies["full"]["answers"], policies["full"]["cost"]) == (200, "20.00")
    assert (policies["fixed-3"]["answers"], policies["fixed-3"]["answers_per_item"]) == (120, 3.0)
    default = policies["default"]
    assert 40 <= default["answers"] < 200
    assert default["cost"] == f"{default['answers'] * 0.1:.2f}"
    assert default["share"] == default["answers"] / 200
    assert default["low"] <= default["difference"] <= default["high"]
    assert (policies["full"]["difference"], policies["entropy"]["answers"]) == (0.0, 100)


def test_the_same_seed_plays_the_same(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    first, second = (replay(folder, "--seed", 7, "--json").json["policies"] for _ in range(2))
    assert first == second


@pytest.mark.parametrize("each", [2, 5])
def test_live_services_and_arrays_decide_alike(tmp_path: Path, each: int) -> None:
    recorded = read_folder(a_recording(tmp_path / "set", tasks=60, each=each, seed=each))
    games = Games(recorded, Asked(price_micros=50_000, confidence=0.95, budget_micros=None, seeds=range(1, 2)))
    recording = record(recorded.answers.with_one_voice().table, seed=1)
    live = posterior_live(games, recording, 1)
    on_arrays = policy_on_arrays(games, find_plugins(), "posterior", recording, 1)
    assert games.is_live
    assert (live.answers, live.spent_micros) == (on_arrays.answers, on_arrays.spent_micros)
    assert live.right is not None and on_arrays.right is not None
    assert live.right.tolist() == on_arrays.right.tolist()


def test_several_seeds_give_means_and_their_spread(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set")
    runs = [replay(folder, "--seed", seed, "--json").json["policies"][2] for seed in (3, 4)]
    both = replay(folder, "--seed", 3, "--seeds", 2, "--json").json["policies"][2]
    assert both["accuracy"] == pytest.approx(sum(run["accuracy"] for run in runs) / 2)
    assert both["accuracy_sd"] == pytest.approx(abs(runs[0]["accuracy"] - runs[1]["accuracy"]) / 2**0.5, abs=1e-6)
    assert (both["share_sd"], runs[0]["share_sd"]) == (0.0, None)
    shown = replay(folder, "--seeds", 2).out
    assert "accuracy sd" in shown and "95% bounds" in shown


def test_entropy_spends_its_budget_and_no_more(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set", tasks=60)
    rows = {row["policy"]: row for row in replay(folder, "--budget", "5.00", "--json").json["policies"]}
    assert (rows["entropy"]["answers"], rows["entropy"]["cost"]) == (100, "5.00")
    assert "budget" in replay(folder, "--budget", "much", code=1).err


def test_tasks_with_one_answer_are_labelled_too(tmp_path: Path) -> None:
    folder = tmp_path / "thin"
    folder.mkdir()
    rows: list[tuple[str, ...]] = [("1", "a", "x"), ("2", "a", "y"), ("2", "b", "y"), ("3", "b", "x")]
    write_csv(folder / "answers.csv", ["task", "worker", "label"], rows)
    write_csv(folder / "truth.csv", ["task", "label"], [("1", "x"), ("2", "y"), ("3", "x")])
    found = {row["policy"]: row for row in replay(folder, "--json").json["policies"]}
    assert (found["posterior"]["answers"], found["posterior"]["accuracy"]) == (4, 1.0)
    assert (3 <= found["default"]["answers"] <= 4, found["default"]["accuracy"]) == (True, 1.0)


def test_full_is_crowd_kits_own_accuracy(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set", tasks=80, each=4, seed=3)
    pandas = import_module("pandas")
    crowdkit = import_module("crowdkit.aggregation")
    answers = pandas.read_csv(folder / "answers.csv", dtype=str)
    truth = pandas.read_csv(folder / "truth.csv", dtype=str).set_index("task")["label"]
    with quiet():
        labels = crowdkit.DawidSkene(n_iter=100).fit_predict(answers)
    found = replay(folder, "--json").json["policies"][0]["accuracy"]
    assert found == pytest.approx(float((labels == truth[labels.index]).mean()), abs=1e-6)


def test_without_truth_there_is_no_accuracy(tmp_path: Path) -> None:
    folder = a_recording(tmp_path / "set", tasks=10)
    (folder / "truth.csv").unlink()
    rows = replay(folder, "--seeds", 2, "--json").json["policies"]
    assert {row[name] for row in rows for name in ("accuracy", "difference", "low", "high")} == {None}


@pytest.mark.parametrize("kind", ["text", "numeric", "spans", "pairwise"])
def test_other_kinds_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    folder = a_recording(tmp_path / "set", tasks=3)
    (folder / "meta.json").write_text(f'{{"kind": "{kind}"}}', encoding="utf-8")
    assert f"of the kind '{kind}'" in replay(folder, code=1).err


def test_free_text_is_known_without_being_told(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    rows: list[tuple[str, ...]] = [(str(task), "w", f"what was said in clip {task}") for task in range(300)]
    write_csv(folder / "answers.csv", ["task", "worker", "label"], rows)
    assert "of the kind 'text'" in replay(folder, code=1).err


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    assert "There is no folder" in replay(tmp_path / "none", code=1).err
    assert "has no answers.csv" in replay(tmp_path, code=1).err
    folder = a_recording(tmp_path / "set", tasks=3)
    assert "price" in replay(folder, "--price", "0", code=1).err
    (folder / "meta.json").write_text("{", encoding="utf-8")
    assert "not valid JSON" in replay(folder, code=1).err


def test_a_real_crowd_is_played_live() -> None:
    folder = SHARED / "bluebird"
    if not folder.is_dir():
        return  # the real sets lie beside some checkouts only; the project passes without them
    policies = {row["policy"]: row for row in replay(folder, "--json").json["policies"]}
    assert policies["full"]["accuracy"] == pytest.approx(0.889, abs=0.001)
    assert policies["posterior"]["by"] == "pooled, through the services"
    assert policies["posterior"]["answers"] < policies["full"]["answers"]
    assert policies["default"]["share"] < 0.6
    assert policies["default"]["accuracy"] > policies["fixed-7"]["accuracy"]
