"""F1 of fused spans, exact and by token: Dawid–Skene on pieces against the majority."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from benchmarks.open_answers.reading import Crowd, calibration_error, read_crowd
from crowd_hitl.plugins.finding import find

Spans = Sequence[dict[str, Any]]


def measure_spans(folder: Path) -> Iterator[dict[str, Any]]:
    crowd = read_crowd(folder, parse=parsed, spec={"unit": "tokens"})
    fusers: dict[str, Any] = find("fusers")
    yield {"method": "one answer", **first_answers(crowd)}
    for name in ("spans_majority", "spans"):
        started = process_time()
        found = fusers[name].fuse(crowd.table, seed=0)
        seconds = process_time() - started
        pairs = zip(found.values, crowd.truth, strict=True)
        quality = np.array([1 - fusers[name].distance(value, truth, spec={}) for value, truth in pairs])
        yield {
            "method": name,
            "tasks": len(crowd.tasks),
            "answers": len(crowd.table.values),
            **scores(found.values, crowd.truth),
            "cpu_seconds": round(seconds, 2),
            "confidence": round(float(found.confidences.mean()), 4),
            "likeness": round(float(quality.mean()), 4),
            "calibration_error": round(calibration_error(found.confidences, quality), 4),
        }


def parsed(cell: str) -> list[dict[str, Any]]:
    return [{"start": start, "end": end, "label": label} for start, end, label in json.loads(cell)]


def first_answers(crowd: Crowd) -> dict[str, float]:
    first: dict[int, Spans] = {}
    for task, value in zip(crowd.table.tasks.tolist(), crowd.table.values, strict=True):
        first.setdefault(task, value)
    return scores([first[task] for task in range(len(crowd.tasks))], crowd.truth)


def scores(found: Sequence[Spans], truth: Sequence[Spans]) -> dict[str, float]:
    """Precision, recall and F1 over all tasks together: of whole spans, and of tokens with their labels."""
    exact = shares([as_set(one) for one in found], [as_set(one) for one in truth])
    by_token = shares([tokens(one) for one in found], [tokens(one) for one in truth])
    return {f"exact_{name}": value for name, value in exact.items()} | {
        f"token_{name}": value for name, value in by_token.items()
    }


def as_set(spans: Spans) -> set[Any]:
    return {(span["start"], span["end"], span["label"]) for span in spans}


def tokens(spans: Spans) -> set[Any]:
    return {(place, span["label"]) for span in spans for place in range(span["start"], span["end"])}


def shares(found: Sequence[set[Any]], truth: Sequence[set[Any]]) -> dict[str, float]:
    both = sum(len(one & other) for one, other in zip(found, truth, strict=True))
    given, known = sum(map(len, found)), sum(map(len, truth))
    return {
        "f1": round(2 * both / max(given + known, 1), 4),
        "precision": round(both / max(given, 1), 4),
        "recall": round(both / max(known, 1), 4),
    }
