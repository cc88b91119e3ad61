"""What the tests of the command line share: running a command in this process, on a data folder of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crowd_hitl.cli.main import app

Run = Callable[..., "Ran"]


@dataclass(frozen=True)
class Ran:
    """What a command wrote, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the one JSON object on standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def run_command(*arguments: str, data: Path | None = None) -> Ran:
    before = ["--data", str(data)] if data is not None else []
    result = CliRunner().invoke(app, [*before, *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(code=result.exit_code, out=result.stdout, err=result.stderr)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a command on an empty data folder; it must succeed unless `code` says otherwise."""

    def command(*arguments: object, code: int = 0) -> Ran:
        ran = run_command(*map(str, arguments), data=tmp_path / "data")
        assert ran.code == code, f"exit code {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    return command


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """Write a file of five items, one of them gold, and one row that is bad."""
    path = tmp_path / "reviews.csv"
    path.write_text(
        "key,text,gold\nr1,A joy.,\nr2,Never again.,\nr3,Thin but wonderful.,\nr4,,\nr5,The worst.,negative\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture
def published(run: Run, reviews: Path) -> Run:
    """Give a project with items, money, three workers and batch 1 published: two answers each, at most three."""
    run("project", "new", "Film reviews", "--prompt", "Good or bad?", "--options", "positive,negative")
    run("items", "import", "film-reviews", reviews)
    run("budget", "new", "Main", "--amount", "5")
    for login in ("mara", "tom", "ines"):
        run("worker", "add", login)
    run("batch", "publish", "film-reviews", "--overlap-min", 2, "--overlap-max", 3, "--confidence", 0.9)
    return run
