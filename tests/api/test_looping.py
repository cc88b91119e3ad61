"""The loop through the API: started once, advanced step by step, stopped by hand."""

from typing import Any

import pytest

from tests.api.served import QUESTION, Served, a_budget


def a_loop(served: Served, *, items: int = 12, **other: Any) -> Any:
    """Start a loop on a new project of a few items and return the reply."""
    served.post("rita", "/projects", {"slug": "pets", "name": "Pets", "question": QUESTION})
    served.post("rita", "/projects/pets/items", [{"key": f"k{n}", "text": f"a cat {n}"} for n in range(items)])
    policy = {"reference_items": 4, "round_items": 4, "price": "0.01", **other}
    return served.post("rita", "/projects/pets/loop", {"budget_id": a_budget(served), "policy": policy, "seed": 7})


def test_a_loop_is_started_advanced_and_stopped(served_on_both: Served) -> None:
    served = served_on_both
    started = a_loop(served)
    assert (started.status_code, started.json["state"], started.json["seed"]) == (201, "running", 7), started.text
    assert served.post("rita", "/projects/pets/loop", {"budget_id": started.json["budget_id"]}).status_code == 409

    step = served.post("rita", "/projects/pets/loop/advance")
    assert step.status_code == 200, step.text
    assert (step.json["waiting"], step.json["stopped"]) == (True, None)
    assert [batch["batches"] for batch in [served.get("wanda", "/work").json] if batch["batches"]]
    (first,) = served.get("rita", "/projects/pets/rounds").json["rounds"]
    assert (first["number"], first["spent"], first["model"]) == (0, "0.00", None)
    assert (first["model_temper"], first["model_gain"]) == (None, None)

    stopped = served.post("rita", "/projects/pets/loop/stop")
    assert (stopped.status_code, stopped.json["state"]) == (200, "stopped"), stopped.text
    assert served.post("rita", "/projects/pets/loop/stop").status_code == 404
    assert served.get("ada", "/check").json == {"ok": True, "problems": []}


@pytest.mark.parametrize(
    "change, field",
    [
        ({"max_error": 2}, "policy.max_error"),
        ({"learner": "oracle"}, "policy.learner"),
        ({"unheard_of": 1}, "policy.unheard_of"),
        ({"round_items": "4"}, "policy.round_items"),
        ({"price": "free"}, "policy.price"),
        ({"round_items": 0}, "round_items"),
        ({"joint": "maybe"}, "policy.joint"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_by_field(served: Served, change: dict[str, Any], field: str) -> None:
    reply = a_loop(served, **change)
    assert reply.status_code == 400, reply.text
    assert field in [error["field"] for error in reply.json["errors"]]
