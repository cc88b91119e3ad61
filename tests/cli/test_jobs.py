"""`crowd-hitl job` and `crowd-hitl work --once`: what waits, what went wrong, started again by hand."""

from pathlib import Path

from crowd_hitl.bootstrap import build_house
from crowd_hitl.services.jobbing import Hold, Wanted, claim_job, fail_job, queue_job
from crowd_hitl.settings import Settings
from tests.cli.conftest import run_command


def a_failed_job(data: Path, *, final: bool) -> None:
    house = build_house(Settings(data=data))
    house.uow.run(queue_job, wanted=Wanted(kind="alert", key="alert"))
    house.uow.run(claim_job, job_id=1, hold=Hold("x", 30))
    house.uow.run(fail_job, holder="x", error="no luck", final=final)
    house.uow.engine.dispose()


def test_a_failed_job_is_listed_shown_and_started_again(tmp_path: Path) -> None:
    assert "No jobs yet" in run_command("job", "list", data=tmp_path).out
    a_failed_job(tmp_path, final=True)
    listed = run_command("job", "list", "--state", "failed", data=tmp_path).out
    assert "alert" in listed and "no luck" in listed
    shown = run_command("job", "show", "1", "--json", data=tmp_path).json
    assert (shown["state"], shown["failures"], shown["last_error"]) == ("failed", 1, "no luck")
    assert run_command("work", "--once", "--json", data=tmp_path).json == {"ran": 0}

    assert run_command("job", "retry", "1", "--json", data=tmp_path).json["state"] == "queued"
    assert run_command("work", "--once", data=tmp_path).out == "1 jobs run\n"
    assert run_command("job", "list", "--json", data=tmp_path).json["jobs"][0]["state"] == "done"
    refused = run_command("job", "cancel", "1", data=tmp_path)
    assert (refused.code, refused.err) == (1, "crowd-hitl: Job 1 is done: there is nothing to cancel.\n")


def test_a_waiting_job_is_cancelled_and_what_is_not_there_is_refused(tmp_path: Path) -> None:
    a_failed_job(tmp_path, final=False)
    assert run_command("job", "cancel", "1", "--json", data=tmp_path).json["state"] == "cancelled"
    assert run_command("job", "show", "9", data=tmp_path).err == "crowd-hitl: There is no job 9.\n"
    assert "expected one of queued, running" in run_command("job", "list", "--state", "odd", data=tmp_path).err
