"""`crowd-hitl check`: recount every derived counter and invariant."""

import typer

from crowd_hitl.cli.frame import FAILED, AsJson, DataFolder, put
from crowd_hitl.cli.opening import open_house
from crowd_hitl.cli.tables import show_table
from crowd_hitl.services.checking import check as run_check


def check(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Recount overlap, voices, ledger, reservations and budgets; exit code 1 when something is wrong."""
    with open_house(data) as house:
        problems = house.uow.read(run_check)
    if as_json:
        put({"ok": not problems, "problems": [vars(problem) for problem in problems]})
    elif problems:
        show_table([vars(problem) for problem in problems], title=f"{len(problems)} problems")
    else:
        typer.echo("All counters and invariants hold.")
    if problems:
        raise typer.Exit(FAILED)
