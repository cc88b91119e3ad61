"""`crowd-hitl aggregate`: answers in, labels with confidence and worker skills out; without any database."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.answer_files import AnswerFile, read_answers, read_truth
from crowd_hitl.cli.files import write_whole
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.tables import progress_bar, show_pairs, show_table
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Aggregator, Consensus, LabelFormat
from crowd_hitl.inference.ties import accuracy, winners

SHOWN = 10


@dataclass(frozen=True)
class Labels:
    """What an aggregation found, with the names of what it is about."""

    answers: AnswerFile
    consensus: Consensus
    accuracy: float | None
    seed: int

    def rows(self) -> list[dict[str, Any]]:
        """Return every task's label and confidence."""
        chosen = winners(self.consensus.posteriors, seed=self.seed)
        return [
            {"task": task, "label": self.answers.labels[code], "confidence": round(float(posterior[code]), 6)}
            for task, code, posterior in zip(self.answers.tasks, chosen, self.consensus.posteriors, strict=True)
        ]

    def skills(self) -> dict[str, float]:
        """Return every worker's skill."""
        return {
            worker: round(float(skill), 6)
            for worker, skill in zip(self.answers.workers, self.consensus.skills, strict=True)
        }


def aggregate(
    answers: Annotated[Path, typer.Argument(help="CSV with the columns task,worker,label; .gz too.")],
    method: Annotated[str, typer.Option(help="dawid-skene, majority-vote or pooled.")] = "dawid-skene",
    truth: Annotated[Path | None, typer.Option(help="CSV with the columns task,label, to score against.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the labels there, as .csv or .jsonl (.json: all).")] = None,
    seed: Annotated[int, typer.Option(help="Breaks ties.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Turn a file of answers into labels with confidence, and workers' skills."""
    started = perf_counter()
    plugins = find_plugins()
    aggregator = aggregator_named(method, plugins.aggregators)
    writer = writer_for(out, plugins.label_formats)
    with progress_bar() as bar:
        step = bar.add_task("Reading", total=3)
        file = read_answers(answers)
        known = None if truth is None else read_truth(truth, file)
        bar.update(step, description="Weighing", advance=1)
        consensus = aggregator.aggregate(file.table, seed=seed)
        bar.update(step, description="Writing", advance=1)
        share = None if known is None else accuracy(consensus.posteriors, known)
        found = Labels(file, consensus, None if share is None or isnan(share) else share, seed)
        shown = as_payload(found, method=method, seconds=perf_counter() - started)
        if out is not None:
            write_whole(out, [json.dumps(shown, ensure_ascii=False)] if writer is None else writer.write(found.rows()))
    if file.repeats:
        say(f"{file.repeats} answers repeat a worker's answer to the same task; each is counted.")
    _show(shown, found, out, as_json=as_json)


def aggregator_named(method: str, known: Mapping[str, Aggregator]) -> Aggregator:
    """Find an aggregator; its name may be written with hyphens."""
    name = method.strip().lower().replace("-", "_")
    if name not in known:
        names = ", ".join(sorted(known)).replace("_", "-")
        raise bad_field("method", expected=f"one of {names}", found=method)
    return known[name]


def writer_for(out: Path | None, formats: Mapping[str, LabelFormat]) -> LabelFormat | None:
    """Choose the format by the file's suffix; None for the one JSON object, before anything is computed."""
    suffix = ".json" if out is None else out.suffix.lower()
    if suffix == ".json":
        return None
    by_suffix = {one.suffix: one for one in formats.values()}
    if suffix not in by_suffix:
        raise bad_field("out", expected="a name that ends in .json, " + ", ".join(sorted(by_suffix)), found=str(out))
    return by_suffix[suffix]


def as_payload(found: Labels, *, method: str, seconds: float) -> dict[str, Any]:
    """Return the JSON object that the command promises."""
    return {
        "method": method,
        "tasks": len(found.answers.tasks),
        "workers": len(found.answers.workers),
        "answers": len(found.answers.table.tasks),
        "accuracy": found.accuracy,
        "seconds": round(seconds, 3),
        "labels": found.rows(),
        "skills": found.skills(),
    }


def _show(shown: Mapping[str, Any], found: Labels, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        put(shown)
        return
    show_pairs({name: shown[name] for name in ("method", "tasks", "workers", "answers", "accuracy", "seconds")})
    if out is not None:
        typer.echo(f"{shown['tasks']} labels written to {out}")
        return
    labels: Sequence[Mapping[str, Any]] = shown["labels"]
    show_table(labels[:SHOWN], title=f"The first {min(SHOWN, len(labels))} labels; all of them with --out or --json")
