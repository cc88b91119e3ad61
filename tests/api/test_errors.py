"""Wrong requests: each gets a problem that names what was wrong, and changes nothing."""

from typing import Any

import pytest

from tests.api.served import QUESTION, Served, a_batch, a_budget, claim, submission

PROBLEM = "application/problem+json"


def check_problem(reply: Any, status: int) -> dict[str, Any]:
    assert (reply.status_code, reply.mimetype) == (status, PROBLEM), reply.text
    body: dict[str, Any] = reply.json
    assert {"type", "title", "status", "detail"} <= set(body) and body["status"] == status
    return body


def test_an_unknown_path_is_a_problem(served: Served) -> None:
    check_problem(served.get("rita", "/nothing"), 404)


def test_a_wrong_method_names_the_right_ones(served: Served) -> None:
    reply = served.ask("rita", "PATCH", "/api/v1/projects")
    check_problem(reply, 405)
    assert "GET" in reply.headers["Allow"]


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"count": 1}}', b"9" * 5000])
def test_malformed_json_is_refused(served: Served, body: bytes) -> None:
    reply = served.ask("wanda", "POST", "/api/v1/batches/1/claim", data=body, content_type="application/json")
    check_problem(reply, 400)


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "1", '{"count": "1"}', '{"count": true}', '{"count": 99}'])
def test_json_of_another_shape_is_refused_with_its_field(served: Served, body: str) -> None:
    reply = served.ask("wanda", "POST", "/api/v1/batches/1/claim", data=body, content_type="application/json")
    assert check_problem(reply, 400)["errors"]


@pytest.mark.parametrize(
    "text, status", [(r"a\u0000", 400), (r"\ud800", 400), (r"a\\u0000", 201), (r"\ud83d\ude00", 201)]
)
def test_text_that_cannot_be_stored_is_refused(served_on_both: Served, text: str, status: int) -> None:
    body = f'{{"slug": "p", "name": "P", "question": {{"prompt": "{text}", "options": ["a", "b"]}}}}'
    reply = served_on_both.ask("rita", "POST", "/api/v1/projects", data=body, content_type="application/json")
    assert reply.status_code == status, reply.text
    assert served_on_both.get("rita", "/projects").status_code == 200


def test_an_unknown_field_is_refused_by_name(served: Served) -> None:
    reply = served.post("wanda", "/batches/1/claim", {"count": 1, "cuont": 2})
    (error,) = check_problem(reply, 400)["errors"]
    assert (error["field"], error["expected"]) == ("cuont", "no such field")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_refused(served: Served, kind: str) -> None:
    check_problem(served.ask("wanda", "POST", "/api/v1/batches/1/claim", data=b'{"count":1}', content_type=kind), 415)


def test_an_answer_of_two_megabytes_is_refused(served: Served) -> None:
    pets = a_batch(served)
    (first,) = claim(served, "wanda", pets.batch_id)
    reply = served.post("wanda", f"/assignments/{first['id']}/submit", submission("x" * 2_000_000))
    assert "1000000 bytes" in check_problem(reply, 413)["detail"]
    assert served.get("wanda", "/earnings").json["total"] == "0.00"


def test_a_list_of_items_may_not_be_larger_than_any_json(served: Served) -> None:
    a_batch(served)
    rows = [{"key": "big", "text": "x" * 2_000_000}]
    check_problem(served.post("rita", "/projects/pets/items", rows), 413)


@pytest.mark.parametrize("path", ["/batches/99999999999999999999", "/budgets/0", "/projects/%00", "/batches/1/quote"])
def test_ids_that_no_row_can_have_are_not_found(served_on_both: Served, path: str) -> None:
    check_problem(served_on_both.get("rita", path), 404)


@pytest.mark.parametrize("after", ["x", "-1", "1:2", "9" * 40, "٣x"])
def test_a_cursor_that_is_not_ours_is_refused(served: Served, after: str) -> None:
    check_problem(served.ask("rita", "GET", "/api/v1/budgets", query_string={"after": after}), 400)


@pytest.mark.parametrize("header", ["Basic cml0YTpyaXRh", "Bearer", "Bearer chk_wrong", "Bearer  ", "chk_x"])
def test_wrong_credentials_are_refused(served: Served, header: str) -> None:
    check_problem(served.client().get("/api/v1/me", headers={"Authorization": header}), 401)


def test_a_refused_password_is_not_repeated(served: Served) -> None:
    body = {"login": "new-worker", "name": "New", "password": "short-one"}
    reply = served.post("rita", "/workers", body)
    check_problem(reply, 400)
    assert "short-one" not in reply.text


@pytest.mark.parametrize("amount", ["0", "-1", "1e3", "0.0000001", "", "NaN", "1,5", "9999999999999"])
def test_amounts_are_plain_decimals_above_zero(served: Served, amount: str) -> None:
    budget_id = a_budget(served)
    reply = served.post(
        "rita", f"/budgets/{budget_id}/top-ups", {"amount": amount}, headers={"Idempotency-Key": "second"}
    )
    assert "amount" in str(check_problem(reply, 400)["errors"])


def test_an_amount_is_no_number(served: Served) -> None:
    budget_id = a_budget(served)
    reply = served.post("rita", f"/budgets/{budget_id}/top-ups", {"amount": 1.5}, headers={"Idempotency-Key": "b"})
    check_problem(reply, 400)


@pytest.mark.parametrize(
    "change, field",
    [
        ({"price": "0"}, "price"),
        ({"overlap_min": 0}, "overlap_min"),
        ({"overlap_min": 50}, "overlap_min"),
        ({"overlap_min": 2, "overlap_max": 1}, "overlap_max"),
        ({"lease_seconds": 1}, "lease_seconds"),
        ({"aggregator": "astrology"}, "aggregator"),
        ({"overlap_policy": "never"}, "overlap_policy"),
        ({"deadline": "2020-01-01T00:00:00Z"}, "deadline"),
        ({"deadline": "2999-01-01T00:00:00"}, "deadline"),
        ({"deadline": 1}, "deadline"),
        ({"name": "a\u0000b"}, "body"),
        ({"gold_rate": 2}, "gold_rate"),
    ],
)
def test_terms_that_cannot_be_published_are_refused(served: Served, change: dict[str, Any], field: str) -> None:
    pets = a_batch(served, items=2, limit=1)
    wanted = {"name": "second", "budget_id": pets.budget_id, "price": "0.05", "overlap_min": 1, **change}
    errors = check_problem(served.post("rita", "/projects/pets/batches", wanted), 400)["errors"]
    assert field in [error["field"] for error in errors]


def test_a_budget_that_is_too_small_says_what_is_missing(served: Served) -> None:
    a_batch(served, items=2, limit=1)
    budget_id = a_budget(served, amount="0.01", name="small")
    wanted = {"name": "second", "budget_id": budget_id, "price": "0.05", "overlap_min": 2}
    body = check_problem(served.post("rita", "/projects/pets/batches", wanted), 402)
    assert (body["type"], body["missing"]) == ("/problems/budget-too-small", "0.14")
    assert served.get("rita", f"/budgets/{budget_id}").json["available"] == "0.01"


@pytest.mark.parametrize(
    "change, field",
    [
        ({"slug": "Bad Slug"}, "slug"),
        ({"name": ""}, "name"),
        ({"question": {"kind": "séance"}}, "question.kind"),
        ({"question": {"kind": 1}}, "question.kind"),
    ],
)
def test_a_project_that_cannot_be_is_refused_by_field(served: Served, change: dict[str, Any], field: str) -> None:
    reply = served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION, **change})
    assert field in [error["field"] for error in check_problem(reply, 400)["errors"]]


def test_a_slug_and_a_login_are_taken_once(served: Served) -> None:
    body = {"slug": "pets", "name": "Pets", "question": QUESTION}
    assert served.post("rita", "/projects", body).status_code == 201
    check_problem(served.post("ada", "/projects", body), 409)
    check_problem(served.post("rita", "/workers", {"login": "wanda", "name": "W"}), 409)
