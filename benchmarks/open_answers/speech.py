"""Word error rates of transcriptions: one answer, the medoid, ours, and crowd-kit's ROVER on the same words."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import numpy as np

from benchmarks.open_answers.reading import Crowd, calibration_error, read_crowd, rows_of
from crowd_hitl.inference.crowdkit import quiet
from crowd_hitl.inference.words import Normalisation, distance, edits, keys_of
from crowd_hitl.plugins.finding import find

RULE = Normalisation()
SPEC: dict[str, Any] = {"ignore": ["case", "punctuation"]}


def measure_speech(folder: Path, *, recordings: int, seed: int, crowdkit: bool) -> Iterator[dict[str, Any]]:
    """Case and punctuation are not compared, in any of them."""
    tasks = sorted({task for task, _ in rows_of(folder / "truth.csv.gz")})
    Random(seed).shuffle(tasks)
    crowd = read_crowd(folder, parse=str, spec=SPEC, only=tasks[:recordings])
    fusers: dict[str, Any] = find("fusers")
    yield scored("one answer", crowd, lambda: first_answers(crowd))
    for name in ("medoid", "transcription"):
        yield fused(name, crowd, fusers[name])
    if crowdkit:
        yield scored("crowd-kit ROVER", crowd, lambda: crowd_kits(crowd))


def fused(name: str, crowd: Crowd, fuser: Any) -> dict[str, Any]:
    kept: list[Any] = []

    def texts() -> Sequence[str]:
        kept.append(fuser.fuse(crowd.table, seed=0))
        values: Sequence[str] = kept[0].values
        return values

    figures = scored(name, crowd, texts)
    pairs = zip(kept[0].values, crowd.truth, strict=True)
    quality = np.array([1 - distance(keys_of(text, RULE), keys_of(truth, RULE)) for text, truth in pairs])
    confidences = kept[0].confidences
    return {
        **figures,
        "confidence": round(float(confidences.mean()), 4),
        "likeness": round(float(quality.mean()), 4),
        "calibration_error": round(calibration_error(confidences, quality), 4),
    }


def scored(name: str, crowd: Crowd, texts: Callable[[], Sequence[str]]) -> dict[str, Any]:
    started = process_time()
    found = [keys_of(text, RULE) for text in texts()]
    seconds = process_time() - started
    truth = [keys_of(text, RULE) for text in crowd.truth]
    changed = [edits(one, other) for one, other in zip(found, truth, strict=True)]
    rates = [count / max(len(one), 1) for count, one in zip(changed, truth, strict=True)]
    return {
        "method": name,
        "recordings": len(truth),
        "answers": len(crowd.table.values),
        "wer": round(sum(changed) / sum(map(len, truth)), 4),
        "wer_mean": round(float(np.mean(rates)), 4),
        "exact": round(float(np.mean([one == other for one, other in zip(found, truth, strict=True)])), 4),
        "cpu_seconds": round(seconds, 2),
    }


def first_answers(crowd: Crowd) -> Sequence[str]:
    first: dict[int, str] = {}
    for task, value in zip(crowd.table.tasks.tolist(), crowd.table.values, strict=True):
        first.setdefault(task, value)
    return [first[task] for task in range(len(crowd.tasks))]


def crowd_kits(crowd: Crowd) -> Sequence[str]:
    pandas = import_module("pandas")
    rover = import_module("crowdkit.aggregation").ROVER
    frame = pandas.DataFrame({"task": crowd.table.tasks, "worker": crowd.table.workers, "text": crowd.table.values})
    with quiet():
        found = rover(lambda text: list(keys_of(text, RULE)), " ".join).fit_predict(frame)
    return [found[task] for task in range(len(crowd.tasks))]
