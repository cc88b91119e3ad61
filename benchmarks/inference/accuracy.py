"""Accuracy of every model on folders of recorded answers that have a truth."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from crowd_hitl.cli.recorded import read_folder
from crowd_hitl.domain.errors import CrowdError
from crowd_hitl.domain.ports import Aggregator
from crowd_hitl.inference.ties import accuracy
from crowd_hitl.plugins.finding import find


def accuracies(folders: Path, models: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for every set: percent right, ties shared; what a model refuses is None."""
    known = cast(dict[str, Aggregator], find("aggregators"))
    for folder in sorted(path for path in folders.iterdir() if path.is_dir()):
        try:
            recorded = read_folder(folder)
        except CrowdError:
            continue  # it holds no classes
        if recorded.truth is None or not (recorded.truth != -1).any():
            continue
        row: dict[str, Any] = {"set": recorded.name, "answers": len(recorded.answers.table.tasks)}
        for model in models:
            try:
                consensus = known[model].aggregate(recorded.answers.table, seed=0)
                row[model] = round(100 * accuracy(consensus.posteriors, recorded.truth), 1)
            except CrowdError:
                row[model] = None
        yield row
