"""`crowd-hitl calibration`: whether a confidence means what it says, and what gold makes of it; without a database."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from crowd_hitl.cli.aggregate import aggregator_named
from crowd_hitl.cli.answer_files import read_answers, read_truth
from crowd_hitl.cli.frame import AsJson, DataFolder, put
from crowd_hitl.cli.tables import progress_bar, show_table
from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.inference.calibrating import (
    FEWEST_GOLD,
    GOLD_FREE,
    Calibration,
    Reliability,
    calibrate,
    fit_calibration,
)
from crowd_hitl.inference.judging import judge, judged_by_others
from crowd_hitl.inference.pooled import PooledSettings


def calibration(
    answers: Annotated[Path, typer.Argument(help="A file with the columns task,worker,label, as for aggregate.")],
    truth: Annotated[Path, typer.Option(help="A file with the columns task,label: the gold.")],
    method: Annotated[str, typer.Option(help="Which aggregator: pooled, dawid-skene …")] = "pooled",
    threshold: Annotated[float, typer.Option(help="Also count the labels claimed at or above it.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Deals the gold into five parts: each is judged by the others.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare the confidence of labels with how often they are right: raw, without gold, and fitted to the gold."""
    if not 0 < threshold <= 1:
        raise bad_field("threshold", expected="above 0, at most 1", found=threshold)
    aggregator = aggregator_named(method)
    with progress_bar() as bar:
        step = bar.add_task("Reading", total=3)
        file = read_answers(answers)
        known = read_truth(truth, file)
        if not np.any(known != -1):
            raise BadInput(f"{truth} knows none of the tasks in {answers}: its task column must name the same tasks.")
        bar.update(step, description="Weighing", advance=1)
        posteriors = aggregator.aggregate(file.table, seed=seed).posteriors
        bar.update(step, description="Fitting", advance=1)
        given = np.bincount(file.table.tasks, minlength=file.table.n_tasks)
        # `pooled` softens its posteriors itself; others leave them as EM does.
        softened = PooledSettings().temperature if aggregator.name == "pooled" else 1.0
        fitted = fit_calibration(posteriors, given, known, softened=softened)
        tried = {"raw": posteriors, "gold_free": calibrate(posteriors, given, GOLD_FREE, softened=softened)}
        if fitted.gold >= FEWEST_GOLD:
            tried["fitted"] = judged_by_others(posteriors, given, known, softened=softened, seed=seed)
    found = {name: judge(shares, known, threshold=threshold) for name, shares in tried.items()}
    _show(found, fitted, method=method, as_json=as_json)


def _show(found: Mapping[str, Reliability], fitted: Calibration, *, method: str, as_json: bool) -> None:
    if as_json:
        put({"method": method, "calibration": asdict(fitted), **{name: asdict(one) for name, one in found.items()}})
        return
    show_table(
        [
            {
                "confidence": name.replace("_", "-"),
                "ece": one.ece,
                f"claimed ≥ {one.threshold:g}": one.claimed,
                "of those right": one.kept,
            }
            for name, one in found.items()
        ],
        title=f"{method}: {fitted.gold} gold labels",
    )
    best = list(found)[-1]
    bins = [asdict(replace(one, confidence=round(one.confidence, 4))) for one in found[best].bins]
    show_table(bins, title=f"\nReliability of '{best.replace('_', '-')}'")
    if fitted.gold < FEWEST_GOLD:
        typer.echo(f"\n{FEWEST_GOLD} gold labels are needed to fit; until then confidence is the gold-free one.")
        return
    said = f"temperature {fitted.base:.2f} · (answers + 2)^¼, {fitted.mixing:.0%} mixed with uniform"
    typer.echo(f"\nFitted to all {fitted.gold} gold labels: {said}.")
