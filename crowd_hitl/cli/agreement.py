"""`crowd-hitl agreement`: how far workers agree, by class, item, worker and pair; without any database."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.agreement_files import Cells, Voices, read_known, read_voices
from crowd_hitl.cli.agreement_report import Asked, in_order, levels_of, measure, recoded
from crowd_hitl.cli.files import read_object, write_whole
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.fuse_tables import spec_of
from crowd_hitl.cli.tables import progress_bar, show_pairs, show_table
from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.values import as_text
from crowd_hitl.inference.agreement import METRICS
from crowd_hitl.inference.agreement_pairs import count_pairs

SHOWN = 10
WITH_OPTIONS = ("choices", "ranking")
TEXTS = ("text", "transcription")


def agreement(
    answers: Annotated[Path, typer.Argument(help="Columns task,worker,label: CSV or .jsonl (.gz too) or .parquet.")],
    metric: Annotated[
        str, typer.Option(help="nominal, ordinal, interval, or a kind of question: choices, ranking, boxes …")
    ] = "nominal",
    order: Annotated[str | None, typer.Option(help="The labels from low to high: low,middle,high.")] = None,
    spec: Annotated[Path | None, typer.Option(help="The question's settings as JSON, for a kind of question.")] = None,
    truth: Annotated[Path | None, typer.Option(help="Columns task,label: skill is measured against it.")] = None,
    time: Annotated[str | None, typer.Option(help="The column with an answer's time: drift is tested.")] = None,
    window: Annotated[int, typer.Option(help="How many last answers of a worker drift looks at.", min=5)] = 20,
    pairs: Annotated[int, typer.Option(help="How many pairs of workers are listed.", min=0)] = 1000,
    out: Annotated[Path | None, typer.Option(help="Write everything there, as .json.")] = None,
    seed: Annotated[int, typer.Option(help="Draws pairs where there are too many to compare all.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Measure how far workers agree, and how good each of them is."""
    started = perf_counter()
    kind = metric.strip().lower()
    plugins = find_plugins()
    check_metric(kind, order, spec, plugins)
    with progress_bar() as bar:
        step = bar.add_task("Reading", total=None)
        voices = read_voices(answers, time=time, cells=cells_of(kind))
        known = None if truth is None else read_known(truth, cells=cells_of(kind))
        asked = Asked(kind, listed(order), window=window, pairs=pairs, seed=seed)
        voices = in_order(voices, asked)
        if kind not in METRICS:
            values = [json.loads(name) for name in (*voices.label_names, *(known or {}).values())]
            settings = settings_for(kind, values, spec, plugins)
            voices = recoded(voices, canonical(voices.label_names, kind, settings, plugins))
            known = known and dict(zip(known, canonical(list(known.values()), kind, settings, plugins), strict=True))
            asked = replace(asked, fuser=fuser_for(kind, plugins), spec=settings)
        elif kind == "interval":
            asked = replace(asked, fuser=fuser_for("number", plugins), spec=range_of(voices, asked))
        bar.update(step, description="Comparing", total=max(count_pairs(voices.tasks), 1))
        found = measure(voices, asked, known, lambda done: bar.advance(step, done))
    found["seconds"] = round(perf_counter() - started, 3)
    if out is not None:
        write_whole(out, [json.dumps(found, ensure_ascii=False)])
    _show(found, out, as_json=as_json)


def check_metric(kind: str, order: str | None, spec: Path | None, plugins: Plugins) -> None:
    """Refuse a metric that is not known, and options that do not go with it, before anything is read."""
    kinds = sorted({kind for fuser in plugins.fusers.values() for kind in fuser.kinds})
    if kind not in METRICS and kind not in kinds:
        raise bad_field("metric", expected="one of " + ", ".join((*METRICS, *kinds)), found=kind)
    if order is not None and kind not in ("ordinal", "interval"):
        raise bad_field("order", expected="none: it goes with --metric ordinal", found=order)
    if spec is not None and kind in METRICS:
        raise bad_field("spec", expected="none: it goes with a kind of question as --metric", found=str(spec))


def cells_of(kind: str) -> Cells:
    """Say how labels are to be read."""
    if kind in METRICS:
        return Cells.TEXT
    if kind in TEXTS:
        return Cells.WORDS
    return Cells.LISTS if kind in WITH_OPTIONS else Cells.VALUES


def listed(order: str | None) -> Sequence[str] | None:
    """Return the labels of --order; a label with a comma stands in quotes."""
    if order is None:
        return None
    names = [name.strip() for name in next(csv.reader([order], skipinitialspace=True), [])]
    if len(set(names)) != len(names) or not all(names):
        raise bad_field("order", expected="different labels, separated by commas", found=order)
    return names


def fuser_for(kind: str, plugins: Plugins) -> Any:
    """Return the fuser that weighs this kind: the one of its name, else the first that can."""
    able = [fuser for _, fuser in sorted(plugins.fusers.items()) if kind in fuser.kinds]
    return plugins.fusers[kind] if kind in plugins.fusers else able[0]


def settings_for(kind: str, values: Sequence[Any], path: Path | None, plugins: Plugins) -> Mapping[str, Any]:
    """Return the question's settings: the file's, completed by what the answers themselves show."""
    question = plugins.questions.get(kind)
    given = settings_shown(kind, values) if path is None else read_object(path, "the question's settings")
    try:
        return given if question is None else spec_of(question, given, values)
    except BadInput as error:
        if path is not None:
            raise
        expected = f"a file with the settings of a question of the kind {kind} ({error})"
        raise bad_field("spec", expected=expected, found="none") from error


def settings_shown(kind: str, values: Sequence[Any]) -> dict[str, Any]:
    """Return settings under which all answers are some: options and scales as far as they were used."""
    shown: dict[str, Any] = {}
    if kind in WITH_OPTIONS:
        options = sorted({str(one) for value in values if isinstance(value, list) for one in value})
        shown |= {"options": options if len(options) > 1 else [*options, "(another)"]}
        shown |= {"min_chosen": 0} if kind == "choices" else {"min_ranked": 1}
    if kind == "rating" and all(isinstance(value, int) for value in values):
        shown |= {"low": min(*values, 1), "high": max(*values, 2)}
    return shown | {"tie": True} if kind == "pairwise" else shown


def range_of(voices: Voices, asked: Asked) -> dict[str, float]:
    """Return the range that the answers span: what a difference of numbers is a share of."""
    levels = levels_of(voices, asked)
    low, high = (0.0, 1.0) if levels is None else (float(levels.min()), float(levels.max()))
    # Not one more: above 10¹⁶ that is the same number.
    return {"min": low, "max": high if high > low else low + max(abs(low), 1.0)}


def canonical(names: Sequence[str], kind: str, settings: Mapping[str, Any], plugins: Plugins) -> list[str]:
    """Return labels as the question keeps its answers; BadInput, naming it, for one that is no answer."""
    question = plugins.questions.get(kind)
    if question is None:
        return list(names)
    field = question.fields(settings)[0]
    kept = []
    for name in names:
        try:
            kept.append(as_text(question.check_answer(settings, {field: json.loads(name)})[field]))
        except BadInput as error:
            expected = f"an answer to a question of the kind {kind} ({error})"
            raise bad_field("label", expected=expected, found=name) from error
    return kept


def _show(found: Mapping[str, Any], out: Path | None, *, as_json: bool) -> None:
    if found["repeats"]:
        say(f"{found['repeats']} answers repeat a worker's answer to the same task: nobody is compared with himself.")
    if as_json:
        put(found)
        return
    alpha = found["alpha"]
    shown: dict[str, object] = {
        name: found[name] for name in ("metric", "tasks", "workers", "answers", "tasks_compared", "agreement")
    }
    if alpha is not None:
        shown["alpha"] = f"{alpha['value']:.3f} (95%: {alpha['low']:.3f} to {alpha['high']:.3f})"
    else:
        shown["alpha"] = None
    if found["metric"] in ("nominal", "ordinal"):
        shown["fleiss_kappa"] = found["fleiss_kappa"]
    show_pairs({**shown, "seconds": found["seconds"]})
    if alpha is None:
        say("Alpha is not defined here: it needs two answers to a task, and answers that differ somewhere.")
    _show_parts(found)
    if out is not None:
        typer.echo(f"All of it written to {out}")


def _show_parts(found: Mapping[str, Any]) -> None:
    if found["by_class"]:
        show_table(found["by_class"][:SHOWN], title="\nClasses, the most frequent first")
    apart = [row for row in found["confusion"] if row["true"] != row["said"]][:SHOWN]
    if apart:
        show_table(apart, title="\nWhat is taken for what")
    compared = [row for row in found["by_item"] if row["agreement"] is not None]
    least = sorted(compared, key=lambda row: (row["agreement"], -row["answers"]))[:SHOWN]
    if least:
        show_table(least, title="\nItems with least agreement")
    rows = [row for row in found["by_worker"] if row["skill"] is not None]
    columns = ["worker", "answers", "agreement", "skill", "low", "high"]
    if any(row["p"] is not None for row in rows):
        columns += ["before", "recent", "p", "drifted"]
    weak = sorted(rows, key=lambda row: row["high"])[:SHOWN]
    if weak:
        show_table([{name: row[name] for name in columns} for row in weak], title="\nWorkers, the weakest first")
    drifted = [row["worker"] for row in found["by_worker"] if row["drifted"]]
    if drifted:
        say(f"Got worse lately: {', '.join(drifted[:SHOWN])}" + (" …" if len(drifted) > SHOWN else "") + ".")
    if found["by_pair"]:
        show_table(found["by_pair"][:SHOWN], title="\nPairs of workers, those with most in common first")
