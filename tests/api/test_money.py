"""Money through the API: bonuses, charges, payouts, extensions and forecasts, on both databases."""

import csv
import io

from tests.api.served import Served, a_batch, claim, submission
from tests.api.test_requesting import answer_all


def workers(served: Served) -> dict[str, int]:
    return {one["name"]: one["id"] for one in served.get("rita", "/workers").json["workers"]}


def test_a_bonus_is_paid_once_and_reaches_the_earnings_and_the_charges(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    answer_all(served, pets.batch_id)
    path = f"/budgets/{pets.budget_id}/bonuses"
    body = {
        "worker_id": workers(served)["Wanda"],
        "amount": "1.50",
        "reason": "Careful work",
        "batch_id": pets.batch_id,
    }
    without = served.post("rita", path, body)
    paid = [served.post("rita", path, body, headers={"Idempotency-Key": "b1"}) for _ in range(2)]
    other = served.post("rita", path, {**body, "amount": "2"}, headers={"Idempotency-Key": "b1"})

    assert (without.status_code, other.status_code) == (400, 409)
    assert paid[0].status_code == 201 and paid[0].json == paid[1].json
    assert served.get("wanda", "/earnings").json["due"] == "1.65"
    charges = served.get("rita", f"/budgets/{pets.budget_id}/charges")
    assert charges.mimetype == "text/csv"
    rows = list(csv.DictReader(io.StringIO(charges.text)))
    assert sorted(row["BilledCost"] for row in rows) == ["0.30", "1.50"]
    assert served.post("otto", path, body, headers={"Idempotency-Key": "b2"}).status_code == 404


def test_payouts_go_out_by_file_and_come_back_reconciled(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    answer_all(served, pets.batch_id)
    due = served.get("rita", "/payouts/due").json["due"]
    assert [(one["due"], one["currency"]) for one in due] == [("0.15", "USD")] * 2

    runs = [served.post("rita", "/payouts/runs", headers={"Idempotency-Key": "nov"}).json for _ in range(2)]
    assert runs[0] == runs[1]
    run = runs[0]["run_id"]
    reference = runs[0]["payouts"][0]["reference"]
    early = served.post("rita", f"/payouts/{reference}/paid", {})
    file = served.post("rita", f"/payouts/runs/{run}/export")
    back = served.ask("rita", "POST", f"/api/v1/payouts/runs/{run}/reconcile", data=file.text, content_type="text/csv")
    paid = [served.post("rita", f"/payouts/{reference}/paid", {"paid_as": "bank 7"}) for _ in range(2)]
    slip = served.get("rita", f"/payouts/{reference}/payslip")

    assert early.status_code == 409
    assert file.text.startswith("reference,worker,name,currency,amount,run\n")
    assert (back.json["rows"], len(back.json["matched"]), back.json["differences"]) == (2, 2, [])
    assert [one.json["state"] for one in paid] == ["paid", "paid"]
    assert [row["what"] for row in csv.DictReader(io.StringIO(slip.text))] == ["pay", "pay", "pay", "payout"]
    assert served.get("wanda", "/earnings").json["paid"] == "0.15"
    states = {one["state"] for one in served.get("rita", "/payouts/runs").json["runs"][0]["totals"]}
    assert states == {"paid", "exported"}
    for path in (f"/payouts/runs/{run}", f"/payouts/{reference}/payslip"):
        assert served.get("otto", path).status_code == 404
    assert served.get("ada", "/check").json["ok"] is True


def test_a_batch_is_extended_once_under_a_key_and_forecast(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served, items=4, limit=2)
    path = f"/batches/{pets.batch_id}"
    quoted = served.post("rita", f"{path}/extension-quote", {"limit": 1})
    extended = [
        served.post("rita", f"{path}/extend", {"limit": 1}, headers={"Idempotency-Key": "more"}) for _ in range(2)
    ]
    (held,) = claim(served, "wanda", pets.batch_id)
    served.post("wanda", f"/assignments/{held['id']}/submit", submission())
    forecast = served.get("rita", f"{path}/forecast?confidence=0.9")

    assert (quoted.json["tasks"], quoted.json["reserve"]) == (1, "0.10")
    assert [one.json["progress"]["tasks"] for one in extended] == [3, 3]
    assert forecast.json["answers"]["expected"] == 5
    assert forecast.json["total"]["expected"] == "0.30"
    assert served.post("rita", f"{path}/extend", {}).status_code == 400


def test_a_budget_shows_its_alerts(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served, items=3, price="15", overlap_min=2, compensation_share=0)
    shown = served.get("rita", f"/budgets/{pets.budget_id}").json
    assert [(one["percent"], one["used"]) for one in shown["alerts"]] == [(50, "90.00"), (80, "90.00")]
    priced = {"name": "x", "budget_id": pets.budget_id, "price": "0.05", "overlap_min": 2, "channel": "mturk",
              "items": pets.items}  # fmt: skip
    assert (
        served.post("rita", "/projects/pets/quote", priced).json["fees"] == "0.07"
    )  # six places, and one answer that may come late
    assert served.post("rita", "/projects/pets/batches", priced).status_code == 400


def test_what_was_paid_too_much_is_taken_back_once_and_shown_in_the_costs(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    answer_all(served, pets.batch_id)
    path = f"/budgets/{pets.budget_id}/clawbacks"
    wanda = workers(served)["Wanda"]
    body = {"worker_id": wanda, "amount": "0.05", "reason": "Paid twice", "batch_id": pets.batch_id}

    without = served.post("rita", path, body)
    taken = [served.post("rita", path, body, headers={"Idempotency-Key": "t1"}) for _ in range(2)]
    much = served.post("rita", path, {**body, "amount": "2"}, headers={"Idempotency-Key": "t2"})

    assert (without.status_code, much.status_code) == (400, 409)
    assert "due 0.10 USD" in much.json["detail"]
    assert taken[0].status_code == 201 and taken[0].json == taken[1].json
    assert (taken[0].json["kind"], taken[0].json["amount"]) == ("clawback", "0.05")
    assert served.get("wanda", "/earnings").json["due"] == "0.10"
    cost = served.get("rita", f"/budgets/{pets.budget_id}/cost").json
    assert (cost["answers"], cost["taken_back"], cost["spent"]) == ("0.30", "0.05", "0.25")
    assert served.get("rita", f"/budgets/{pets.budget_id}").json["spent"] == "0.25"
    charges = served.get("rita", f"/budgets/{pets.budget_id}/charges")
    rows = list(csv.DictReader(io.StringIO(charges.text)))
    assert sorted(row["BilledCost"] for row in rows) == ["-0.05", "0.30"]
    assert served.post("otto", path, body, headers={"Idempotency-Key": "t3"}).status_code == 404
    assert served.get("ada", "/check").json["ok"] is True


def test_a_payout_that_failed_goes_out_again(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    answer_all(served, pets.batch_id)
    run = served.post("rita", "/payouts/runs").json
    names = [one["reference"] for one in run["payouts"]]
    early = served.post("rita", f"/payouts/{names[0]}/failed", {"reason": "Account closed"})
    served.post("rita", f"/payouts/runs/{run['run_id']}/export")
    failed = [served.post("rita", f"/payouts/{name}/failed", {"reason": "Account closed"}) for name in names]
    opened = served.post("rita", f"/payouts/{names[0]}/reopen")
    page = served.get("rita", "/payouts/due?limit=1").json
    again = served.post("rita", "/payouts/runs").json

    assert early.status_code == 409
    assert [(one.json["state"], one.json["failure"]) for one in failed] == [("failed", "Account closed")] * 2
    assert (opened.json["state"], opened.json["failure"]) == ("exported", None)
    assert (len(page["due"]), page["after"]) == (1, None)
    assert [one["amount"] for one in again["payouts"]] == ["0.15"]
    assert served.post("rita", f"/payouts/{names[1]}/reopen").status_code == 409
    assert served.post("otto", f"/payouts/{names[1]}/failed", {"reason": "Theirs"}).status_code == 404
    assert served.get("ada", "/check").json["ok"] is True
