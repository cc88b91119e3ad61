"""A PostgreSQL of our own that keeps what it acknowledged, and that can be stopped as if its power was cut."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import psycopg
from sqlalchemy import make_url

from tests.running.postgres import DRIVER, initialise, launch, programs_in, url_of, wait_until_ready

SETTINGS = {"fsync": "on", "synchronous_commit": "on", "max_connections": "200"}
DATABASE = "besieged"


class Cluster:
    """One server on a unix socket, started and stopped again and again."""

    def __init__(self, folder: Path, *, programs: Path) -> None:
        self._folder, self._programs = folder, programs
        self._server_url = url_of(folder)
        self.start()
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())

    @property
    def url(self) -> str:
        """Name the database for the application."""
        return make_url(self._server_url).set(drivername=DRIVER, database=DATABASE).render_as_string()

    def start(self) -> None:
        """Start it and wait until it takes connections: it replays its log first."""
        self._process: subprocess.Popen[bytes] = launch(self._folder, programs=self._programs, settings=SETTINGS)
        wait_until_ready(self._process, url=self._server_url, log=self._folder / "log")

    def stop_at_once(self) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: no checkpoint, nothing is finished."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def keep(self, folder: Path) -> None:
        """Copy its files for whoever looks into what went wrong."""
        self.stop_at_once()
        shutil.copytree(self._folder / "data", folder)
        self.start()

    def cut(self, random: Random, *, share: float) -> int:
        """End some of the application's connections, whatever they are doing; return how many."""
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            found = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (DATABASE,)).fetchall()
            chosen = [pid for (pid,) in found if random.random() < share]
            for pid in chosen:
                connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        return len(chosen)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Make a server in a folder of its own; stop it and remove the folder afterwards."""
    # a unix socket's name may not exceed some hundred bytes
    folder = Path(tempfile.mkdtemp(prefix="crowd-hitl-pg-"))
    try:
        programs = programs_in(folder)
        initialise(folder, programs=programs)
        cluster = Cluster(folder, programs=programs)
        try:
            yield cluster
        finally:
            cluster.stop_at_once()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
