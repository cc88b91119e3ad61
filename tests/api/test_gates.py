"""Qualifications, gated batches, blocks and pauses through the API, on both databases."""

from typing import Any

from tests.api.served import QUESTION, Served, a_batch, a_budget, claim, submission


def worker_id(served: Served, who: str) -> int:
    """Return the id of a worker's row."""
    return int(served.get(who, "/me").json["worker_id"])


def test_a_batch_with_a_requirement_is_offered_only_to_those_who_meet_it(served_on_both: Served) -> None:
    served = served_on_both
    made = served.post("rita", "/qualifications", {"name": "spanish", "description": "Reads it."})
    assert (made.status_code, made.json["holders"]) == (201, 0)
    again = served.post("ada", "/qualifications", {"name": "spanish"})
    assert (again.status_code, "Grant it" in again.json["detail"]) == (409, True)
    path = f"/qualifications/{made.json['id']}"
    sheet = "worker,value\nwanda,90\nnobody,1\nwalt,80\n"
    report = served.ask("rita", "POST", f"/api/v1{path}/import", data=sheet, content_type="text/csv").json
    assert (report["rows"], report["granted"]) == (3, 2)
    assert report["problems"] == [
        {"row": 3, "field": "worker", "expected": "the login or pseudonym of a worker", "found": "'nobody'"}
    ]
    walt = served.ask("rita", "PUT", f"/api/v1{path}/workers/{worker_id(served, 'walt')}", json={"value": 60})
    assert (walt.json["value"], walt.json["granted_by"]) == (60, "rita")
    holders = served.get("rita", f"{path}/workers").json["grants"]
    assert sorted(line["value"] for line in holders) == [60, 90]

    requirement = {"has": "spanish", "min": 80}
    pets = a_batch(served, overlap_min=1, requirement=requirement, cap_per_day=2)
    batch = served.get("rita", f"/batches/{pets.batch_id}").json
    assert batch["gate"] == {"requirement": requirement, "cap_answers": None, "cap_share": None, "cap_per_day": 2}
    assert served.get("walt", "/work").json["batches"] == []
    assert claim(served, "walt", pets.batch_id, count=2) == []
    (line,) = served.get("wanda", "/work").json["batches"]
    assert (line["available"], line["limit"]) == (2, None)
    one, _ = claim(served, "wanda", pets.batch_id, count=5)
    reply = served.post("wanda", f"/assignments/{one['id']}/submit", {**submission(), "next": 1})
    assert (reply.status_code, reply.json["next"]) == (200, [])
    (line,) = served.get("wanda", "/work").json["batches"]
    assert line["limit"] == "You have done your 2 for today. There may be more tomorrow, from 00:00 UTC."


def test_a_quote_tells_how_many_may_work_and_refuses_what_nobody_could(served_on_both: Served) -> None:
    served = served_on_both
    a_batch(served)
    served.post("rita", "/projects/pets/items", [{"key": "more", "text": "more"}])
    wanted: dict[str, Any] = {
        "name": "x",
        "budget_id": a_budget(served, name="other"),
        "price": "0.05",
        "overlap_min": 1,
    }
    served.post("rita", "/qualifications", {"name": "spanish"})

    quote = served.post("rita", "/projects/pets/quote", {**wanted, "requirement": {"has": "spanish"}, "cap_share": 0.5})
    assert (quote.json["workers_able"], quote.json["gate"]["cap_share"]) == (0, 0.5)
    assert quote.json["warning"].startswith("The batch cannot be finished: the 0 able workers may give 0 answers")
    assert served.post("rita", "/projects/pets/quote", {**wanted, "cap_answers": 1}).json["warning"] is None
    refused = served.post("rita", "/projects/pets/batches", {**wanted, "requirement": {"has": "spanish"}})
    assert (refused.status_code, "only 0 of 2 active workers meet" in refused.json["detail"]) == (400, True)
    for wrong in ({"requirement": {"has": "french"}}, {"requirement": {"is": 1}}, {"cap_share": 2}, {"cap_answers": 0}):
        reply = served.post("rita", "/projects/pets/quote", {**wanted, **wrong})
        assert reply.status_code == 400, reply.text


def test_a_blocked_worker_is_told_why_and_comes_back_when_it_is_lifted(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    wanda = worker_id(served, "wanda")
    wrong: list[dict[str, Any]] = [
        {"kind": "ban", "reason": "No."},
        {"kind": "block", "reason": " "},
        {"kind": "block", "reason": "No.", "hours": 1, "ends_at": "2099-01-01T00:00:00Z"},
        {"kind": "block", "reason": "No.", "ends_at": "2001-01-01T00:00:00Z"},
    ]
    for body in wrong:
        assert served.post("rita", f"/workers/{wanda}/blocks", body).status_code == 400
    assert (
        served.post("rita", f"/workers/{wanda}/blocks", {**wrong[0], "kind": "block", "batch_id": 99}).status_code
        == 404
    )

    sent = {"kind": "pause", "reason": "Let us talk first.", "hours": 2, "batch_id": pets.batch_id}
    placed = served.post("rita", f"/workers/{wanda}/blocks", sent)
    assert (placed.status_code, placed.json["scope"], placed.json["placed_by"]) == (201, "batch", "rita")
    work = served.get("wanda", "/work").json
    (notice,) = work["blocks"]
    assert (work["batches"], notice["where"], notice["reason"]) == ([], "batch first of Pets", "Let us talk first.")
    assert notice["ends_at"] == placed.json["ends_at"]
    shown = served.get("rita", f"/workers/{wanda}").json
    assert (shown["worker"]["state"], [one["id"] for one in shown["blocks"]]) == ("active", [placed.json["id"]])

    lifted = served.post("ada", f"/blocks/{placed.json['id']}/lift")
    assert (lifted.json["stands"], lifted.json["lifted_by"]) == (False, "ada")
    assert served.post("ada", f"/blocks/{placed.json['id']}/lift").status_code == 409
    assert len(served.get("wanda", "/work").json["batches"]) == 1
    assert served.get("rita", "/blocks?standing=true").json["blocks"] == []
    assert len(served.get("rita", f"/workers/{wanda}/blocks").json["blocks"]) == 1


def test_a_block_from_all_work_marks_the_worker(served: Served) -> None:
    served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    walt = worker_id(served, "walt")
    served.post("rita", f"/workers/{walt}/blocks", {"kind": "block", "reason": "Answers at random."})

    assert served.get("rita", f"/workers/{walt}").json["worker"]["state"] == "blocked"
    (notice,) = served.get("walt", "/work").json["blocks"]
    assert (notice["where"], notice["ends_at"]) == ("all work", None)
