"""One measure in a process of its own: `fit WHO MODEL ANSWERS BEST`, or `file MODEL PATH` by crowd-kit."""

import json
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from benchmarks.inference.crowd import simulate
from crowd_hitl.domain.ports import Aggregator
from crowd_hitl.plugins.finding import find_one

CROWD_KIT = {
    "majority_vote": "MajorityVote",
    "dawid_skene": "DawidSkene",
    "one_coin_dawid_skene": "OneCoinDawidSkene",
    "mace": "MACE",
    "glad": "GLAD",
}
NAMES = ("task", "worker", "label")


def fit(who: str, model: str, answers: int, best: float) -> dict[str, Any]:
    """Fit a model to codes (crowd-kit also to text); CPU seconds and the memory that it took beside the answers."""
    table = simulate(answers, best=best)
    if who == "ours":
        aggregator = cast(Aggregator, find_one("aggregators", model))
        aggregator.aggregate(simulate(1_000), seed=0)  # what is imported late is start-up, measured from a file
        run: Callable[[], Any] = partial(aggregator.aggregate, table, seed=0)
    else:
        columns = (table.tasks, table.workers, table.labels)
        if who == "crowd-kit from text":
            columns = tuple(names(codes) for codes in columns)
        frame = import_module("pandas").DataFrame(dict(zip(NAMES, columns, strict=True)))
        fitted = getattr(import_module("crowdkit.aggregation"), CROWD_KIT[model])()
        run = partial(fitted.fit, frame)
    before = _memory_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    started = time.process_time()
    found = run()
    seconds = time.process_time() - started
    return {
        "cpu_s": round(seconds, 3),
        "extra_mb": round(_memory_mb("VmHWM") - before),
        "iterations": len(getattr(found, "loss_history_", [])) or None,
    }


def names(codes: Any) -> Any:
    """Return codes as the text that a file would hold."""
    return import_module("pandas").Series(codes).astype(str)


def from_file(model: str, path: Path) -> None:
    """Do with crowd-kit what `crowd-hitl aggregate` does: a file in, a file of labels out."""
    pandas = import_module("pandas")
    frame = pandas.read_csv(path, dtype=str)
    found = getattr(import_module("crowdkit.aggregation"), CROWD_KIT[model])().fit_predict_proba(frame)
    labels = pandas.DataFrame({"label": found.idxmax(axis=1), "confidence": found.max(axis=1)})
    labels.to_csv(path.with_suffix(".crowdkit.out"))


def _memory_mb(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def main() -> None:
    """Do what the arguments say; print one JSON object for a fit."""
    warnings.simplefilter("ignore")
    what, *rest = sys.argv[1:]
    if what == "fit":
        who, model, answers, best = rest
        print(json.dumps(fit(who, model, int(answers), float(best))))
    else:
        from_file(rest[0], Path(rest[1]))


if __name__ == "__main__":
    main()
