"""The `crowd-hitl` command: which commands there are, and how their errors are shown.

A command's file is imported when it is called, so that `--help` answers at once.
"""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from crowd_hitl import __version__
from crowd_hitl.cli.frame import Shared, show_error
from crowd_hitl.domain.errors import CrowdError

# command → (its module, what it is for)
COMMANDS = {
    "demo": ("crowd_hitl.cli.demo", "Run the whole loop on 1,797 real images with simulated workers, then serve it."),
    "serve": ("crowd_hitl.cli.serve", "Serve the pages and the REST API."),
    "project": ("crowd_hitl.cli.project", "Projects: new, list, show, cost."),
    "items": ("crowd_hitl.cli.items", "Items: import, list, broken, mend."),
    "batch": (
        "crowd_hitl.cli.batch",
        "Batches: quote, publish, extend, compensate, agree, review, requeue, forecast, list, show, pause, resume, "
        "close.",
    ),
    "appeal": ("crowd_hitl.cli.appeal", "Appeals against rejections: list, uphold, dismiss."),
    "gold": ("crowd_hitl.cli.gold", "Gold, the items with known answers: list, confirm, correct, retire."),
    "labels": ("crowd_hitl.cli.labels", "Labels: list, show one with its votes."),
    "budget": ("crowd_hitl.cli.budget", "Budgets: new, top-up, bonus, adjust, clawback, list, show, export."),
    "payout": (
        "crowd_hitl.cli.payout",
        "Payouts to workers: due, collect, list, show, export, slips, paid, fail, reopen, reconcile.",
    ),
    "rule": ("crowd_hitl.cli.rule", "Behaviour rules: add, list, test, on, off, hits, seen, lift."),
    "worker": (
        "crowd_hitl.cli.worker",
        "Workers: add, list, token, block, pause, lift, blocks, remove-answers, restore-answers.",
    ),
    "qualification": (
        "crowd_hitl.cli.qualification",
        "Qualifications: create, list, workers, grant, revoke, import.",
    ),
    "account": ("crowd_hitl.cli.account", "Accounts of requesters and admins: add, list, token."),
    "round": ("crowd_hitl.cli.round", "Rounds of the model loop: start, next, run, list, stop."),
    "export": ("crowd_hitl.cli.export", "Export labels or answers as JSONL or CSV."),
    "replay": ("crowd_hitl.cli.replay", "Play a folder of real answers: accuracy, answers and cost of each policy."),
    "plan": ("crowd_hitl.cli.plan", "From a pilot: what accuracy costs, what the rest will cost, when it is done."),
    "aggregate": ("crowd_hitl.cli.aggregate", "Turn a file of answers into labels, without a database."),
    "fuse": ("crowd_hitl.cli.fuse", "Turn a file of texts, spans, boxes … into labels, without a database."),
    "agreement": ("crowd_hitl.cli.agreement", "Measure how far the workers of a file agree, and how good each is."),
    "calibration": (
        "crowd_hitl.cli.calibration",
        "Compare the confidence of labels with gold: reliability, calibration error, fit.",
    ),
    "job": ("crowd_hitl.cli.job", "Background jobs: list, show, retry, cancel."),
    "work": ("crowd_hitl.cli.work", "Run background jobs in a process of their own."),
    "check": ("crowd_hitl.cli.check", "Recount every counter and invariant, and say what is wrong."),
    "db": ("crowd_hitl.cli.db", "The database: upgrade, status."),
}


class Commands(TyperGroup):
    """Knows all commands by name, imports one when it is called, and shows domain errors as one line."""

    def list_commands(self, ctx: Any) -> list[str]:
        """List the commands in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return what the list of commands shows of one; it cannot be run."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that is called."""
        self.commands.update({name: self.get_command(ctx, name) for name in COMMANDS})  # for "Did you mean …?"
        name, command, rest = super().resolve_command(ctx, args)
        if command is None or name is None:
            return name, command, rest
        real = load(name)
        real.name = name
        return name, real, rest

    def invoke(self, ctx: Any) -> Any:
        """Run; a domain error becomes one line on standard error and an exit code, never a traceback."""
        try:
            return super().invoke(ctx)
        except CrowdError as error:
            shared = ctx.find_object(Shared)
            raise typer.Exit(show_error(error, as_json=shared is not None and shared.as_json)) from error


def load(name: str) -> Any:
    """Import a command: its file's Typer app, or the function that has the command's name."""
    module = import_module(COMMANDS[name][0])
    group = getattr(module, "app", None)
    if group is None:
        group = typer.Typer(pretty_exceptions_enable=False)
        group.command()(getattr(module, name))
    return typer.main.get_command(group)


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Crowdsourced labels for machine learning: from items to agreed labels, a trained model and a bill.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crowd-hitl {__version__}")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(help="The data folder (CROWD_HITL_DATA; default: crowd_hitl_data).", metavar="DIR"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Hold what was given before the command for the command."""
    context.obj = Shared(data=data, as_json=as_json)
