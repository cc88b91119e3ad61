"""What a web process of `serve` runs: the application, and beside it the background work."""

import logging
import os
import signal
from functools import partial
from multiprocessing.util import Finalize
from threading import Thread
from time import sleep

from apiflask import APIFlask

from crowd_hitl.application import create_app
from crowd_hitl.bootstrap import open_queue
from crowd_hitl.edge.house import EXTENSION, House
from crowd_hitl.edge.soon import STOPPING, Soon
from crowd_hitl.jobs.consuming import Workshop
from crowd_hitl.services.stopping import stop_asking

PARENT_CHECK_SECONDS = 1.0


def make_served_app() -> APIFlask:
    """Build the application from the environment's settings and start what runs beside it."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    app = create_app()
    house: House = app.extensions[EXTENSION]
    if house.settings.jobs:
        stopping = Soon("stopping", partial(stop_asking, house.uow, plugins=house.plugins))
        app.extensions[STOPPING] = stopping
        stopping.start()
        Finalize(None, stopping.stop, exitpriority=10)
        workshop = Workshop(house, open_queue(house.settings), threads=house.settings.job_threads)
        workshop.start()
        # The server's worker is a process of multiprocessing: it ends without atexit, but not without this.
        Finalize(None, workshop.stop, exitpriority=10)
    Thread(target=end_with_parent, args=(os.getppid(),), name="end with parent", daemon=True).start()
    return app


def end_with_parent(parent: int) -> None:
    """End this process when the one that started it is gone: killed, it could not tell its children."""
    while os.getppid() == parent:
        sleep(PARENT_CHECK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
