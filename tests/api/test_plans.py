"""Overlap plans through HTTP: asked for, worked out as a job, read with how each way is published."""

from typing import Any

from crowd_hitl.jobs.consuming import run_due
from tests.api.served import Served, a_batch, claim, submission

ITEMS = 12
QUICK = {"models": ["pooled"], "resamples": 3}


def a_pilot(served: Served, *, items: int = ITEMS) -> None:
    """Let both workers answer every item of a batch."""
    pets = a_batch(served, items=items)
    for who, every in (("wanda", 3), ("walt", 4)):
        for place in range(items):
            (offered,) = claim(served, who, pets.batch_id)
            said = submission("dog" if place % every == 0 else "cat", key=f"{who}-{place}")
            assert served.post(who, f"/assignments/{offered['id']}/submit", said).status_code in (200, 201)


def ask(served: Served, **wish: Any) -> Any:
    return served.post("rita", "/projects/pets/plan", {**QUICK, **wish})


def test_a_plan_is_worked_out_as_a_job_and_read(served_on_both: Served) -> None:
    served = served_on_both
    a_pilot(served)
    assert served.get("rita", "/projects/pets/plan").json == {"job": None, "plan": None}
    told = ask(served, items=100, price="0.10")
    assert (told.status_code, told.json["state"], told.json["kind"]) == (202, "queued", "plan")
    assert ask(served, items=100, price="0.10").json["id"] == told.json["id"]
    assert ask(served, items=200).status_code == 409

    run_due(served.house)
    found = served.get("rita", "/projects/pets/plan").json
    plan = found["plan"]
    # a plan is long: it is read here, not in every list of jobs
    assert (found["job"]["state"], found["job"]["done"], found["job"]["result"]) == ("done", 3, None)
    assert (plan["items"], plan["price"], plan["fee"], plan["currency"]) == (100, "0.10", "0.00", "USD")
    assert (plan["pilot_items"], plan["pilot_answers"], plan["sampled"]) == (ITEMS, 2 * ITEMS, False)
    assert plan["score"] == "estimated accuracy"
    two = plan["points"][1]
    assert (two["policy"], two["overlap"], two["cost"], two["reserve"]) == ("fixed", 2, "20.00", "20.40")
    assert (
        float(plan["forecast"]["cost_low"]) <= float(plan["forecast"]["cost"]) <= float(plan["forecast"]["cost_high"])
    )
    assert plan["forecast"]["done_by"] > plan["made_at"]


def test_what_a_plan_says_can_be_quoted_and_published(served: Served) -> None:
    a_pilot(served)
    ask(served, items=3)
    run_due(served.house)
    publish = served.get("rita", "/projects/pets/plan").json["plan"]["points"][1]["publish"]
    assert (publish["overlap_min"], publish["overlap_max"], publish["overlap_policy"]) == (2, 2, "fixed")
    served.post("rita", "/projects/pets/items", [{"key": f"n{number}", "text": "new"} for number in range(5)])
    quoted = served.post("rita", "/projects/pets/quote", {"name": "rest", **publish})
    assert (quoted.status_code, quoted.json["tasks"], quoted.json["reserve"]) == (200, 3, "0.35")
    published = served.post("rita", "/projects/pets/batches", {"name": "rest", **publish})
    assert (published.status_code, published.json["progress"]["tasks"]) == (201, 3)


def test_a_wish_that_cannot_be_is_refused_with_what_would(served: Served) -> None:
    a_pilot(served, items=4)
    few = ask(served)
    assert (few.status_code, few.mimetype) == (400, "application/problem+json")
    assert "10 answered items or more, found 4" in few.json["detail"]
    assert "one of" in ask(served, models=["tarot"]).text
    assert ask(served, overlap_max=99).status_code == 400
    assert ask(served, price="free").status_code == 400
    assert served.get("rita", "/jobs").json["jobs"] == []


def test_a_pilot_that_fails_to_be_planned_says_why_on_its_job(served: Served) -> None:
    a_pilot(served)
    job = ask(served, batch_id=99).json
    run_due(served.house)
    seen = served.get("rita", f"/jobs/{job['id']}").json
    assert (seen["state"], seen["last_error"][:21]) == ("failed", "There is no batch 99 ")
    assert served.get("rita", "/projects/pets/plan").json["plan"] is None
    assert "The last plan was not worked out" in served.ask("rita", "GET", "/projects/pets/plan").text


def test_the_page_of_a_question_without_classes_says_what_there_is(served: Served) -> None:
    question = {"kind": "number", "prompt": "How many cats?"}
    made = served.post("rita", "/projects", {"slug": "counts", "name": "Counts", "question": question})
    assert made.status_code == 201, made.text
    page = served.ask("rita", "GET", "/projects/counts/plan").text
    assert "No accuracy to plan here" in page and "crowd-hitl batch forecast" in page
    refused = served.post("rita", "/projects/counts/plan", {})
    assert (refused.status_code, "kind 'number'" in refused.json["detail"]) == (400, True)
