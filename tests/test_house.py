"""The house rules that no linter knows: sizes, names, one commit, and documents that name every setting and port."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from crowd_hitl.domain import ports
from crowd_hitl.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]
MAX_LINES = 300
MAX_FUNCTION_LINES = 40
SIZED = {".py", ".ts", ".css", ".mjs"}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "models.py", "common.py", "misc.py"}
# The unit of work commits; Alembic's environment runs its own transaction.
MAY_COMMIT = ("crowd_hitl/store/unit_of_work.py", "crowd_hitl/store/migrations/")
TEXT = {".py", ".ts", ".css", ".mjs", ".html", ".md", ".toml", ".json", ".yaml", ".yml", ".lock", ".txt", ".sh", ""}
# Split, so that this file does not name them itself.
HOSTS = re.compile(
    r"files\.python" r"hosted\.org|pypi\." r"org/simple|registry\.npm" r"js\.org|registry\.yarn" r"pkg\.com"
)
MACHINE_PATHS = re.compile(
    r"(?<![\w.])/(?:root|home/\w+|Users/\w+|work/(?:main|shared)|opt/(?:pypi|wheels))(?=[/\s\"'`)]|$)"
)


def tracked_files() -> list[Path]:
    """List what is in the repository or about to be: tracked files, and new ones that are not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode()
    return [CHECKOUT / name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]


FILES = tracked_files()
PYTHON = [path for path in FILES if path.suffix == ".py"]
OURS = [path for path in PYTHON if path.is_relative_to(CHECKOUT / "crowd_hitl")]


def named(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count a function's lines without its docstring, which may be as long as it needs."""
    said = ast.get_docstring(function, clean=False)
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    return lines - (len(said.splitlines()) if said else 0)


def test_no_file_is_longer_than_300_lines() -> None:
    long = {named(path): len(read(path).splitlines()) for path in FILES if path.suffix in SIZED}
    assert {name: lines for name, lines in long.items() if lines > MAX_LINES} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    lengths = {
        f"{named(path)}:{node.lineno} {node.name}": lines_of_code(node)
        for path in OURS
        if "migrations/versions" not in named(path)
        for node in ast.walk(ast.parse(read(path)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def test_every_python_file_first_says_what_it_is_for() -> None:
    silent = [named(path) for path in PYTHON if not ast.get_docstring(ast.parse(read(path)))]
    assert silent == []


def test_only_the_unit_of_work_commits() -> None:
    commits = [named(path) for path in OURS if ".commit(" in read(path) and not named(path).startswith(MAY_COMMIT)]
    assert commits == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    assert [named(path) for path in PYTHON if path.name in FORBIDDEN_NAMES] == []


def test_no_class_is_a_manager() -> None:
    assert [named(path) for path in PYTHON if re.search(r"^class \w*Manager\b", read(path), re.MULTILINE)] == []


@pytest.mark.parametrize("pattern", [HOSTS, MACHINE_PATHS], ids=["registry hosts", "paths of one machine"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    texts = [path for path in FILES if path.suffix in TEXT]
    assert [(named(path), found[0]) for path in texts if (found := pattern.search(read(path)))] == []


def test_operators_can_read_about_every_setting() -> None:
    text = read(CHECKOUT / "docs" / "operators.md")
    prefix = Settings.model_config.get("env_prefix", "")
    names = [f"{prefix}{name}".upper() for name in Settings.model_fields]
    assert [name for name in names if name not in text] == []


def test_plugin_authors_can_read_about_every_port_method() -> None:
    text = read(CHECKOUT / "docs" / "plugins.md")
    protocols = [value for value in vars(ports).values() if getattr(value, "_is_protocol", False)]
    methods = [
        f"{protocol.__name__}.{name}"
        for protocol in protocols
        if protocol.__module__ == ports.__name__
        for name, value in vars(protocol).items()
        if callable(value) and not name.startswith("_")
    ]
    assert methods, "no ports were found"
    assert [method for method in methods if f"`{method}" not in text and f".{method.split('.')[1]}(" not in text] == []
