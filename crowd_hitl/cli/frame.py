"""What all commands share: the options --data and --json, one JSON object or a table out, errors in one line."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, CrowdError, FieldProblem

FAILED, STOPPED_AT_BUDGET = 1, 3
PROBLEMS_SHOWN = 20


@dataclass
class Shared:
    """What was said before the command; what is said after it wins."""

    data: Path | None = None
    as_json: bool = False


def _data(context: typer.Context, value: Path | None) -> Path | None:
    shared = context.find_object(Shared)
    return value if value is not None or shared is None else shared.data


def _as_json(context: typer.Context, value: bool) -> bool:
    shared = context.ensure_object(Shared)
    shared.as_json = shared.as_json or value
    return shared.as_json


DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", callback=_data, help="The data folder (CROWD_HITL_DATA)."),
]
AsJson = Annotated[
    bool, typer.Option("--json", callback=_as_json, help="One JSON object on standard output, and nothing else.")
]


def group(about: str) -> typer.Typer:
    """Make the Typer app of one command group."""
    return typer.Typer(help=about, no_args_is_help=True, pretty_exceptions_enable=False)


def say(message: str) -> None:
    """Tell a person something beside the result: on standard error."""
    typer.echo(message, err=True)


def put(payload: Mapping[str, Any]) -> None:
    """Write the one JSON object."""
    typer.echo(json.dumps(payload, ensure_ascii=False, default=str))


def show_error(error: CrowdError, *, as_json: bool) -> int:
    """Say what went wrong, where and how to mend it; return the exit code."""
    problems: Sequence[FieldProblem] = error.problems if isinstance(error, BadInput) else ()
    if as_json:
        listed = [vars(problem) for problem in problems]
        put({"error": {"type": type(error).__name__, "message": str(error), "problems": listed}})
    say(f"crowd-hitl: {error}")
    if len(problems) > 1:
        for problem in problems[:PROBLEMS_SHOWN]:
            say(f"  {where(problem)}: expected {problem.expected}, found {problem.found}")
    return STOPPED_AT_BUDGET if isinstance(error, BudgetTooSmall) else FAILED


def where(problem: FieldProblem) -> str:
    """Name the place of a problem."""
    return f"row {problem.row}, {problem.field}" if problem.row is not None else problem.field


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    """Say in few words why a file cannot be read or written."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not text in UTF-8"
    return (error.strerror or str(error)).lower()
