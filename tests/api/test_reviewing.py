"""Reviews over the API: the queue, decisions one by one and many at once, requeues, appeals, broken items."""

import pytest

from tests.api.served import Pets, Served, a_batch, claim, submission

REASON = {"reason": "This shows no cat at all."}


@pytest.fixture
def manual(served: Served) -> Pets:
    """Publish a batch that is approved by hand."""
    return a_batch(served, approval="manual", items=3)


def answered(served: Served, batch: Pets, *, login: str = "wanda", count: int = 3) -> list[int]:
    found = []
    for number, one in enumerate(claim(served, login, batch.batch_id, count=count)):
        sent = served.post(login, f"/assignments/{one['id']}/submit", submission(key=f"{login}-{number}"))
        found.append(sent.json["answer"]["id"])
    return found


def test_the_queue_goes_page_by_page_and_empties(served: Served, manual: Pets) -> None:
    ids = answered(served, manual)
    first = served.get("rita", f"/batches/{manual.batch_id}/review?limit=2").json
    assert (first["waiting"], len(first["answers"])) == (3, 2)
    rest = served.get("rita", f"/batches/{manual.batch_id}/review?limit=2&after={first['after']}").json
    assert [one["answer_id"] for one in first["answers"] + rest["answers"]] == ids
    assert rest["after"] is None
    assert served.get("rita", f"/batches/{manual.batch_id}/review?after=x").status_code == 400

    assert served.post("rita", f"/batches/{manual.batch_id}/approve", {"answers": ids[:1]}).json == {"approved": 1}
    worker = first["answers"][0]["worker"]
    assert served.post("rita", f"/batches/{manual.batch_id}/approve", {"worker": worker}).json == {"approved": 2}
    assert served.get("rita", f"/batches/{manual.batch_id}/review").json["waiting"] == 0


def test_an_answer_is_set_aside_and_a_rejection_taken_back(served: Served, manual: Pets) -> None:
    first, second, _ = answered(served, manual)
    assert served.post("rita", f"/answers/{first}/soft-reject", REASON).status_code == 204
    assert served.post("rita", f"/answers/{first}/soft-reject", REASON).status_code == 409
    assert served.post("rita", f"/answers/{second}/reverse").status_code == 409
    served.post("rita", f"/answers/{second}/reject", REASON)
    assert served.post("rita", f"/answers/{second}/reverse").status_code == 204
    assert served.get("ada", "/check").json["ok"] is True


def test_an_appeal_is_made_listed_and_decided(served: Served, manual: Pets) -> None:
    first, *_ = answered(served, manual)
    text = {"text": "There is a cat behind the tree."}
    assert served.post("wanda", f"/answers/{first}/appeal", text).status_code == 409
    served.post("rita", f"/answers/{first}/reject", REASON)
    assert served.post("wanda", f"/answers/{first}/appeal", {"text": "no"}).status_code == 400
    made = served.post("wanda", f"/answers/{first}/appeal", text)
    assert (made.status_code, made.json["state"]) == (201, "open")
    (listed,) = served.get("rita", "/appeals").json["appeals"]
    assert (listed["appeal"], listed["reason"]) == (text["text"], REASON["reason"])
    assert served.post("rita", f"/appeals/{made.json['id']}/dismiss", {"reply": "No tree in it."}).status_code == 204
    assert served.post("rita", f"/appeals/{made.json['id']}/uphold", {}).status_code == 409
    assert served.get("rita", "/appeals").json["appeals"] == []
    assert served.get("rita", "/appeals?state=all").json["appeals"][0]["reply"] == "No tree in it."


def test_further_answers_are_priced_then_asked_once_under_a_key(served: Served, manual: Pets) -> None:
    body = {"answers": 1, "tasks": [1]}
    quoted = served.post("rita", f"/batches/{manual.batch_id}/requeue-quote", body)
    assert quoted.status_code in (200, 400), quoted.text
    unknown = served.post("rita", f"/batches/{manual.batch_id}/requeue", {"answers": 1, "items": ["nosuch"]})
    assert unknown.status_code == 404
    assert served.post("rita", f"/batches/{manual.batch_id}/requeue", {"answers": 0}).status_code == 400


def test_what_cannot_be_answered_is_submitted_in_place_of_an_answer(served: Served, manual: Pets) -> None:
    first, *_ = claim(served, "wanda", manual.batch_id, count=2)
    path = f"/assignments/{first['id']}/submit"
    both = {**submission(), "broken": "It is empty"}
    assert served.post("wanda", path, both).status_code == 400
    assert served.post("wanda", path, {"client_key": "k"}).status_code == 400
    assert served.post("wanda", path, {"client_key": "k", "broken": "no"}).status_code == 400
    sent = served.post("wanda", path, {"client_key": "k", "broken": "It is empty"})
    again = served.post("wanda", path, {"client_key": "k", "broken": "It is empty"})
    assert sent.status_code == again.status_code == 200
    assert sent.json["answer"] == again.json["answer"]
    (listed,) = served.get("rita", f"/batches/{manual.batch_id}/review").json["answers"]
    assert (listed["broken"], listed["value"]) == ("It is empty", "can't be answered")
    assert served.get("rita", "/projects/pets/broken").json["items"] == []
    assert served.post("rita", f"/items/{first['item']['id']}/mend").status_code == 409


def test_a_policy_is_part_of_the_terms(served: Served, manual: Pets) -> None:
    body = {"name": "again", "budget_id": manual.budget_id, "price": "0.01", "overlap_min": 1}
    wrong = served.post("rita", "/projects/pets/quote", {**body, "approval": "by_sample", "review": {"rate": 3}})
    assert wrong.status_code == 400
    assert "review.rate" in wrong.text
    assert served.post("rita", f"/batches/{manual.batch_id}/review").json == {"approved": 0}
