"""Made-up open answers for tests: hypothesis strategies of valid ones, and crowds that draw around a truth."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from hypothesis import strategies as st

from crowd_hitl.domain.ports import Fuser, Question, ValueTable
from crowd_hitl.inference.runs import packed
from crowd_hitl.plugins.finding import find

QUESTIONS = find("questions")
FUSERS = find("fusers")
SPECS: dict[str, dict[str, Any]] = {
    "text": {"prompt": "?", "max_length": 40},
    "transcription": {"prompt": "?", "allow_empty": True},
    "spans": {"prompt": "?", "labels": ["A", "B"]},
    "boxes": {"prompt": "?", "labels": ["A", "B"]},
    "polygons": {"prompt": "?", "labels": ["A", "B"], "unit": "percent"},
    "masks": {"prompt": "?", "labels": ["A", "B"]},
}
PAIRS = sorted((kind, name) for name, fuser in FUSERS.items() for kind in cast(Fuser, fuser).kinds if kind in SPECS)
LABEL = st.sampled_from(["A", "B"])
SMALL = st.integers(0, 8)


def question(kind: str) -> Question:
    return cast(Question, QUESTIONS[kind])


def fuser(name: str) -> Fuser:
    return cast(Fuser, FUSERS[name])


def spec_of(kind: str, **settings: Any) -> dict[str, Any]:
    return question(kind).check_spec({**SPECS[kind], **settings})


def canonical(kind: str, value: object, spec: dict[str, Any] | None = None) -> Any:
    spec = spec or spec_of(kind)
    field = question(kind).fields(spec)[0]
    return question(kind).check_answer(spec, {field: value})[field]


def a_span(parts: tuple[int, int, str]) -> dict[str, Any]:
    return {"start": parts[0], "end": parts[0] + 1 + parts[1], "label": parts[2]}


def side_by_side(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    for span in spans:
        if all(span["end"] <= one["start"] or one["end"] <= span["start"] for one in kept):
            kept.append(span)
    return kept


def a_box(parts: tuple[int, int, int, int, str]) -> dict[str, Any]:
    x, y, width, height, label = parts
    return {"x": x / 20, "y": y / 20, "width": (width + 1) / 20, "height": (height + 1) / 20, "label": label}


def an_outline(parts: tuple[int, int, list[int], str]) -> dict[str, Any]:
    """A star around a point, so that it never crosses itself."""
    x, y, radii, label = parts
    turns = np.arange(len(radii)) / len(radii) * 2 * np.pi
    reach = np.array(radii) + 1.0
    points = np.stack([40 + x + reach * np.cos(turns), 40 + y + reach * np.sin(turns)], axis=1)
    return {"points": points.tolist(), "label": label}


def a_mask(bits: list[bool], label: str, *, height: int = 4) -> dict[str, Any]:
    counts, on = [0], False
    for bit in bits:
        if bit != on:
            counts.append(0)
            on = bit
        counts[-1] += 1
    return {"size": [height, len(bits) // height], "counts": packed(counts), "label": label}


def unlike(marks: list[Any]) -> list[Any]:
    return [mark for place, mark in enumerate(marks) if mark not in marks[:place]]


def masks_of(painted: dict[str, list[bool]]) -> list[dict[str, Any]]:
    return [a_mask(bits, label) for label, bits in painted.items()]


WORDS = st.lists(st.sampled_from(["ab", "Ab.", "cd", "—", "efg", "é"]), min_size=1, max_size=6).map(" ".join)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": WORDS,
    "transcription": WORDS | st.just(""),
    "spans": st.lists(st.tuples(SMALL, SMALL, LABEL).map(a_span), max_size=4).map(side_by_side),
    "boxes": st.lists(st.tuples(SMALL, SMALL, SMALL, SMALL, LABEL).map(a_box), max_size=3).map(unlike),
    "polygons": st.lists(
        st.tuples(SMALL, SMALL, st.lists(SMALL, min_size=3, max_size=7), LABEL).map(an_outline), max_size=2
    ).map(unlike),
    "masks": st.dictionaries(LABEL, st.lists(st.booleans(), min_size=12, max_size=12), max_size=2).map(masks_of),
}


def table_of(rows: Sequence[tuple[int, int, Any]], *, tasks: int, workers: int, spec: dict[str, Any]) -> ValueTable:
    """Rows of task, worker and value."""
    return ValueTable(
        tasks=np.array([row[0] for row in rows], dtype=np.int32),
        workers=np.array([row[1] for row in rows], dtype=np.int32),
        values=[row[2] for row in rows],
        n_tasks=tasks,
        n_workers=workers,
        spec=spec,
    )


def a_truth(kind: str, seed: int) -> Callable[[np.random.Generator, float], Any]:
    """Make a truth, and return what gives one worker's version of it."""
    fixed = np.random.default_rng(seed)
    texts = [f"word{n}" for n in fixed.integers(0, 50, 12)]
    starts = np.cumsum(fixed.integers(8, 20, 4))
    corners = np.unique(fixed.integers(0, 4, (3, 2)) * 20 + 5, axis=0)
    radii = fixed.uniform(6, 9, 8)
    shape = np.zeros((12, 12), dtype=bool)
    shape[3:9, 2:7] = True

    def text(chance: np.random.Generator, noise: float) -> str:
        return " ".join("wrong" if chance.random() < noise else word for word in texts) + "."

    def spans(chance: np.random.Generator, noise: float) -> list[dict[str, Any]]:
        moved = starts + (chance.random(4) < noise)
        labels = np.arange(4) + (chance.random(4) < noise)
        made = [a_span((int(start), 4, "AB"[label % 2])) for start, label in zip(moved, labels, strict=True)]
        return [span for span in made if chance.random() >= noise]

    def boxes(chance: np.random.Generator, noise: float) -> list[dict[str, Any]]:
        places = corners / 100 + chance.normal(0, noise / 20, corners.shape).clip(-0.05, 0.05)
        labels = ["AB"[int(chance.random() < noise)] for _ in places]
        made = [
            {"x": x, "y": y, "width": 0.12, "height": 0.1, "label": label}
            for (x, y), label in zip(places.tolist(), labels, strict=True)
        ]
        return [box for box in made if chance.random() >= noise]

    def polygons(chance: np.random.Generator, noise: float) -> list[dict[str, Any]]:
        turns = np.arange(8) / 8 * 2 * np.pi
        found = []
        for x, y in corners:
            reach = radii * (1 + chance.normal(0, noise, 8).clip(-0.5, 0.5))
            points = np.stack([x + 10 + reach * np.cos(turns), y + 10 + reach * np.sin(turns)], axis=1)
            found.append({"points": points.tolist(), "label": "A"})
        return found

    def masks(chance: np.random.Generator, noise: float) -> list[dict[str, Any]]:
        bits = shape ^ (chance.random(shape.shape) < noise)
        return [a_mask(bits.T.ravel().tolist(), "A", height=12)]

    made: dict[str, Callable[[np.random.Generator, float], Any]] = {
        "text": text,
        "transcription": text,
        "spans": spans,
        "boxes": boxes,
        "polygons": polygons,
        "masks": masks,
    }
    return made[kind]
