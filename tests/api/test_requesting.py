"""The requester's API: projects, items, budgets, batches, labels, decisions, workers, on both databases."""

import csv
import io
import json
from typing import Any

import pytest

from tests.api.served import PASSWORD, QUESTION, Served, a_batch, a_budget, claim, submission


def answer_all(served: Served, batch_id: int, *, value: str = "cat") -> None:
    """Let wanda and walt answer every task of the batch."""
    for who in ("wanda", "walt"):
        while found := claim(served, who, batch_id, count=10):
            for one in found:
                body = submission(value, key=f"{who}-{one['id']}")
                reply = served.post(who, f"/assignments/{one['id']}/submit", body)
                assert reply.status_code == 200, reply.text


def test_a_project_shows_the_question_it_asks(served_on_both: Served) -> None:
    served = served_on_both
    made = served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    assert made.status_code == 201, made.text
    assert made.json["question"]["kind"] == "choice"
    assert served.get("ada", "/projects/pets").json == made.json
    (line,) = served.get("rita", "/projects").json["projects"]
    assert (line["slug"], line["items"], line["spent"]) == ("pets", 0, "0.00")


@pytest.mark.parametrize("kind", ["application/jsonl", "text/csv", "application/json"])
def test_items_come_in_with_bad_rows_reported(served_on_both: Served, kind: str) -> None:
    served = served_on_both
    served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    rows: list[dict[str, Any]] = [
        {"key": "a", "text": "a cat", "gold": "cat"},
        {"key": "b", "text": "a horse", "gold": "horse"},
        {"key": "c", "text": "a dog", "gold": ""},
    ]
    rows = [{k: v for k, v in row.items() if v or kind == "text/csv"} for row in rows]
    for _ in range(2):
        reply = served.ask("rita", "POST", "/api/v1/projects/pets/items", data=_written(rows, kind), content_type=kind)
        assert reply.status_code == 200, reply.text

    assert (reply.json["rows"], reply.json["added"], reply.json["already_there"]) == (3, 0, 2)
    (bad,) = reply.json["bad"]
    assert reply.json["bad_rows"] == 1
    assert "horse" in bad["found"] and bad["row"] == (3 if kind == "text/csv" else 2)
    page = served.ask("rita", "GET", "/api/v1/projects/pets/items", query_string={"limit": 1}).json
    assert [item["key"] for item in page["items"]] == ["a"]
    rest = served.ask("rita", "GET", "/api/v1/projects/pets/items", query_string={"after": page["after"]}).json
    assert [item["key"] for item in rest["items"]] == ["c"] and rest["after"] is None


def test_items_of_another_type_are_refused(served: Served) -> None:
    served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    reply = served.ask("rita", "POST", "/api/v1/projects/pets/items", data=b"x", content_type="text/plain")
    assert (reply.status_code, reply.mimetype) == (415, "application/problem+json")


def test_the_same_key_tops_up_once(served_on_both: Served) -> None:
    served = served_on_both
    budget_id = a_budget(served, amount="10.25")
    path = f"/budgets/{budget_id}/top-ups"
    again = served.post("rita", path, {"amount": "10.25"}, headers={"Idempotency-Key": "first-main"})
    other = served.post("rita", path, {"amount": "1"}, headers={"Idempotency-Key": "first-main"})
    without = served.post("rita", path, {"amount": "1"})

    assert (again.status_code, again.json["topped_up"], again.json["available"]) == (201, "10.25", "10.25")
    assert (other.status_code, other.json["type"]) == (409, "/problems/key-reused")
    assert without.status_code == 400 and "Idempotency-Key" in without.text
    assert [budget["id"] for budget in served.get("ada", "/budgets").json["budgets"]] == [budget_id]


def test_the_same_key_publishes_once(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served, items=4, limit=1)
    wanted = {"name": "second", "budget_id": pets.budget_id, "price": "0.05", "overlap_min": 1, "limit": 1}
    headers = {"Idempotency-Key": "publish-1"}
    path = "/projects/pets/batches"

    made = [served.post("rita", path, wanted, headers=headers) for _ in range(2)]
    other = served.post("rita", path, {**wanted, "name": "third"}, headers=headers)

    assert [reply.status_code for reply in made] == [201, 201]
    assert made[0].json["id"] == made[1].json["id"]
    assert (other.status_code, other.json["type"]) == (409, "/problems/key-reused")
    assert len(served.get("rita", path).json["batches"]) == 2


def test_a_quote_reserves_nothing_and_publishing_reserves_what_it_said(served: Served) -> None:
    served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    served.post("rita", "/projects/pets/items", [{"key": "a", "text": "a"}, {"key": "b", "text": "b"}])
    budget_id = a_budget(served)
    wanted = {"name": "one", "budget_id": budget_id, "price": "0.05", "overlap_min": 1, "overlap_max": 2}

    quote = served.post("rita", "/projects/pets/quote", wanted).json
    assert (quote["minimum"], quote["maximum"], quote["reserve"]) == ("0.15", "0.25", "0.15")
    assert quote["compensation"] == "0.05"
    assert served.get("rita", f"/budgets/{budget_id}").json["reserved"] == "0.00"
    batch = served.post("rita", "/projects/pets/batches", wanted).json
    assert batch["money"]["reserved"] == "0.15"
    assert served.get("rita", f"/budgets/{budget_id}").json["available"] == "99.85"


def test_a_batch_is_paused_resumed_and_closed(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    path = f"/batches/{pets.batch_id}"

    assert served.post("rita", f"{path}/pause").json["state"] == "paused"
    assert claim(served, "wanda", pets.batch_id) == []
    assert served.post("rita", f"{path}/resume").json["state"] == "open"
    closed = served.post("rita", f"{path}/close").json
    assert (closed["state"], closed["money"]["reserved"]) == ("closed", "0.00")
    assert served.get("rita", f"/budgets/{pets.budget_id}").json["available"] == "100.00"
    assert served.post("rita", f"{path}/resume").status_code == 409


def test_agreed_labels_are_shown_with_votes_and_taken_out(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    answer_all(served, pets.batch_id)
    report = served.post("rita", f"/batches/{pets.batch_id}/agree")
    assert report.status_code == 200 and report.json["labels_changed"] == 3, report.text

    found = served.get("rita", "/projects/pets/labels").json["labels"]
    # Labels are listed as they were made, which is not the order of the items.
    assert sorted((label["key"], label["value"], label["source"]) for label in found) == [
        (f"k{n}", "cat", "consensus") for n in range(3)
    ]
    assert [(label["cost"], len(label["votes"])) for label in found] == [("0.10", 2)] * 3
    narrowed = served.ask("rita", "GET", "/api/v1/projects/pets/labels", query_string={"source": "model"})
    assert narrowed.json["labels"] == []
    lines = served.get("rita", "/projects/pets/labels/export").text.splitlines()
    assert sorted((row["key"], row["value"], row["cost"]) for row in map(json.loads, lines)) == [
        (f"k{n}", "cat", "0.10") for n in range(3)
    ]
    taken = served.ask("rita", "GET", "/api/v1/projects/pets/labels/export", query_string={"format": "csv"})
    assert (taken.mimetype, taken.headers["Content-Disposition"]) == (
        "text/csv",
        'attachment; filename="pets-labels.csv"',
    )
    assert sorted(row["key"] for row in csv.DictReader(io.StringIO(taken.text))) == ["k0", "k1", "k2"]
    assert served.get("ada", "/check").json == {"ok": True, "problems": []}


def test_answers_are_approved_and_rejected_once(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served, approval="manual")
    first, second = claim(served, "wanda", pets.batch_id, count=2)
    ids = [
        served.post("wanda", f"/assignments/{one['id']}/submit", submission(key=f"k{one['id']}")).json["answer"]["id"]
        for one in (first, second)
    ]

    assert served.post("rita", f"/answers/{ids[0]}/approve").status_code == 204
    assert served.post("rita", f"/answers/{ids[0]}/approve").json["type"] == "/problems/already-done"
    assert served.post("rita", f"/answers/{ids[1]}/reject", {"reason": "short"}).status_code == 400
    assert served.post("rita", f"/answers/{ids[1]}/reject", {"reason": "There is no cat in it."}).status_code == 204
    earned = served.get("wanda", "/earnings").json
    assert (earned["total"], earned["answers"]) == ("0.05", {"submitted": 0, "approved": 1, "rejected": 1})
    assert served.get("ada", "/check").json == {"ok": True, "problems": []}


def test_a_new_worker_can_start_with_the_token_that_comes_back(served_on_both: Served) -> None:
    served = served_on_both
    made = served.post("rita", "/workers", {"login": "willy", "name": "Willy", "password": PASSWORD})
    assert made.status_code == 201, made.text
    served.tokens["willy"] = made.json["token"]
    me = served.get("willy", "/me").json
    assert (me["login"], me["role"], me["worker_id"]) == ("willy", "worker", made.json["worker"]["id"])
    assert made.json["worker"] in served.get("rita", "/workers").json["workers"]


def _written(rows: list[dict[str, Any]], kind: str) -> bytes:
    if kind == "application/json":
        return json.dumps(rows).encode()
    if kind == "application/jsonl":
        return "\n".join(json.dumps(row) for row in rows).encode()
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=["key", "text", "gold"])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
