"""The besieged processes: web servers and job workers, killed in several ways and started again when they are gone."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

KILLS = ("whole", "parent", "child")


@dataclass
class Besieged:
    """One command that is to be running; `started` counts how often it had to be started."""

    name: str
    arguments: list[str]
    environment: Mapping[str, str]
    log: Path
    port: int | None = None
    started: int = 0
    started_at: float = 0.0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def keep_running(self) -> None:
        """Start it if it does not run: what a service manager does."""
        if self.process is not None and self.process.poll() is None:
            return
        self.started, self.started_at = self.started + 1, monotonic()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.served", *self.arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
            )

    def kill(self, how: str) -> bool:
        """SIGKILL the whole group, only the parent, or only its children; say whether anything was there."""
        if self.process is None or self.process.poll() is not None:
            return False
        pid = self.process.pid
        try:
            if how == "whole":
                os.killpg(pid, signal.SIGKILL)
            elif how == "parent":
                os.kill(pid, signal.SIGKILL)
            else:
                for child in children_of(pid):
                    os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def limit_files(self, most_bytes: int) -> None:
        """Let no file of the running processes grow beyond this; RLIM_INFINITY lifts it."""
        if self.process is None:
            return
        for pid in (self.process.pid, *children_of(self.process.pid)):
            try:
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
            except (ProcessLookupError, PermissionError):
                pass  # it ended meanwhile

    def stop(self) -> None:
        """End it for good, and whatever it left behind."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # nothing was left
        self.process.wait()


def children_of(pid: int) -> list[int]:
    """List the direct children of a process."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
