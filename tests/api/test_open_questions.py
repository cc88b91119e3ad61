"""Questions whose answers are no class, all the way through the API, on both databases."""

from typing import Any

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.services.agreeing import agree
from tests.api.served import Served, a_budget, claim

FISH = {"kind": "number", "prompt": "How heavy is the fish?", "min": 0, "max": 50, "tolerance": 0.5}
NAMES = {"kind": "spans", "prompt": "Mark the names.", "labels": ["person", "place"]}
AREAS = {"kind": "masks", "prompt": "Paint the fish.", "labels": ["fish"]}
PLUGINS = find_plugins()


def an_open_batch(served: Served, question: dict[str, Any], text: str, **terms: Any) -> Any:
    """Make a project of one item that asks this, and publish it for one answer."""
    project = served.post("rita", "/projects", {"slug": "open", "name": "Open", "question": question})
    assert project.status_code == 201, project.text
    served.post("rita", "/projects/open/items", [{"key": "k", "text": text}])
    wanted = {"name": "first", "budget_id": a_budget(served), "price": "0.05", "overlap_min": 2, **terms}
    return served.post("rita", "/projects/open/batches", wanted)


def answered(served: Served, who: str, batch_id: int, value: object) -> Any:
    (assignment,) = claim(served, who, batch_id)
    return submitted(served, who, assignment["id"], value)


def submitted(served: Served, who: str, assignment_id: int, value: object) -> Any:
    answer = {"value": {"label": value}, "client_key": f"k{assignment_id}"}
    return served.post(who, f"/assignments/{assignment_id}/submit", answer)


def test_numbers_are_asked_weighed_and_delivered_as_numbers(served_on_both: Served) -> None:
    served = served_on_both
    batch = an_open_batch(served, FISH, "a pike")
    assert (batch.status_code, batch.json["aggregator"]) == (201, "number")

    assert answered(served, "wanda", batch.json["id"], 3).status_code == 200
    assert answered(served, "walt", batch.json["id"], 3.2).status_code == 200
    agree(served.house.uow, batch_id=batch.json["id"], plugins=PLUGINS)

    (label,) = [
        line for line in served.get("rita", "/projects/open/labels/export?format=jsonl").text.splitlines() if line
    ]
    assert '"value": 3.1' in label


def test_an_answer_beyond_the_item_says_where_and_takes_nothing(served_on_both: Served) -> None:
    served = served_on_both
    batch = an_open_batch(served, NAMES, "Ada lives in Rome.")

    (assignment,) = claim(served, "wanda", batch.json["id"])
    beyond, inside = (
        submitted(served, "wanda", assignment["id"], [{"start": 13, "end": end, "label": "place"}]) for end in (40, 17)
    )

    assert (beyond.status_code, beyond.json["errors"][0]["field"]) == (400, "label[0].end")
    assert inside.status_code == 200, inside.text


def test_what_weighs_classes_does_not_weigh_spans(served_on_both: Served) -> None:
    refused = an_open_batch(served_on_both, NAMES, "Ada lives in Rome.", aggregator="majority_vote")

    assert refused.status_code == 400
    assert refused.json["errors"][0]["expected"] == "one of spans, spans_majority"


def test_the_page_for_workers_sends_them_to_the_api_for_what_it_has_no_form_for(served: Served) -> None:
    batch = an_open_batch(served, AREAS, "a pike")

    assert "Through the API only" in served.ask("wanda", "GET", "/work").text
    bench = served.ask("wanda", "GET", f"/work/{batch.json['id']}")
    assert (bench.status_code, bench.location) == (302, "/work")


def test_the_page_for_workers_marks_characters_and_leaves_tokens_to_programs(served: Served) -> None:
    batch = an_open_batch(served, NAMES | {"unit": "tokens"}, "Ada lives in Rome.")

    assert "Through the API only" in served.ask("wanda", "GET", "/work").text
    assert served.ask("wanda", "GET", f"/work/{batch.json['id']}").status_code == 302
