"""Passages that several people marked in one text become one set of passages.

Every place where anybody's span starts or ends cuts the text; between two cuts all of an answer is of one label, or of
none. These atoms take the part of tokens: nothing of the text itself is needed, and no cut falls inside one. Each atom
is a small task whose class a model of categories finds (Dawid–Skene, or the majority). Whether an atom begins a span or
goes on with the one before it (B or I) is then voted on by those who gave it that label; an I that follows nothing of
its label begins a span, so that tags are always those of whole spans.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.ports import AnswerTable

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]
# (start, end, code of the label)
Span = tuple[int, int, int]
Fit = Callable[[AnswerTable], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Marked:
    """One answer: its task and worker, and its spans in order."""

    task: int
    worker: int
    spans: Sequence[Span]


@dataclass(frozen=True)
class Atoms:
    """All atoms of all tasks, side by side: atom i of task t is `first[t] + i` and lies between two of its cuts."""

    cuts: Mapping[int, Longs]
    first: Mapping[int, int]
    count: int


@dataclass(frozen=True)
class Found:
    """A span that was found, and the mean probability of its atoms."""

    span: Span
    chance: float


def cut(answers: Sequence[Marked], gold: Mapping[int, Sequence[Span]]) -> Atoms:
    """Cut every task's text where anybody's span starts or ends."""
    places: dict[int, set[int]] = {}
    for answer in answers:
        places.setdefault(answer.task, set()).update(edge for span in answer.spans for edge in span[:2])
    for task, spans in gold.items():
        places.setdefault(task, set()).update(edge for span in spans for edge in span[:2])
    cuts, first, count = {}, {}, 0
    for task in sorted(places):
        cuts[task] = np.array(sorted(places[task]), dtype=np.int64)
        first[task] = count
        count += max(len(cuts[task]) - 1, 0)
    return Atoms(cuts=cuts, first=first, count=count)


def tags(spans: Sequence[Span], cuts: Longs) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the label of every atom (0: none, else the code + 1), and whether a span begins with it."""
    size = max(len(cuts) - 1, 0)
    labels, begins = np.zeros(size, dtype=np.int32), np.zeros(size, dtype=bool)
    for start, end, label in spans:
        low, high = np.searchsorted(cuts, (start, end))
        labels[low:high] = label + 1
        begins[low + 1 : high] = False
        begins[low] = True
    return labels, begins


def find_spans(
    answers: Sequence[Marked], gold: Mapping[int, Sequence[Span]], *, n_labels: int, n_workers: int, fit: Fit
) -> dict[int, list[Found]]:
    """Return every task's spans, in order, none of which overlap. `fit` finds the class of each atom."""
    atoms = cut(answers, gold)
    if not atoms.count:
        return {answer.task: [] for answer in answers}
    table, begins = laid_out(answers, gold, atoms, n_labels=n_labels, n_workers=n_workers)
    posteriors, skills = fit(table)
    # No label wins when level with another: the first class is "none".
    chosen = (posteriors >= posteriors.max(axis=1, keepdims=True) - 1e-9).argmax(axis=1)
    starts = begin_votes(table, begins, chosen, skills)
    chances = posteriors[np.arange(atoms.count), chosen]
    found = {}
    for task, cuts in atoms.cuts.items():
        since = atoms.first[task]
        found[task] = read_off(cuts, chosen[since:], starts[since:], chances[since:])
    return found


def laid_out(
    answers: Sequence[Marked], gold: Mapping[int, Sequence[Span]], atoms: Atoms, *, n_labels: int, n_workers: int
) -> tuple[AnswerTable, NDArray[np.bool_]]:
    """Return every answer's say on every atom of its task, and whether a span begins there."""
    rows, workers, labels, begins = [], [], [], []
    for answer in answers:
        label, begin = tags(answer.spans, atoms.cuts[answer.task])
        rows.append(atoms.first[answer.task] + np.arange(len(label), dtype=np.int32))
        workers.append(np.full(len(label), answer.worker, dtype=np.int32))
        labels.append(label)
        begins.append(begin)
    known = np.full(atoms.count, -1, dtype=np.int32)
    for task, spans in gold.items():
        label, _ = tags(spans, atoms.cuts[task])
        known[atoms.first[task] : atoms.first[task] + len(label)] = label
    table = AnswerTable(
        tasks=np.concatenate(rows).astype(np.int32) if rows else np.zeros(0, dtype=np.int32),
        workers=np.concatenate(workers) if rows else np.zeros(0, dtype=np.int32),
        labels=np.concatenate(labels) if rows else np.zeros(0, dtype=np.int32),
        n_tasks=atoms.count,
        n_workers=n_workers,
        n_labels=n_labels + 1,
        gold=known if gold else None,
    )
    return table, np.concatenate(begins) if rows else np.zeros(0, dtype=bool)


def begin_votes(table: AnswerTable, begins: NDArray[np.bool_], chosen: Longs, skills: Floats) -> NDArray[np.bool_]:
    """Say of each atom whether most of those who gave it its label begin a span there; yes when level."""
    weights = skills[table.workers] * (table.labels == chosen[table.tasks])
    yes = np.bincount(table.tasks, weights=weights * begins, minlength=table.n_tasks)
    no = np.bincount(table.tasks, weights=weights * ~begins, minlength=table.n_tasks)
    return np.asarray(yes >= no - 1e-9, dtype=bool)


def read_off(cuts: Longs, chosen: Longs, starts: NDArray[np.bool_], chances: Floats) -> list[Found]:
    """Join a task's atoms to spans."""
    found: list[Found] = []
    since, total = 0, 0.0
    for place in range(len(cuts) - 1):
        label = int(chosen[place])
        goes_on = place > since and label == chosen[place - 1] and not starts[place]
        if not goes_on:
            since, total = place, 0.0
        total += float(chances[place])
        if label:
            span = (int(cuts[since]), int(cuts[place + 1]), label - 1)
            if goes_on:
                found.pop()
            found.append(Found(span=span, chance=total / (place - since + 1)))
    return found


def without_overlap(found: Sequence[Found]) -> list[Found]:
    """Keep, of spans that overlap, the more likely one."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda each: (-round(each.chance, 9), each.span)):
        if all(one.span[1] <= other.span[0] or other.span[1] <= one.span[0] for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda each: each.span)
