"""Runs every command that README.md shows, in its order, and looks for the lines that it shows as their output."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import run_command
from tests.cli.working import work_off

README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TRUTH = {"r1": "positive", "r2": "negative", "r3": "positive", "r4": "negative", "r5": "positive"}


def squeezed(text: str) -> str:
    """Take out what a table's width decides."""
    return " ".join(text.split())


def run_shell(block: str) -> str:
    """Run a block: our command in this process, anything else by the shell."""
    lines = block.replace("\\\n", " ").strip().splitlines()
    if not all(line.startswith("crowd-hitl ") for line in lines):
        return subprocess.run(["bash", "-ec", block], capture_output=True, text=True, check=True).stdout
    said = ""
    for line in lines:
        ran = run_command(*shlex.split(line)[1:])
        assert ran.code == 0, f"{line}\n{ran.err}"
        said += ran.out
    return said


def test_what_the_readme_shows_is_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CROWD_HITL_DATA", str(tmp_path / "data"))
    blocks = BLOCK.findall(README.read_text(encoding="utf-8"))
    said = None
    for language, block in blocks:
        if language == "sh":
            said = squeezed(run_shell(block))
            if "batch publish" in block:
                work_off(tmp_path / "data", batch_id=1, truth=TRUTH)
        elif language == "text" and said is not None:
            missing = [line for line in block.splitlines() if squeezed(line) not in said]
            assert missing == [], said
        elif language == "python":
            ran = subprocess.run([sys.executable, "-c", block], capture_output=True, text=True, check=True)
            assert ran.stdout.strip() in ("['negative']", "['positive']")
    assert sum(language == "sh" for language, _ in blocks) >= 6


def test_every_link_of_the_documents_leads_somewhere() -> None:
    documents = [README, *(README.parent / "docs").rglob("*.md")]
    broken = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8"))
        if not (document.parent / target).exists()
    ]
    assert broken == []
