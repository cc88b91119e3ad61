"""`crowd-hitl demo`: the whole loop on 1,797 real images, answered by simulated workers through a real server."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from crowd_hitl.cli.demo_ending import serve_demo
from crowd_hitl.cli.demo_project import SLUG, DemoProject, make_demo_project
from crowd_hitl.cli.demo_result import demo_result, show_result
from crowd_hitl.cli.frame import STOPPED_AT_BUDGET, AsJson, DataFolder, put, say
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import progress_bar
from crowd_hitl.domain.errors import Unusable
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.rounds import StopReason
from crowd_hitl.simulating.playing import Caller, Play

DEFAULT_BUDGET = "200.00"
START_SECONDS = 60.0


def demo(
    seed: Annotated[int, typer.Option(min=0, help="Decides every chance: the same seed, the same labels.")] = 0,
    budget: Annotated[str, typer.Option(metavar="AMOUNT", help="What may be spent, in USD.")] = DEFAULT_BUDGET,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop after the result.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it is served afterwards.")] = 8000,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Label scikit-learn's digits with 40 simulated workers and a model, under a hard budget; then serve the result.

    Exit code 3 when the budget ended before the promise was proved.
    """
    budget_micros = micros(budget, field="--budget")
    folder = data or Path(tempfile.mkdtemp(prefix="crowd-hitl-demo-"))
    started = time.monotonic()
    say("40 simulated workers label 1,797 real images; every answer goes through the HTTP API of a real server.")
    with open_desk(folder) as desk:
        say("Making the project: importing images, signing up workers …")
        made = make_demo_project(desk, seed=seed, budget_micros=budget_micros)
    with started_server(folder) as address:
        stopped = play(address, made, seed=seed)
    with open_desk(folder) as desk:
        result = demo_result(desk, made, seed=seed, stopped=stopped, seconds=time.monotonic() - started)
    if as_json:
        put(result)
    else:
        show_result(result, folder=folder)
    if not no_serve:
        serve_demo(folder, made, port=port)
    if stopped == StopReason.BUDGET:
        say("Stopped: what is left of the budget buys no further place. Everything is kept; more money would go on.")
        raise typer.Exit(STOPPED_AT_BUDGET)


def play(address: str, made: DemoProject, *, seed: int) -> str:
    """Start the loop and play it to its end, telling each round on the way; return why it stopped."""
    caller = Caller(address)
    try:
        caller.ask(
            "POST",
            f"/projects/{SLUG}/loop",
            token=made.requester_token,
            body={"budget_id": made.budget_id, "seed": seed},
        )
        with progress_bar() as bar:
            row = bar.add_task("Starting", total=None)

            def tell(step: Mapping[str, Any]) -> None:
                about = f"Round {step['round_number']}: {step['phase']}"
                bar.update(row, description=about, advance=1)
                if not step["waiting"] and not bar.live.is_started:
                    say(about)

            game = Play(caller, crowd=made.crowd, tokens=made.worker_tokens, seed=seed)
            return game.run(project=SLUG, requester=made.requester_token, on_step=tell)
    finally:
        caller.close()


@contextmanager
def started_server(folder: Path) -> Iterator[str]:
    """Run `crowd-hitl serve` as a process of its own, without background work: the demo decides what happens when."""
    command = [sys.executable, "-m", "crowd_hitl", "serve", "--data", str(folder), "--port", "0", "--no-jobs", "--json"]
    # Simulated workers are no attackers; one thread of mathematics a process, or two processes fight for two cores.
    environment = {**os.environ, "CROWD_HITL_RATE_LIMITS": "false", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    log_path = folder / "server.log"
    with log_path.open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True)
    try:
        yield _address(process, log_path)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(process: "subprocess.Popen[str]", log_path: Path) -> str:
    """Read where the server listens from its first line, and wait until it answers."""
    assert process.stdout is not None
    first = process.stdout.readline()
    if first:
        address = str(json.loads(first)["address"])
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            try:
                if httpx.get(f"{address}/healthz", timeout=5, trust_env=False).is_success:
                    return address
            except httpx.HTTPError:
                time.sleep(0.1)
    raise Unusable(f"The demo's server did not start. What it said: {log_path.read_text()[-2000:]}")
