"""The worker's API: claim, submit, replace, release, earnings, on both databases."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from crowd_hitl.store.work_rows import AnswerRow
from tests.api.served import Served, a_batch, claim, submission


def test_a_worker_finds_claims_and_answers_paid_work(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)

    (offer,) = served.get("wanda", "/work").json["batches"]
    assert offer == {
        "id": pets.batch_id,
        "project": "Pets",
        "name": "first",
        "prompt": "Cat or dog?",
        "kind": "text",
        "price": "0.05",
        "hourly": None,
        "page_size": 1,
        "currency": "USD",
        "available": 3,
        "seconds_each": None,
        "limit": None,
    }
    (first,) = claim(served, "wanda", pets.batch_id)
    assert set(first) == {"id", "task_id", "item", "question", "lease_ends_at", "sitting_id", "price", "currency"}
    assert set(first["item"]) == {"id", "key", "text", "image_url", "audio_url", "parts"}
    assert first["question"]["kind"] == "choice" and first["question"]["field"] == "label"
    assert first["question"]["options"] == [{"value": "cat", "label": "cat"}, {"value": "dog", "label": "dog"}]
    assert datetime.fromisoformat(first["lease_ends_at"]).utcoffset() == timedelta(0)

    reply = served.post("wanda", f"/assignments/{first['id']}/submit", submission(next=1))
    assert reply.status_code == 200, reply.text
    assert set(reply.json) == {"answer", "next", "earned", "late", "owed"}
    assert set(reply.json["answer"]) == {"id", "assignment_id", "replaceable_until"}
    assert reply.json["earned"] == "0.05"
    assert [one["item"]["id"] != first["item"]["id"] for one in reply.json["next"]] == [True]

    earned = served.get("wanda", "/earnings").json
    assert (earned["currency"], earned["due"], earned["paid"], earned["total"]) == ("USD", "0.05", "0.00", "0.05")
    assert [(day["answers"], day["amount"]) for day in earned["by_day"]] == [(1, "0.05")]
    assert earned["answers"] == {"submitted": 0, "approved": 1, "rejected": 0}


def test_a_repeated_submit_gets_the_same_reply_and_pays_once(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    (first,) = claim(served, "wanda", pets.batch_id)
    path = f"/assignments/{first['id']}/submit"

    replies = [served.post("wanda", path, submission(next=1)) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert replies[0].json == replies[1].json == replies[2].json
    assert served.get("wanda", "/earnings").json["total"] == "0.05"


def test_a_page_is_submitted_in_one_request_and_brings_the_next(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served, items=5, page_size=3)
    page = claim(served, "wanda", pets.batch_id)
    assert len(page) == 3
    answers = [{"assignment_id": one["id"], "value": {"label": "cat"}, "seconds": 2.0} for one in page]
    path = f"/sittings/{page[0]['sitting_id']}/submit"

    replies = [served.post("wanda", path, {"answers": answers, "client_key": "page 1", "next": 1}) for _ in range(2)]

    assert [reply.status_code for reply in replies] == [200, 200], replies[0].text
    assert replies[0].json == replies[1].json
    assert [one["assignment_id"] for one in replies[0].json["answers"]] == [one["id"] for one in page]
    assert replies[0].json["earned"] == "0.15" and len(replies[0].json["next"]) == 2
    assert served.get("wanda", "/earnings").json["total"] == "0.15"
    assert served.post("walt", path, {"answers": answers, "client_key": "page 1"}).status_code == 404


def test_a_client_key_on_another_assignment_is_a_conflict(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    first, second = claim(served, "wanda", pets.batch_id, count=2)
    served.post("wanda", f"/assignments/{first['id']}/submit", submission())

    reply = served.post("wanda", f"/assignments/{second['id']}/submit", submission())

    assert (reply.status_code, reply.json["type"]) == (409, "/problems/key-reused")


def test_an_answer_can_be_replaced_for_a_minute(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    (first,) = claim(served, "wanda", pets.batch_id)
    answer = served.post("wanda", f"/assignments/{first['id']}/submit", submission()).json["answer"]
    path = f"/api/v1/answers/{answer['id']}"

    replaced = served.ask("wanda", "PUT", path, json={"value": {"label": "dog"}})
    assert replaced.status_code == 200 and replaced.json == answer

    def make_older(session: Session, *, now: datetime) -> None:
        session.execute(update(AnswerRow).values(submitted_at=now - timedelta(seconds=61)))

    served.house.uow.run(make_older)
    late = served.ask("wanda", "PUT", path, json={"value": {"label": "cat"}})
    assert (late.status_code, late.json["type"]) == (409, "/problems/too-late")


def test_a_released_place_is_not_answered_any_more(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)
    (first,) = claim(served, "wanda", pets.batch_id)

    assert served.post("wanda", f"/assignments/{first['id']}/release").status_code == 204
    reply = served.post("wanda", f"/assignments/{first['id']}/submit", submission())
    assert (reply.status_code, reply.json["type"]) == (409, "/problems/too-late")


def test_nothing_to_do_is_an_empty_list(served: Served) -> None:
    pets = a_batch(served)
    for number, assignment in enumerate(claim(served, "wanda", pets.batch_id, count=10)):
        served.post("wanda", f"/assignments/{assignment['id']}/submit", submission(key=f"key-{number}"))

    assert claim(served, "wanda", pets.batch_id) == []


@pytest.mark.parametrize("who", ["walt", "olga"])
def test_nobody_touches_the_work_of_another_worker(served: Served, who: str) -> None:
    pets = a_batch(served)
    first, second = claim(served, "wanda", pets.batch_id, count=2)
    answer = served.post("wanda", f"/assignments/{first['id']}/submit", submission()).json["answer"]

    tries = [
        served.post(who, f"/assignments/{second['id']}/submit", submission()),
        served.post(who, f"/assignments/{second['id']}/release"),
        served.ask(who, "PUT", f"/api/v1/answers/{answer['id']}", json={"value": {"label": "dog"}}),
    ]

    assert [found.status_code for found in tries] == [404, 404, 404]


def test_the_batch_of_another_organisation_is_not_there(served: Served) -> None:
    pets = a_batch(served)

    assert served.get("olga", "/work").json == {"batches": [], "blocks": []}
    assert served.post("olga", f"/batches/{pets.batch_id}/claim", {"count": 1}).status_code == 404


def test_an_answer_that_is_no_option_is_refused_with_its_field(served: Served) -> None:
    pets = a_batch(served)
    (first,) = claim(served, "wanda", pets.batch_id)

    reply = served.post("wanda", f"/assignments/{first['id']}/submit", submission("horse"))

    assert reply.status_code == 400
    assert "horse" in str(reply.json["errors"])


def test_a_claim_without_a_body_claims_one_place_whatever_its_content_type(served_on_both: Served) -> None:
    served = served_on_both
    pets = a_batch(served)

    for content_type in ("application/octet-stream", "application/json", None):
        reply = served.client().post(
            f"/api/v1/batches/{pets.batch_id}/claim",
            headers={"Authorization": f"Bearer {served.tokens['wanda']}"},
            content_type=content_type,
        )
        assert reply.status_code == 200, reply.text
        assert reply.json and len(reply.json) == 1
