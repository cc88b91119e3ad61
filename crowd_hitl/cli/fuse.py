"""`crowd-hitl fuse`: open answers in (texts, spans, boxes …), one value for each task out; without any database."""

from collections.abc import Mapping
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.files import read_object, write_whole
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.fuse_scores import scores_of
from crowd_hitl.cli.fuse_tables import OpenAnswers, checked_known, spec_of, table_of
from crowd_hitl.cli.tables import progress_bar, show_pairs, show_table
from crowd_hitl.cli.value_files import read_contents, read_known, read_open_answers
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ports import Fused, Fuser, LabelFormat, Question

SHOWN = 10
SHOWN_LETTERS = 100


@dataclass(frozen=True)
class Fusion:
    """What was found, with the names of what it is about, and how right it is where the truth is known."""

    answers: OpenAnswers
    fused: Fused
    scores: Mapping[str, float]

    def rows(self) -> list[dict[str, Any]]:
        """Return every task's value and confidence."""
        found = zip(self.answers.tasks, self.fused.values, self.fused.confidences, strict=True)
        return [{"task": task, "label": value, "confidence": round(float(share), 6)} for task, value, share in found]

    def payload(self, *, question: str, method: str, seconds: float) -> dict[str, Any]:
        """Return the JSON object that the command promises."""
        skills = zip(self.answers.workers, self.fused.skills, strict=True)
        return {
            "question": question,
            "method": method,
            "tasks": len(self.answers.tasks),
            "workers": len(self.answers.workers),
            "answers": len(self.answers.table.values),
            **self.scores,
            "seconds": round(seconds, 3),
            "labels": self.rows(),
            "skills": {worker: round(float(skill), 6) for worker, skill in skills},
        }


def fuse(
    answers: Annotated[Path, typer.Argument(help="CSV, JSONL or Parquet with task, worker, value; .gz too.")],
    question: Annotated[str, typer.Option(help="The question's kind: text, transcription, spans, boxes, …")],
    spec: Annotated[Path | None, typer.Option(help="The question's settings, as a JSON object.")] = None,
    method: Annotated[str | None, typer.Option(help="The fuser; that of the question's kind if left out.")] = None,
    items: Annotated[Path | None, typer.Option(help="What tasks show (task, text, …): answers must fit it.")] = None,
    truth: Annotated[Path | None, typer.Option(help="True values (task, value), to score against.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the labels there: .jsonl, .csv, .parquet or .json.")] = None,
    seed: Annotated[int, typer.Option(help="Breaks ties, for fusers that draw lots.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Turn a file of open answers into one value for each task, with confidence, and workers' skills."""
    started = perf_counter()
    plugins = find_plugins()
    asked, fuser = question_of(question, plugins.questions), fuser_of(question, method, plugins.fusers)
    writer = writer_of(out, plugins.label_formats)
    with progress_bar() as bar:
        step = bar.add_task("Reading", total=3)
        raw = list(read_open_answers(answers, kind=question))
        known = [] if truth is None else list(read_known(truth, kind=question))
        values = [*(one.value for one in raw), *(value for _, _, value in known)]
        given = {} if spec is None else read_object(spec, "the question's settings")
        settings = spec_of(asked, given, values)
        contents = {} if items is None else read_contents(items)
        table = table_of(raw, asked, settings, path=answers, contents=contents)
        bar.update(step, description="Weighing", advance=1)
        fused = fuser.fuse(table.table, seed=seed)
        bar.update(step, description="Writing", advance=1)
        checked = checked_known(known, asked, settings, path=truth or answers)
        scores = scores_of(question, pairs_of(table, fused, checked), fuser, settings)
        found = Fusion(table, fused, scores)
        shown = found.payload(question=question, method=fuser.name, seconds=perf_counter() - started)
        if out is not None:
            write_whole(out, [dumps(shown, ensure_ascii=False)] if writer is None else writer.write(found.rows()))
    if table.repeats:
        say(f"{table.repeats} answers repeat a worker's answer to the same task; each is counted.")
    _show(shown, out, as_json=as_json)


def question_of(kind: str, known: Mapping[str, Question]) -> Question:
    """Find the question; BadInput names those that there are."""
    if kind not in known:
        raise bad_field("question", expected="one of " + ", ".join(sorted(known)), found=kind)
    return known[kind]


def fuser_of(kind: str, method: str | None, known: Mapping[str, Fuser]) -> Fuser:
    """Find the fuser by its name, or that which is called as the question's kind is; it must know the kind."""
    fitting = {name: fuser for name, fuser in known.items() if kind in fuser.kinds}
    if not fitting:
        raise bad_field("question", expected="a kind that a fuser weighs (aggregate weighs choices)", found=kind)
    name = (method or (kind if kind in fitting else min(fitting))).strip().lower().replace("-", "_")
    if name not in fitting:
        raise bad_field("method", expected=f"one of {', '.join(sorted(fitting))} for '{kind}'", found=str(method))
    return fitting[name]


def writer_of(out: Path | None, formats: Mapping[str, LabelFormat]) -> LabelFormat | None:
    """Choose the format by the file's suffix; None for the one JSON object, before anything is computed."""
    suffix = ".json" if out is None else out.suffix.lower()
    by_suffix = {one.suffix: one for one in formats.values()}
    if suffix != ".json" and suffix not in by_suffix:
        raise bad_field("out", expected="a name that ends in .json, " + ", ".join(sorted(by_suffix)), found=str(out))
    return by_suffix.get(suffix)


def pairs_of(answers: OpenAnswers, fused: Fused, known: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """Return every value whose truth is known, with that."""
    found = zip(answers.tasks, fused.values, strict=True)
    return [(value, known[task]) for task, value in found if task in known and value is not None]


def _show(shown: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    if as_json:
        put(shown)
        return
    show_pairs({name: value for name, value in shown.items() if name not in ("labels", "skills")})
    if out is not None:
        typer.echo(f"{shown['tasks']} labels written to {out}")
        return
    rows = [{**row, "label": _brief(row["label"])} for row in shown["labels"][:SHOWN]]
    show_table(rows, title=f"The first {len(rows)} labels; all of them with --out or --json")


def _brief(value: Any) -> str:
    text = value if isinstance(value, str) else dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN_LETTERS else f"{text[:SHOWN_LETTERS]}…"
