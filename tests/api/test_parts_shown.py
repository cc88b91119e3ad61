"""What a question shows of an item's data: the columns it names, to whoever holds the item, and nothing else."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, event

from tests.api.served import QUESTION, Served, a_budget, claim, give_image

PAIR = {"kind": "pairwise", "prompt": "Which answer helps more?", "left": "a", "right": "b", "tie": True}
SECRET = "the model's own score"
ROWS: list[dict[str, Any]] = [
    {"key": "k1", "text": "How do I boil an egg?", "a": "Seven minutes.", "b": "שבע דקות 🥚", "score": SECRET},
    {"key": "k2", "text": "What is 6 × 7?", "a": 42, "b": {"say": "Zweiundvierzig"}, "score": SECRET},
    {"key": "k3", "text": "Who knows?", "a": "I do.", "b": None, "score": SECRET},
]
SHOWN = {
    "k1": {"a": "Seven minutes.", "b": "שבע דקות 🥚"},
    "k2": {"a": "42", "b": '{"say": "Zweiundvierzig"}'},
    "k3": {"a": "I do."},
}


def a_batch_of(served: Served, question: dict[str, Any], *, rows: Sequence[dict[str, Any]] = ROWS, **terms: Any) -> int:
    """Publish the rows under this question and return the batch."""
    project = served.post("rita", "/projects", {"slug": "pairs", "name": "Pairs", "question": question})
    assert project.status_code == 201, project.text
    assert served.post("rita", "/projects/pairs/items", list(rows)).status_code == 200
    wanted = {"name": "first", "budget_id": a_budget(served), "price": "0.05", "overlap_min": 1, **terms}
    batch = served.post("rita", "/projects/pairs/batches", wanted)
    assert batch.status_code == 201, batch.text
    return int(batch.json["id"])


def parts_of(assignments: list[Any]) -> dict[str, dict[str, str]]:
    return {one["item"]["key"]: one["item"]["parts"] for one in assignments}


def test_a_worker_is_shown_the_two_columns_and_nothing_else_of_the_data(served_on_both: Served) -> None:
    batch_id = a_batch_of(served_on_both, PAIR)

    first = claim(served_on_both, "wanda", batch_id)
    answer = {"value": {"label": "tie"}, "client_key": "k", "next": 2}
    reply = served_on_both.post("wanda", f"/assignments/{first[0]['id']}/submit", answer)
    again = served_on_both.post("wanda", f"/assignments/{first[0]['id']}/submit", answer)

    assert reply.status_code == 200, reply.text
    assert parts_of([*first, *reply.json["next"]]) == SHOWN
    assert again.json["next"] == reply.json["next"]
    assert SECRET not in reply.text
    assert SECRET not in str(first)


def test_a_page_shows_them_too(served_on_both: Served) -> None:
    batch_id = a_batch_of(served_on_both, PAIR, page_size=3)

    assert parts_of(claim(served_on_both, "wanda", batch_id, count=1)) == SHOWN


@pytest.mark.parametrize(("question", "reads"), [(QUESTION, 0), (PAIR, 1)])
def test_other_kinds_are_not_asked_for_data(served_on_both: Served, question: dict[str, Any], reads: int) -> None:
    batch_id = a_batch_of(served_on_both, question)
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_others: object) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        found = claim(served_on_both, "wanda", batch_id)
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert (found[0]["item"]["parts"] != {}) == bool(reads)
    assert sum("item.data" in statement for statement in said) == reads


def test_images_to_compare_are_served_to_who_holds_the_pair_and_for_as_long(served_on_both: Served) -> None:
    served = served_on_both
    pictures = served.post("rita", "/projects", {"slug": "pictures", "name": "Pictures", "question": QUESTION})
    assert pictures.status_code == 201
    served.post("rita", "/projects/pictures/items", [{"key": f"p{n}", "text": "-"} for n in range(3)])
    ids = [item["id"] for item in served.get("rita", "/projects/pictures/items").json["items"]]
    left, right, score = (give_image(served, item_id) for item_id in ids)
    row = {"key": "k", "text": "Which one?", "a": left, "b": right, "score": score}
    batch_id = a_batch_of(served, PAIR, rows=[row])

    def statuses(who: str) -> list[int]:
        return [served.ask(who, "GET", path).status_code for path in (left, right, score)]

    assert statuses("wanda") == [404, 404, 404]
    (held,) = claim(served, "wanda", batch_id)
    assert held["item"]["parts"] == {"a": left, "b": right}
    assert (statuses("wanda"), statuses("walt"), statuses("olga")) == ([200, 200, 404], [404] * 3, [404] * 3)
    served.post("wanda", f"/assignments/{held['id']}/release")
    assert statuses("wanda") == [404, 404, 404]
