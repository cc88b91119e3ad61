"""Gold through the API: listed, corrected, confirmed and retired; and how much of it is left for each worker."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from crowd_hitl.inference.calibrating import Calibration, reliability
from crowd_hitl.services.measuring import write_calibration
from crowd_hitl.store.project_rows import ProjectRow
from tests.api.served import Served, a_batch, claim, submission


def gold_of(served: Served, **query: Any) -> dict[str, Any]:
    found: dict[str, Any] = served.get(
        "rita", "/projects/pets/gold?" + "&".join(f"{k}={v}" for k, v in query.items())
    ).json
    return found


def with_gold(served: Served) -> list[int]:
    """Make a project with one batch and two known answers; return their ids."""
    a_batch(served)
    assert gold_of(served)["gold"] == []
    rows = [{"key": "g1", "text": "one", "gold": "cat"}, {"key": "g2", "text": "two", "gold": "dog"}]
    assert served.post("rita", "/projects/pets/items", rows).json["gold"] == 2
    return [line["id"] for line in gold_of(served)["gold"]]


def test_gold_is_listed_page_by_page_and_a_person_decides_on_it(served_on_both: Served) -> None:
    served = served_on_both
    first, second = with_gold(served)
    page = gold_of(served, limit=1)
    assert (page["counts"], page["suspect"], page["retired"], len(page["gold"])) == (2, 0, 0, 1)
    assert [line["id"] for line in gold_of(served, limit=1, after=page["after"])["gold"]] == [second]

    refused = served.post("rita", f"/gold/{first}/correct", {"value": "cow"})
    assert (refused.status_code, "expected one of cat, dog" in refused.json["detail"]) == (400, True)
    done = served.post("rita", f"/gold/{first}/correct", {"value": "dog"}).json
    assert (done["gold"]["value"], done["gold"]["state"], done["gold"]["former"]) == ("dog", "confirmed", ["cat"])
    assert served.post("ada", f"/gold/{first}/confirm").status_code == 409
    assert served.post("ada", f"/gold/{second}/confirm").json["gold"]["state"] == "confirmed"
    assert served.post("rita", f"/gold/{second}/retire").json["gold"]["state"] == "retired"
    assert served.post("rita", f"/gold/{second}/retire").status_code == 409
    assert [line["id"] for line in gold_of(served)["gold"]] == [first, second]
    assert served.post("rita", "/gold/999/confirm").status_code == 404
    assert served.get("rita", "/projects/pets/gold?after=x").status_code == 400
    assert served.get("ada", "/check").json["ok"] is True


def test_the_workers_of_a_project_show_gold_left(served_on_both: Served) -> None:
    served = served_on_both
    with_gold(served)
    served.post("rita", "/projects/pets/items", [{"key": "more", "text": "more"}])
    (budget,) = served.get("rita", "/budgets").json["budgets"]
    terms = {"name": "second", "budget_id": budget["id"], "price": "0.05", "overlap_min": 1, "gold_rate": 0.5}
    batch = served.post("rita", "/projects/pets/batches", terms).json
    places = claim(served, "wanda", batch["id"], count=5)
    assert len(places) == 2  # one item and one known answer
    for number, place in enumerate(places):
        served.post("wanda", f"/assignments/{place['id']}/submit", submission(key=f"key-{number}"))

    (line,) = served.get("rita", "/projects/pets/workers").json["workers"]

    assert (line["answers"], line["gold_left"], line["earned"]) == (2, 1, "0.10")
    assert served.get("rita", "/projects/pets/workers?limit=1").json["after"] is None
    assert served.get("rita", "/projects/none/workers").status_code == 404


def test_how_far_labels_are_believed_is_told_once_it_is_known(served: Served) -> None:
    with_gold(served)
    nothing = served.get("rita", "/projects/pets/calibration").json
    assert (nothing["gold"], nothing["kept"], nothing["bins"]) == (0, None, [])
    project_id = served.house.uow.read(lambda session: session.scalars(select(ProjectRow.id)).one())
    found = reliability(np.array([0.97, 0.98, 0.75, 0.6]), np.array([1.0, 1.0, 1.0, 0.0]))
    believed = {"calibration": Calibration(base=1.5, gold=4), "reliability": found}
    served.house.uow.run(write_calibration, project_id=project_id, field="label", **believed)

    shown = served.get("rita", "/projects/pets/calibration").json

    assert (shown["gold"], shown["claimed"], shown["kept"]) == (4, 0.5, 1.0)
    assert [one["items"] for one in shown["bins"]] == [1, 1, 2]


@pytest.mark.parametrize("after", ["x", "nan:1", "1e300:1", "-1e300:1", "1:", "0:" + "9" * 19])
def test_a_cursor_that_is_none_of_ours_is_refused(served_on_both: Served, after: str) -> None:
    with_gold(served_on_both)

    assert served_on_both.get("rita", f"/projects/pets/gold?after={after}").status_code == 400


def test_gold_that_lies_outside_its_item_is_refused_as_an_answer_there_is(served: Served) -> None:
    question = {"kind": "spans", "prompt": "Where is a name?", "labels": ["name"]}
    served.post("rita", "/projects", {"slug": "names", "name": "Names", "question": question})
    inside, beyond = '[{"start":0,"end":3,"label":"name"}]', '[{"start":0,"end":30,"label":"name"}]'

    report = served.post(
        "rita",
        "/projects/names/items",
        [{"key": "a", "text": "Ada", "gold": inside}, {"key": "b", "text": "Ada", "gold": beyond}],
    ).json

    assert (report["gold"], report["bad_rows"]) == (1, 1)
    assert "at most 3, where the item's text ends" in report["bad"][0]["expected"]
    (gold,) = served.get("rita", "/projects/names/gold").json["gold"]
    refused = served.post("rita", f"/gold/{gold['id']}/correct", {"value": beyond})
    assert (refused.status_code, "at most 3" in refused.json["detail"]) == (400, True)


@pytest.mark.parametrize("page_size", [1, 5])
def test_nothing_that_a_worker_is_sent_tells_gold_from_work(served_on_both: Served, page_size: int) -> None:
    served = served_on_both
    with_gold(served)
    served.post("rita", "/projects/pets/items", [{"key": f"m{n}", "text": f"more {n}"} for n in range(3)])
    (budget,) = served.get("rita", "/budgets").json["budgets"]
    terms = {"name": "second", "budget_id": budget["id"], "price": "0.05", "overlap_min": 1, "gold_rate": 0.5}
    batch = served.post("rita", "/projects/pets/batches", {**terms, "page_size": page_size}).json

    places = claim(served, "wanda", batch["id"], count=5)
    assert {place["item"]["key"] for place in places} == {"g1", "g2", "m0", "m1", "m2"}
    assert [place["id"] for place in places] == sorted(place["id"] for place in places)
    sent = [served.get("wanda", "/work").text, str(places)]
    if page_size == 1:
        replies = [
            served.post("wanda", f"/assignments/{place['id']}/submit", submission(f"k{place['id']}"))
            for place in places
        ]
        assert len({tuple(sorted(reply.headers)) for reply in replies}) == 1
        sent += [reply.text for reply in replies]
    else:
        answers = [{"assignment_id": place["id"], "value": {"label": "cat"}} for place in places]
        page = {"answers": answers, "client_key": "p"}
        sent.append(served.post("wanda", f"/sittings/{places[0]['sitting_id']}/submit", page).text)
    sent.append(served.get("wanda", "/earnings").text)

    assert not [text for text in sent if "gold" in text.lower() or "known" in text.lower()]
    assert {frozenset(place) for place in places} == {frozenset(places[0])}
    assert {place["question"]["kind"] for place in places} == {"choice"}
