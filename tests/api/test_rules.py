"""Rules and removals through the API and the pages, on both databases."""

import re
from typing import Any

import pytest

from crowd_hitl.services.checking import check
from crowd_hitl.services.ruling import apply_rules
from tests.api.served import Served, a_batch, claim, submission

QUICK = {
    "name": "Quick",
    "collector": "fast_answers",
    "condition": {"op": ">=", "threshold": 0.5, "answers_min": 2, "seconds": 5},
    "action": {"do": "block", "scope": "project"},
}


def worked(served: Served, who: str, batch_id: int, *values: str) -> int:
    """Let somebody answer; return the worker's id."""
    for value in values:
        (place,) = claim(served, who, batch_id)
        sent = submission(value, key=f"{who}-{place['id']}")
        assert served.post(who, f"/assignments/{place['id']}/submit", sent).status_code < 300
    return worker_id(served, who)


def worker_id(served: Served, who: str) -> int:
    workers = served.get("rita", "/workers").json["workers"]
    return next(int(worker["id"]) for worker in workers if worker["name"] == who.capitalize())


def form(served: Served, path: str, **fields: str) -> Any:
    """Send a form of the pages as rita, with its token."""
    client = served.client()
    page = client.get("/signin")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token is not None
    signed = client.post("/signin", data={"csrf_token": token[1], "login": "rita", "password": "correct horse battery"})
    assert signed.status_code in (302, 303), signed.text
    fresh = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/projects").text)
    assert fresh is not None
    return client.post(path, data={"csrf_token": fresh[1], **fields}, follow_redirects=True)


def test_a_rule_is_made_tried_hits_and_is_lifted(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    made = served.post("rita", "/projects/pets/rules", QUICK)
    assert (made.status_code, made.json["state"], made.json["everywhere"]) == (201, "on", False)
    fast = worked(served, "wanda", pets.batch_id, "cat", "dog")

    tried = served.post("rita", "/projects/pets/rules/trial", QUICK).json["would_hit"]
    assert [(one["worker_id"], one["measured"]) for one in tried] == [(fast, 1.0)]
    assert served.get("rita", "/projects/pets/rule-hits").json == {"hits": [], "after": None}
    assert apply_rules(served.house.uow) == 1

    (hit,) = served.get("rita", "/projects/pets/rule-hits").json["hits"]
    assert (hit["worker_id"], hit["action"], hit["stands"], hit["ends_at"]) == (fast, "block", True, None)
    assert hit["said"] == "100% of the last 2 answers took less than 5 s"
    assert len(hit["answers"]) == 2
    assert served.get("rita", "/projects/pets/rules").json["rules"][0]["unseen"] == 1
    assert served.post("rita", f"/rule-hits/{hit['id']}/lift").status_code == 204
    assert served.post("rita", f"/rule-hits/{hit['id']}/lift").status_code == 409
    assert served.post("rita", f"/rules/{made.json['id']}/off").json["state"] == "off"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"preset": "slow"},
        {"preset": "too-fast", "name": "mine"},
        {**QUICK, "condition": {"op": ">", "threshold": "much"}},
        {**QUICK, "collector": "against_majority", "condition": {"op": ">", "threshold": 0.5}},
    ],
)
def test_what_is_no_rule_is_refused(served: Served, body: dict[str, Any]) -> None:
    a_batch(served)
    reply = served.post("rita", "/projects/pets/rules", body)
    assert (reply.status_code, reply.mimetype) == (400, "application/problem+json")


def test_hits_are_listed_by_pages(served: Served) -> None:
    pets = a_batch(served)
    served.post("rita", "/projects/pets/rules", {**QUICK, "action": {"do": "flag"}})
    for who in ("wanda", "walt"):
        worked(served, who, pets.batch_id, "cat", "dog")
    assert apply_rules(served.house.uow) == 2

    first = served.get("rita", "/projects/pets/rule-hits?limit=1").json
    second = served.get("rita", f"/projects/pets/rule-hits?limit=1&after={first['after']}").json
    assert first["hits"][0]["id"] > second["hits"][0]["id"]
    assert second["after"] is None
    assert served.post("rita", f"/rule-hits/{first['hits'][0]['id']}/seen").status_code == 204


def test_answers_are_previewed_taken_out_and_put_back(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    assert served.post("rita", "/workers", {"login": "third", "name": "Third"}).status_code == 201
    liar = worked(served, "wanda", pets.batch_id, "dog", "dog", "dog")
    worked(served, "walt", pets.batch_id, "cat", "cat", "cat")
    path = f"/projects/pets/workers/{liar}"

    found = served.get("rita", f"{path}/removal").json
    assert (found["answers"], found["reissued"], found["affordable"]) == (3, 3, True)
    assert found["budgets"][0]["cost"] == "0.15"
    assert found["sentence"].endswith("reissues 3 answers, costs 0.15 USD")
    assert served.get("rita", f"{path}/removal?replaced=false").json["budgets"] == []
    short = served.post("rita", f"{path}/removal", {"reason": "no"})
    assert short.status_code == 400

    done = served.post("rita", f"{path}/removal", {"reason": "Clicked through without looking."})
    assert (done.status_code, done.json["removed"], done.json["reissued"]) == (200, 3, 3)
    assert done.json["costs"] == [{"currency": "USD", "amount": "0.15"}]
    assert served.post("rita", f"{path}/removal", {"reason": "Once more, please."}).status_code == 409
    back = served.post("rita", f"{path}/restoration", {}).json
    assert (back["restored"], back["returned"]) == (3, done.json["costs"])
    assert served.house.uow.read(check) == []


def test_a_budget_that_is_too_small_answers_402_and_keeps_all_as_it_was(served: Served) -> None:
    pets = a_batch(served, price="25", overlap_min=1)
    liar = worked(served, "wanda", pets.batch_id, "dog", "dog", "dog")

    reply = served.post("rita", f"/projects/pets/workers/{liar}/removal", {"reason": "Clicked through it all."})

    assert reply.status_code == 402
    assert "Top it up by " in reply.json["detail"]
    assert served.get("rita", f"/projects/pets/workers/{liar}/removal").json["answers"] == 3
    page = form(served, f"/projects/pets/workers/{liar}/block", reason="Clicked through it all.", do="replace")
    assert "was not blocked" in page.text and "Top it up" in page.text


def test_a_batch_of_another_project_is_not_there(served: Served) -> None:
    pets = a_batch(served)
    other = {"slug": "other", "name": "Other", "question": {"prompt": "Which?", "options": ["a", "b"]}}
    assert served.post("rita", "/projects", other).status_code == 201
    who = worker_id(served, "wanda")

    assert served.get("rita", f"/projects/other/workers/{who}/removal?batch_id={pets.batch_id}").status_code == 404
    assert served.get("rita", "/projects/pets/workers/999/removal").status_code == 404


def test_the_block_page_says_what_follows_and_does_it(served: Served) -> None:
    pets = a_batch(served)
    liar = worked(served, "wanda", pets.batch_id, "dog", "dog", "dog")
    path = f"/projects/pets/workers/{liar}/block"

    done = form(
        served, path, reason="Clicked through it all.", do="replace", replaced="yes", hours="24", scope="project"
    )

    assert "is blocked. 3 answers are out, 3 are asked again" in done.text
    assert claim(served, "walt", pets.batch_id, count=3)
    refused = form(served, path, reason="short")
    assert "was not blocked" in refused.text
    wrong = form(served, path, reason="Clicked through it all.", hours="9")
    assert "was not blocked" in wrong.text
    alone = form(served, path, reason="Clicked through it all.", do="block", scope="organisation")
    assert "is blocked." in alone.text
    assert claim(served, "wanda", pets.batch_id) == []
    assert served.house.uow.read(check) == []


def test_the_rules_page_adds_switches_and_lifts(served: Served) -> None:
    pets = a_batch(served)
    assert "Too fast looks at everybody" in form(served, "/projects/pets/rules", preset="too-fast").text
    assert "There is a rule" in form(served, "/projects/pets/rules", preset="too-fast").text
    served.post("rita", "/projects/pets/rules", QUICK)
    worked(served, "wanda", pets.batch_id, "cat", "dog")
    apply_rules(served.house.uow)
    (hit,) = served.get("rita", "/projects/pets/rule-hits").json["hits"]

    page = form(served, f"/projects/pets/rule-hits/{hit['id']}/lift").text
    assert "may work again" in page and "took less than 5 s" in page
    assert "nothing was changed" in form(served, f"/projects/pets/rule-hits/{hit['id']}/lift").text.lower()
    assert "is off" in form(served, "/projects/pets/rules/1/off").text
    assert form(served, "/projects/pets/rules/1/sideways").status_code == 404
