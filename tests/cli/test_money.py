"""The money commands on a real store: bonuses, payouts, extensions, forecasts, charges."""

import csv
from pathlib import Path

from tests.cli.conftest import Run
from tests.cli.test_commands import TRUTH
from tests.cli.working import work_off


def test_payouts_are_collected_exported_paid_and_reconciled(published: Run, tmp_path: Path) -> None:
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    published("budget", "bonus", "Main", "mara", "0.50", "--reason", "Careful work", "--key", "b1", "--batch", 1)
    again = published(
        "budget", "bonus", "Main", "mara", "0.50", "--reason", "Careful work", "--key", "b1", "--batch", 1, "--json"
    )
    assert again.json["amount"] == "0.50"
    published("budget", "adjust", "Main", "tom", "0.01", "--reason", "Paid too little", "--key", "a1")
    assert (
        "no worker 'zed'"
        in published("budget", "bonus", "Main", "zed", "1", "--reason", "None", "--key", "b2", code=1).err
    )

    due = published("payout", "due", "--json").json["due"]
    run = published("payout", "collect", "--key", "nov", "--json").json
    assert len(due) == len(run["payouts"]) == 2
    file = tmp_path / "payouts.csv"
    published("payout", "export", 1, "--out", file)
    assert published("payout", "reconcile", 1, file, "--json").json["differences"] == []
    assert "No differences" in published("payout", "reconcile", 1, file).out
    file.write_text(file.read_text(encoding="utf-8").replace("0.", "1."), encoding="utf-8")
    assert "amount" in published("payout", "reconcile", 1, file, code=1).out
    names = [row["reference"] for row in run["payouts"]]
    published("payout", "paid", *names, "--as", "bank 7")
    published("payout", "paid", *names)
    assert {row["state"] for row in published("payout", "list", "--json").json["runs"]} == {"paid"}
    assert "bank 7" in published("payout", "show", 1).out
    assert "2 payslips" in published("payout", "slips", 1, "--out", tmp_path / "slips").out
    slip = next(path for path in (tmp_path / "slips").iterdir() if names[0] in path.name)
    kinds = [row["what"] for row in csv.DictReader(slip.read_text(encoding="utf-8").splitlines())]
    assert kinds[-2:] == ["bonus", "payout"]
    assert "Nobody is due" in published("payout", "collect", code=1).err
    assert published("check", "--json").json["ok"] is True


def test_charges_are_exported_in_the_focus_format(published: Run, tmp_path: Path) -> None:
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    shown = published("budget", "export", "Main", "--format", "focus").out
    (row,) = csv.DictReader(shown.splitlines())
    assert row["BilledCost"] == published("budget", "show", "Main", "--json").json["spent"]
    assert (row["ServiceCategory"], row["ResourceName"]) == ("AI and Machine Learning", "Batch")
    assert "format: expected one of focus" in published("budget", "export", "Main", "--format", "xls", code=1).err


def test_a_batch_is_forecast_and_extended(published: Run) -> None:
    left = published("batch", "forecast", 1, "--json").json
    assert (left["items_left"], left["done"]) == (3, None)
    quoted = published("batch", "extend", 1, "--overlap-max", 4, "--quote", "--json").json
    assert (quoted["reserve"], quoted["overlap_max"]) == ("0.00", 3)
    assert published("batch", "extend", 1, "--overlap-max", 4, "--json").json["overlap_max"] == 4
    assert "nothing to add" in published("batch", "extend", 1, "--items", 5, code=1).err


def test_a_budget_shows_its_alerts(published: Run) -> None:
    published("batch", "close", 1)
    published("batch", "publish", "film-reviews", "--price", "0.50", "--overlap-min", 3,
              "--compensation-share", 0)  # fmt: skip
    assert "80% used" in published("budget", "show", "Main").out
    assert len(published("budget", "show", "Main", "--json").json["alerts"]) == 2


def test_earnings_are_taken_back_and_payouts_fail_and_open_again(published: Run, tmp_path: Path) -> None:
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    asked = ("budget", "clawback", "Main", "mara", "0.05", "--reason", "Paid twice", "--key", "t1")
    assert published(*asked, "--json").json == published(*asked, "--json").json
    assert "can be taken back" in published(*asked[:4], "9", *asked[5:-1], "t2", code=1).err
    shown = published("budget", "show", "Main", "--json").json
    assert (shown["cost"]["taken_back"], shown["cost"]["fees"]) == ("0.05", "0.00")
    assert "taken back 0.05" in published("budget", "show", "Main").out

    run = published("payout", "collect", "--json").json
    name = run["payouts"][0]["reference"]
    assert "not exported" in published("payout", "fail", name, "--reason", "Closed", code=1).err
    published("payout", "export", 1)
    assert published("payout", "fail", name, "--reason", "Account closed", "--json").json["state"] == "failed"
    assert "Account closed" in published("payout", "show", 1).out
    assert "exported" in published("payout", "reopen", name).out
    assert published("check", "--json").json["ok"] is True


def test_the_cost_of_an_agreed_label_is_shown_with_its_parts(published: Run, tmp_path: Path) -> None:
    assert "Nothing was spent" in published("project", "cost", "film-reviews").out
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    published("budget", "bonus", "Main", "mara", "0.50", "--reason", "Careful work", "--key", "b1", "--batch", 1)
    (cost,) = published("project", "cost", "film-reviews", "--json").json["costs"]
    assert (cost["bonuses"], cost["currency"]) == ("0.50", "USD")
    assert float(cost["spent"]) == float(cost["answers"]) + 0.5
    assert "per agreed label" in published("project", "cost", "film-reviews").out
