"""`crowd-hitl serve` as its own process: the port, the first account, the signals, the command line beside it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import Ran, Run, run_command
from tests.cli.working import work_off
from tests.running.server import free_port, running_server


def serve_again(data: Path, port: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "crowd_hitl", "serve", "--data", str(data), "--port", str(port)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def children_of(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def wait_until_healthy(address: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(f"{address}/healthz", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.1)
    raise AssertionError(f"{address} did not get healthy")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until_gone(pids: list[int], *, seconds: float) -> list[int]:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends and any(map(is_running, pids)):
        time.sleep(0.1)
    return [pid for pid in pids if is_running(pid)]


def test_a_server_with_the_command_line_beside_it(published: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_server(data) as server, httpx.Client(base_url=server.address, trust_env=False) as client:
        assert client.get("/healthz").json()["status"] == "ok"
        # a second server on the same port
        second = serve_again(tmp_path / "other", int(server.address.rpartition(":")[2]))
        assert second.returncode == 1
        assert "Address already in use" in second.stderr
        assert len(second.stderr.splitlines()) == 1
        # the command line on the same store, seen by the server at once
        token = published("worker", "token", "mara").out.strip()
        work = client.get("/api/v1/work", headers={"Authorization": f"Bearer {token}"}).json()
        assert work["batches"][0]["available"] == 3
        published("batch", "pause", 1)
        assert client.get("/api/v1/work", headers={"Authorization": f"Bearer {token}"}).json()["batches"] == []
        published("batch", "resume", 1)
        # what workers answer is agreed on by the server's jobs
        truth = {"r1": "positive", "r2": "negative", "r3": "positive", "r5": "negative"}
        work_off(data, batch_id=1, truth=truth)
        ends = time.monotonic() + 20
        while published("batch", "show", 1, "--json").json["state"] != "closed" and time.monotonic() < ends:
            time.sleep(0.3)
        assert published("labels", "list", "film-reviews", "--json").json["count"] == 4
        assert published("check", "--json").json["ok"] is True
        workers = children_of(server.pid)
    assert wait_until_gone([server.pid, *workers], seconds=5) == []


def test_the_first_start_makes_an_admin_who_can_sign_in(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        said = server.log.read_text(encoding="utf-8")
        found = re.search(r"'admin' with the password (\S+)", said)
        assert found is not None
        page = httpx.get(f"{server.address}/signin", trust_env=False)
        assert page.status_code == 200
    with running_server(tmp_path) as server:
        assert said in server.log.read_text(encoding="utf-8")
        assert server.log.read_text(encoding="utf-8").count("the password") == 1


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_whatever_ends_the_server(tmp_path: Path, ending: signal.Signals) -> None:
    with running_server(tmp_path) as server:
        workers = children_of(server.pid)
        assert workers
        os.kill(server.pid, ending)
        assert wait_until_gone(workers, seconds=15) == []


def test_json_gives_address_and_login_in_one_object(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "crowd_hitl", "--json", "serve", "--data", str(tmp_path), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        wait_until_healthy(told["address"])
    finally:
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=30)
    assert told["address"] == f"http://127.0.0.1:{port}"
    assert told["admin"]["login"] == "admin"
    assert rest == ""
    assert process.returncode == 0


def test_a_port_that_is_held_by_another_program_is_refused(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ran: Ran = run_command("serve", "--port", str(holder.getsockname()[1]), data=tmp_path)
    assert ran.code == 1
    assert "choose another with --port" in ran.err


def test_an_address_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    ran = run_command("serve", "--host", "no-such-host.invalid", data=tmp_path)
    assert ran.code == 1
    assert "Cannot listen on no-such-host.invalid" in ran.err


def test_several_processes_need_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROWD_HITL_PROCESSES", "2")
    ran = run_command("serve", data=tmp_path)
    assert ran.code == 1
    assert "need PostgreSQL" in ran.err
