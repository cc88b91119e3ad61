"""`crowd-hitl aggregate`: answers in, labels with confidence and worker skills out; without any database.

Imports little: at a million answers the start of the program is a good part of the whole.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import islice
from math import isnan
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any, cast

import typer

from crowd_hitl.cli.answer_files import read_answers, read_truth
from crowd_hitl.cli.files import write_whole
from crowd_hitl.cli.frame import AsJson, DataFolder, say
from crowd_hitl.cli.label_writing import Found, as_json, format_for, pieces
from crowd_hitl.domain.errors import Unusable, bad_field
from crowd_hitl.domain.ports import Aggregator
from crowd_hitl.inference.ties import accuracy
from crowd_hitl.plugins.finding import find, find_one

SHOWN = 10
# Before numbers of this size are held at once (4 GB), it is said that they do not fit.
LARGEST = 500_000_000

Step = Callable[[str], None]


def aggregate(
    answers: Annotated[Path, typer.Argument(help="CSV, JSON Lines or Parquet with task,worker,label; CSV .gz too.")],
    method: Annotated[
        str,
        typer.Option(
            "--method",
            "--model",
            help="pooled (the most careful), dawid-skene, one-coin-dawid-skene, glad, mace, mace-mended, wawa,"
            " zero-based-skill, majority-vote, kos, mmsr, or a plug-in's.",
        ),
    ] = "dawid-skene",
    truth: Annotated[Path | None, typer.Option(help="File with the columns task,label, to score against.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the labels there, as .csv, .jsonl or .parquet (.json: all).")
    ] = None,
    seed: Annotated[int, typer.Option(help="Breaks ties.", min=0, max=2**32 - 1)] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Turn a file of answers into labels with confidence, and workers' skills."""
    started = perf_counter()
    aggregator = aggregator_named(method)
    format_for(out)
    with progress() as step:
        found, share = _weighed(aggregator, answers, truth, seed=seed, step=step)
        table = found.answers.table
        summary = {
            "method": method,
            "tasks": table.n_tasks,
            "workers": table.n_workers,
            "answers": len(table.tasks),
            "accuracy": share,
            "seconds": round(perf_counter() - started, 3),
        }
        if out is not None:
            step(f"Writing {table.n_tasks:,} labels")
            write_whole(out, pieces(found, summary, out))
    if repeats := found.answers.repeats:
        say(f"{repeats} answers repeat a worker's answer to the same task; each is counted.")
    _show(found, summary, out, as_object=as_json)


def _weighed(
    aggregator: Aggregator, path: Path, truth: Path | None, *, seed: int, step: Step
) -> tuple[Found, float | None]:
    file = read_answers(path, lambda rows: step(f"Reading: {rows:,} answers"))
    known = None if truth is None else read_truth(truth, file)
    _refuse_large(file.table.n_tasks, file.table.n_labels)
    step(f"Weighing {len(file.table.tasks):,} answers")
    consensus = aggregator.aggregate(file.table, seed=seed)
    share = None if known is None else accuracy(consensus.posteriors, known)
    return Found.of(file, consensus, seed=seed), None if share is None or isnan(share) else share


def aggregator_named(method: str) -> Aggregator:
    """Find an aggregator; its name may be written with hyphens."""
    name = method.strip().lower().replace("-", "_")
    found = find_one("aggregators", name)
    if found is None:
        names = ", ".join(sorted(find("aggregators"))).replace("_", "-")
        raise bad_field("method", expected=f"one of {names}", found=method)
    return cast(Aggregator, found)


@contextmanager
def progress() -> Iterator[Step]:
    """Say on standard error what is being done, where somebody watches."""
    if not sys.stderr.isatty():
        yield lambda what: None
        return
    # A tenth of a second to import: for people only.
    with import_module("crowd_hitl.cli.tables").progress_bar() as bar:
        task = bar.add_task("Starting", total=None)
        yield lambda what: bar.update(task, description=what)


def _refuse_large(n_tasks: int, n_labels: int) -> None:
    if n_tasks * n_labels > LARGEST:
        raise Unusable(
            f"{n_tasks:,} tasks with {n_labels:,} different labels need {n_tasks * n_labels * 8 / 1e9:.0f} GB: too many"
            " for one table of probabilities. Is the label column free text? Else split the file by tasks."
        )


def _show(found: Found, summary: Mapping[str, Any], out: Path | None, *, as_object: bool) -> None:
    if as_object:
        sys.stdout.writelines(as_json(found, summary))
        typer.echo()
        return
    for name, value in summary.items():
        typer.echo(f"{name:<8} │ {'–' if value is None else f'{value:.3f}' if isinstance(value, float) else value}")
    if out is not None:
        typer.echo(f"{summary['tasks']} labels written to {out}")
        return
    shown = list(islice(found.rows(), SHOWN))
    # As above.
    import_module("crowd_hitl.cli.tables").show_table(
        shown, title=f"The first {len(shown)} labels; all of them with --out or --json"
    )
