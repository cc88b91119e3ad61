"""Runs the demo as a user does, in a process of its own, and reads back what it left."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
SECONDS = 400


@dataclass(frozen=True)
class Played:
    """How one run of the demo ended, and where its data lies."""

    code: int
    result: dict[str, Any]
    data: Path

    def labels(self) -> list[dict[str, Any]]:
        """Export the labels, as JSONL."""
        done = command("export", "labels", "digits", "--data", str(self.data))
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def check(self) -> dict[str, Any]:
        """Run the whole check."""
        return read_json(command("check", "--json", "--data", str(self.data)))


def play(data: Path, *options: str) -> Played:
    """Run `demo --no-serve --json`."""
    done = command("demo", "--no-serve", "--json", "--data", str(data), *options)
    return Played(code=done.returncode, result=read_json(done), data=data)


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "crowd_hitl", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def read_json(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    """Read the one JSON object on standard output; anything beside it is a fault."""
    assert len(done.stdout.splitlines()) == 1, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found
