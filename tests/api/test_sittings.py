"""Pages, hours, late answers and more time, as clients ask for them over HTTP."""

from datetime import datetime

from tests.api.served import Served, a_batch, claim, submission

DAY = 86_400


def test_an_hour_is_claimed_answered_and_ended_by_its_worker(served: Served) -> None:
    pets = a_batch(served, hourly="12", lease_seconds=60)
    (offer,) = served.get("wanda", "/work").json["batches"]
    assert (offer["price"], offer["hourly"]) == ("0.05", "12.00")
    (first,) = claim(served, "wanda", pets.batch_id)
    reply = served.post("wanda", f"/assignments/{first['id']}/submit", submission(next=1)).json
    assert [one["sitting_id"] for one in reply["next"]] == [first["sitting_id"]]

    ended = served.post("wanda", f"/sittings/{first['sitting_id']}/end").json

    assert (ended["state"], ended["batch_id"]) == ("settled", pets.batch_id)
    assert served.post("walt", f"/sittings/{first['sitting_id']}/end").status_code == 404
    assert served.get("wanda", "/earnings").json["answers"]["approved"] == 1
    assert served.get("ada", "/check").json["ok"] is True


def test_a_page_at_a_rate_is_shown_and_paid_together(served: Served) -> None:
    rates = [{"price": "0.02", "requirement": {"not": {"has": "spanish"}}}]
    pets = a_batch(served, page_size=2, rates=rates)
    page = claim(served, "wanda", pets.batch_id)
    assert [(one["price"], one["sitting_id"]) for one in page] == [("0.02", page[0]["sitting_id"])] * 2

    for number, one in enumerate(page):
        served.post("wanda", f"/assignments/{one['id']}/submit", submission(key=f"key-{number}"))

    shown = served.get("rita", f"/batches/{pets.batch_id}").json
    assert (shown["page_size"], shown["money"]["paid"]) == (2, "0.04")
    assert shown["rates"] == rates
    assert served.get("ada", "/check").json["ok"] is True


def test_terms_of_pay_are_checked_by_name(served: Served) -> None:
    pets = a_batch(served)
    wanted = {"name": "x", "budget_id": pets.budget_id, "price": "0.05", "items": pets.items, "overlap_min": 1}

    dear = {**wanted, "rates": [{"price": "0.06", "requirement": {}}]}
    replies = [served.post("rita", "/projects/pets/quote", body) for body in (dear, {**wanted, "page_size": 51})]

    assert [(one.status_code, one.json["errors"][0]["field"]) for one in replies] == [
        (400, "rates"),
        (400, "page_size"),
    ]


def test_more_time_is_given_and_only_to_whoever_holds_the_place(served: Served) -> None:
    pets = a_batch(served, lease_seconds=DAY)
    (held,) = claim(served, "wanda", pets.batch_id)

    more = served.post("wanda", f"/assignments/{held['id']}/extend")

    assert more.status_code == 200
    assert datetime.fromisoformat(more.json["lease_ends_at"]) > datetime.fromisoformat(held["lease_ends_at"])
    assert served.post("walt", f"/assignments/{held['id']}/extend").status_code == 404


def test_the_line_for_late_answers_is_filled_once_under_a_key(served: Served) -> None:
    pets = a_batch(served, compensation_share=0)
    path, headers = f"/batches/{pets.batch_id}/compensate", {"Idempotency-Key": "more"}

    replies = [served.post("rita", path, {"amount": "5.00"}, headers=headers) for _ in range(2)]

    assert [one.json["compensation"] for one in replies] == ["5.00", "5.00"]
    assert replies[0].json["owed"] == {"answers": 0, "amount": "0.00"}
    assert served.post("rita", path, {"amount": "999"}).status_code == 402
