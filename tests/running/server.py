"""Starts `python -m crowd_hitl serve` as its own process, waits until it is healthy, and stops it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

START_SECONDS = 60.0
STOP_SECONDS = 15.0
LOG_TAIL_CHARACTERS = 4000


@dataclass(frozen=True)
class RunningServer:
    """Where a started server answers, where its data lies, and what it has said."""

    address: str
    data: Path
    log: Path
    pid: int


def free_port() -> int:
    """Name a loopback port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running_server(
    data: Path, *, port: int | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[RunningServer]:
    """Run the server on `data` until the block ends; RuntimeError with its log when it does not get healthy.

    `environment` is added to this process's own, e.g. CROWD_HITL_DATABASE_URL.
    """
    data.mkdir(parents=True, exist_ok=True)
    chosen = port if port is not None else free_port()
    log = data / "server.log"
    command = [sys.executable, "-m", "crowd_hitl", "serve", "--data", str(data), "--port", str(chosen)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            # A group of its own, so that the server's workers are stopped with it.
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{chosen}"
        _wait_until_healthy(process, address=address, log=log)
        yield RunningServer(address=address, data=data, log=log, pid=process.pid)
    finally:
        _stop(process)


def _wait_until_healthy(process: subprocess.Popen[bytes], *, address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    # trust_env off: a proxy of the machine must not stand between the tests and loopback.
    with httpx.Client(trust_env=False, timeout=5.0) as client:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the server ended with {process.returncode}:\n{_tail(log)}")
            try:
                if client.get(f"{address}/healthz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(0.05)
    raise RuntimeError(f"the server was not healthy after {START_SECONDS:.0f} s:\n{_tail(log)}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # no worker outlived it


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARACTERS:]
