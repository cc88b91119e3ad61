"""Reviews, requeues, appeals and broken items from the command line."""

from pathlib import Path

import pytest

from crowd_hitl.cli.opening import open_desk
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.appealing import appeal
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.paying import reject
from tests.cli.conftest import Run
from tests.cli.working import work_off

TRUTH = {"r1": "positive", "r2": "negative", "r3": "positive", "r5": "negative"}


@pytest.fixture
def films(run: Run, reviews: Path) -> Run:
    """Make a project with three workers and a budget."""
    run("project", "new", "films", "--prompt", "?", "--options", "positive,negative")
    run("items", "import", "films", reviews)
    run("budget", "new", "Main", "--amount", "10")
    for name in ("ana", "ben", "cem"):
        run("worker", "add", name)
    return run


def test_undecided_answers_are_listed_and_approved(films: Run, tmp_path: Path) -> None:
    films("batch", "publish", "films", "--approval", "manual", "--overlap-min", 1)
    assert work_off(tmp_path / "data", batch_id=1, truth=TRUTH) == 3
    shown = films("batch", "review", 1, "--json").json
    assert (shown["waiting"], len(shown["answers"])) == (3, 3)
    assert shown["answers"][0]["approves_at"] is None
    worker = shown["answers"][0]["worker"]
    assert films("batch", "review", 1, "--approve-all", "--worker", "nobody", "--json").json["approved"] == 0
    approved = films("batch", "review", 1, "--approve-all", "--worker", worker, "--json").json["approved"]
    assert approved >= 1
    films("batch", "review", 1, "--approve-all")
    assert "No answer waits" in films("batch", "review", 1).out
    assert films("check", "--json").json["ok"] is True


def test_a_review_policy_is_given_as_json_and_applied(films: Run, tmp_path: Path) -> None:
    said = films("batch", "publish", "films", "--approval", "by_sample", "--review", '{"rate": 2}', code=1).err
    assert "review.rate: expected a share above 0, at most 1, found 2" in said
    said = films("batch", "publish", "films", "--approval", "by_sample", "--review", "half", code=1).err
    assert "review: expected a JSON object" in said
    assert "expected one of auto, manual" in films("batch", "publish", "films", "--approval", "never", code=1).err
    terms = '{"rate": 1e-9, "hours": 1}'
    films("batch", "publish", "films", "--approval", "by_sample", "--review", terms, "--overlap-min", 1)
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    assert films("batch", "review", 1, "--json").json["answers"][0]["approves_at"] is not None
    assert films("batch", "review", 1, "--by-policy", "--json").json["approved"] == 3


def test_tasks_are_requeued_after_their_cost_was_shown(films: Run, tmp_path: Path) -> None:
    films("batch", "publish", "films", "--overlap-min", 1)
    work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
    quoted = films("batch", "requeue", 1, "--item", "r1", "--item", "r2", "--answers", 2, "--quote", "--json").json
    assert (quoted["done"], quoted["answers"], quoted["reserve"]) == (False, 4, "0.20")
    assert "say --yes" in films("batch", "requeue", 1, "--item", "r1", "--json", code=1).err
    films("batch", "requeue", 1, "--item", "r1", code=1)  # nobody says yes
    assert films("batch", "requeue", 1, "--item", "r1", "--answers", 2, "--yes", "--json").json["done"] is True
    assert work_off(tmp_path / "data", batch_id=1, truth=TRUTH) == 2
    assert films("check", "--json").json["ok"] is True


def test_appeals_are_listed_upheld_and_dismissed(films: Run, tmp_path: Path) -> None:
    films("batch", "publish", "films", "--approval", "manual", "--overlap-min", 1)
    with open_desk(tmp_path / "data") as desk:
        offers = desk.uow.run(claim, batch_id=1, worker_id=1, count=2)
        for offer in offers:
            said = Submission(value={"label": "positive"}, client_key=str(offer.assignment_id))
            receipt = desk.uow.run(
                submit,
                assignment_id=offer.assignment_id,
                worker_id=1,
                submission=said,
                questions=desk.plugins.questions,
            )
            desk.uow.run(reject, answer_id=receipt.answer_id, reason="It is not what it says.", decided_by=None)
            text = "It says that they liked it."
            desk.uow.run(appeal, answer_id=receipt.answer_id, worker_id=1, text=text, days=7)

    assert [row["state"] for row in films("appeal", "list", "--json").json["appeals"]] == ["open", "open"]
    assert films("appeal", "uphold", 1, "--json").json["state"] == "upheld"
    assert films("appeal", "dismiss", 2, "--reply", "It says the opposite.", "--json").json["state"] == "dismissed"
    assert "was decided before: it is upheld" in films("appeal", "uphold", 1, code=1).err
    assert "There is no appeal 9" in films("appeal", "uphold", 9, code=1).err
    assert "No appeals" in films("appeal", "list").out
    assert len(films("appeal", "list", "--state", "all", "--json").json["appeals"]) == 2
    assert "state: expected open or upheld" in films("appeal", "list", "--state", "lost", code=1).err
    assert films("check", "--json").json["ok"] is True


def test_broken_items_are_listed_and_put_back(films: Run, tmp_path: Path) -> None:
    films("batch", "publish", "films", "--overlap-min", 3)
    with open_desk(tmp_path / "data") as desk:
        for worker_id in (1, 2):
            for offer in desk.uow.run(claim, batch_id=1, worker_id=worker_id, count=3):
                said = Submission(value=None, client_key=str(offer.assignment_id), broken="It is cut off")
                desk.uow.run(
                    submit,
                    assignment_id=offer.assignment_id,
                    worker_id=worker_id,
                    submission=said,
                    questions=desk.plugins.questions,
                )

    assert "It is cut off" in films("items", "broken", "films").out
    assert [row["key"] for row in films("items", "broken", "films", "--json").json["items"]] == ["r1", "r2", "r3"]
    films("items", "mend", "films", "r1", "r3")
    assert [row["key"] for row in films("items", "broken", "films", "--json").json["items"]] == ["r2"]
    assert "is not broken" in films("items", "mend", "films", "r1", code=1).err
    assert "There is no item 'r9'" in films("items", "mend", "films", "r9", code=1).err
    assert films("check", "--json").json["ok"] is True
