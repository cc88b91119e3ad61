"""`crowd-hitl work`: a process that runs background jobs and serves nothing."""

import logging
import os
import signal
from threading import Event
from typing import Annotated

import typer

from crowd_hitl.bootstrap import open_queue
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.opening import open_house
from crowd_hitl.jobs.consuming import Workshop, run_due


def work(
    threads: Annotated[int | None, typer.Option(min=1, help="Jobs run at a time (CROWD_HITL_JOB_THREADS).")] = None,
    once: Annotated[bool, typer.Option("--once", help="Run what is due now, then end: for cron.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Run background jobs until a signal ends it: what runs then stops at its next step and goes back to the queue."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with open_house(data) as house:
        if once:
            ran = run_due(house)
            if as_json:
                put({"ran": ran})
            else:
                typer.echo(f"{ran} jobs run")
            return
        workshop = Workshop(house, open_queue(house.settings), threads=threads or house.settings.job_threads)
        ended = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        workshop.start()
        say(f"Working (process {os.getpid()}) – Ctrl-C stops.")
        ended.wait()
        workshop.stop()
