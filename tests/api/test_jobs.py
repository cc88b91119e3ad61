"""Imports and exports as jobs, through HTTP: progress, the file, who sees what; and the page of jobs."""

import json
from typing import Any

from crowd_hitl.jobs.consuming import run_due
from crowd_hitl.services.jobbing import Hold, Wanted, claim_job, fail_job, queue_job
from tests.api.served import Served, a_batch


def lines(*rows: dict[str, Any]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def send(served: Served, body: str, *, content_type: str = "application/jsonl") -> Any:
    return served.post("rita", "/projects/pets/imports", data=body, content_type=content_type)


def a_poisonous_job(served: Served) -> int:
    """Queue one of the house's passes and let it fail once, with an error that would be HTML."""
    uow = served.house.uow
    job_id = uow.run(queue_job, wanted=Wanted(kind="agree", key="agree:7", payload={"target": 7})).id
    uow.run(claim_job, job_id=job_id, hold=Hold("x", 30))
    uow.run(fail_job, holder="x", error="ZeroDivisionError: <b>no luck</b>")
    return job_id


def test_a_large_file_is_imported_as_a_job(served_on_both: Served) -> None:
    served = served_on_both
    a_batch(served, items=1)
    told = send(served, lines({"key": "n1", "text": "one"}, {"key": "n2", "text": "two"}, {"text": "no key"}))
    assert told.status_code == 202
    assert (told.json["state"], told.json["done"], told.json["result"]) == ("queued", 0, None)

    run_due(served.house)
    job = served.get("rita", f"/jobs/{told.json['id']}").json
    assert (job["state"], job["done"], job["total"], job["failures"]) == ("done", 3, 3, 0)
    assert (job["result"]["added"], job["result"]["bad_rows"]) == (2, 1)
    assert job["result"]["bad"][0]["row"] == 3
    keys = {item["key"] for item in served.get("rita", "/projects/pets/items").json["items"]}
    assert {"n1", "n2"} <= keys


def test_a_file_of_no_known_kind_is_refused_before_it_is_stored(served: Served) -> None:
    a_batch(served, items=1)
    assert send(served, "x", content_type="text/plain").status_code == 415
    assert served.get("rita", "/jobs").json["jobs"] == []


def test_an_export_is_one_job_while_it_waits_and_gives_a_file_when_done(served_on_both: Served) -> None:
    served = served_on_both
    a_batch(served, items=1)
    first = served.post("rita", "/projects/pets/exports", {"what": "answers", "format": "csv"}).json
    again = served.post("rita", "/projects/pets/exports", {"what": "answers", "format": "csv"}).json
    assert first["id"] == again["id"] and first["file_url"] is None
    assert served.get("rita", f"/jobs/{first['id']}/file").status_code == 404

    run_due(served.house)
    job = served.get("rita", f"/jobs/{first['id']}").json
    assert (job["state"], job["result"]) == ("done", {"rows": 0, "name": "pets-answers.csv"})
    file = served.ask("rita", "GET", job["file_url"])
    assert file.headers["Content-Disposition"] == 'attachment; filename="pets-answers.csv"'
    assert served.ask("otto", "GET", job["file_url"]).status_code == 404
    later = served.post("rita", "/projects/pets/exports", {"what": "answers", "format": "csv"}).json
    assert later["id"] != first["id"]
    assert served.post("rita", "/projects/pets/exports", {"format": "stone"}).status_code == 400


def test_passes_are_the_admins_business(served: Served) -> None:
    job_id = a_poisonous_job(served)
    assert served.get("rita", "/jobs").json["jobs"] == []
    assert served.get("rita", f"/jobs/{job_id}").status_code == 404
    assert served.post("rita", f"/jobs/{job_id}/retry").status_code == 404
    (seen,) = served.get("ada", "/jobs?state=queued").json["jobs"]
    assert (seen["key"], seen["failures"], seen["last_error"]) == ("agree:7", 1, "ZeroDivisionError: <b>no luck</b>")
    assert served.get("ada", "/jobs?state=parked").json["jobs"] == []


def test_a_job_is_cancelled_and_started_again(served: Served) -> None:
    job_id = a_poisonous_job(served)
    assert served.post("ada", f"/jobs/{job_id}/cancel").json["state"] == "cancelled"
    assert served.post("ada", f"/jobs/{job_id}/cancel").status_code == 409
    again = served.post("ada", f"/jobs/{job_id}/retry").json
    assert (again["state"], again["failures"]) == ("queued", 0)


def test_the_page_shows_jobs_with_what_can_be_done(served: Served) -> None:
    empty = served.ask("rita", "GET", "/jobs").text
    assert "No job yet" in empty
    job_id = a_poisonous_job(served)
    page = served.ask("ada", "GET", "/jobs").text
    assert "Agree on batch 7" in page and "1 failure: ZeroDivisionError: &lt;b&gt;no luck" in page
    assert f"/jobs/{job_id}/retry" in page and f"/jobs/{job_id}/cancel" in page
    assert served.ask("ada", "POST", f"/jobs/{job_id}/cancel").status_code == 303
    # the page was old: it says so, and nothing breaks
    assert served.ask("ada", "POST", f"/jobs/{job_id}/cancel").status_code == 303
    assert served.ask("ada", "POST", f"/jobs/{job_id}/explode").status_code == 404
    assert "No job is done" in served.ask("ada", "GET", "/jobs?state=done").text
