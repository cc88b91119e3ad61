"""Marked passages become one set of passages, by Dawid–Skene on the pieces between all starts and ends."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crowd_hitl.domain.ports import AnswerTable, Floats, Fused, ValueTable
from crowd_hitl.inference.answers import check_values, shares_of_agreement, vote_counts
from crowd_hitl.inference.fusing import Weighing, by_task, in_order, judge_values
from crowd_hitl.inference.matching import span_likeness
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled
from crowd_hitl.inference.tagging import Fit, Found, Marked, Span, find_spans, without_overlap

# Above so many numbers the labels are weighed one by one: together they would not fit into memory.
LARGEST_POSTERIORS = 20_000_000
MOST_SPANS = 5_000
MOST_COMPARED = 64


def by_dawid_skene(table: AnswerTable) -> tuple[Floats, Floats]:
    """Find the classes by the pooled Dawid–Skene."""
    return fit_pooled(table, PooledSettings())


def by_majority(table: AnswerTable) -> tuple[Floats, Floats]:
    """Find the classes by counting votes."""
    votes = vote_counts(table)
    posteriors = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    return posteriors, shares_of_agreement(table, posteriors)


class SpansFuser:
    """Weighs spans piece by piece; where they may overlap, each label by itself."""

    right_within = 0.25
    reads_contents = False

    def __init__(self, name: str, fit: Fit) -> None:
        self.name = name
        self.kinds: Sequence[str] = ("spans",)
        self.fit = fit

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Return spans for each task. Where the votes are level, nothing is marked; the seed is not used."""
        check_values(answers)
        codes = codes_of(answers)
        weighing = Weighing(
            prepare=lambda spans: as_tuples(spans, codes),
            distance=lambda one, other: 1.0 - span_likeness(one, other),
            combine=lambda *_: [],
        )
        rows = in_order(answers)
        marked = [
            Marked(int(answers.tasks[row]), int(answers.workers[row]), as_tuples(answers.values[row], codes))
            for row in rows
        ]
        gold = {task: as_tuples(spans, codes) for task, spans in (answers.gold or {}).items()}
        found = self.found(marked, gold, answers, codes)
        names = list(codes)
        values = {task: as_spans(bounded(spans, answers.spec), names) for task, spans in found.items()}
        scarce = too_few(values, answers.spec)
        if scarce:
            values |= nearest(answers, scarce, codes)
        return judge_values(answers, values, weighing)

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return 1 − F1 of the two sets, spans of one label matched by how far they overlap."""
        codes = {label: code for code, label in enumerate(sorted({span["label"] for span in [*one, *other]}))}
        return 1.0 - span_likeness(as_tuples(one, codes), as_tuples(other, codes))

    def found(
        self,
        marked: Sequence[Marked],
        gold: Mapping[int, Sequence[Span]],
        answers: ValueTable,
        codes: Mapping[str, int],
    ) -> dict[int, list[Found]]:
        """Find the spans, all labels together where they exclude each other and fit into memory."""
        cuts = 2 * sum(len(one.spans) for one in marked)
        overlap = bool(answers.spec.get("overlap", False))
        if not overlap and cuts * (len(codes) + 1) <= LARGEST_POSTERIORS:
            return find_spans(marked, gold, n_labels=len(codes), n_workers=answers.n_workers, fit=self.fit)
        found: dict[int, list[Found]] = {one.task: [] for one in marked}
        for code in codes.values():
            only = [Marked(one.task, one.worker, of_label(one.spans, code)) for one in marked]
            known = {task: of_label(spans, code) for task, spans in gold.items()}
            one_label = find_spans(only, known, n_labels=1, n_workers=answers.n_workers, fit=self.fit)
            for task, spans in one_label.items():
                again = [Found((one.span[0], one.span[1], code), one.chance) for one in spans]
                found.setdefault(task, []).extend(again)
        return found if overlap else {task: without_overlap(spans) for task, spans in found.items()}


def codes_of(answers: ValueTable) -> dict[str, int]:
    """Number the labels that occur, by name."""
    values = [*answers.values, *(answers.gold or {}).values()]
    return {label: code for code, label in enumerate(sorted({span["label"] for spans in values for span in spans}))}


def as_tuples(spans: Sequence[Mapping[str, Any]], codes: Mapping[str, int]) -> list[Span]:
    """Return spans as (start, end, code), in order."""
    return sorted((span["start"], span["end"], codes[span["label"]]) for span in spans)


def of_label(spans: Sequence[Span], code: int) -> list[Span]:
    """Return the spans of one label, as if it were the only one."""
    return [(start, end, 0) for start, end, label in spans if label == code]


def as_spans(found: Sequence[Found], names: Sequence[str]) -> list[dict[str, Any]]:
    """Return spans as the question has them."""
    spans = [{"start": one.span[0], "end": one.span[1], "label": names[one.span[2]]} for one in found]
    return sorted(spans, key=lambda span: (span["start"], span["end"], span["label"]))


def bounded(found: Sequence[Found], spec: Mapping[str, Any]) -> list[Found]:
    """Keep no more spans than an answer may have, the likeliest."""
    most = spec.get("max_count", MOST_SPANS)
    return sorted(found, key=lambda one: (-round(one.chance, 9), one.span))[:most]


def too_few(values: Mapping[int, Sequence[Any]], spec: Mapping[str, Any]) -> list[int]:
    """List the tasks with fewer spans than an answer must have: people agreed on too little."""
    return [task for task, spans in values.items() if len(spans) < spec.get("min_count", 0)]


def nearest(answers: ValueTable, tasks: Sequence[int], codes: Mapping[str, int]) -> dict[int, Any]:
    """Return, of each of these tasks, the answer that agrees best with the others."""
    found = {}
    for rows in by_task(answers):
        task = int(answers.tasks[rows[0]])
        if task in tasks:
            given = [as_tuples(answers.values[row], codes) for row in rows[:MOST_COMPARED]]
            sums = [sum(span_likeness(one, other) for other in given) for one in given]
            found[task] = answers.values[rows[int(np.argmax(np.round(sums, 9)))]]
    return found


plugin = SpansFuser("spans", by_dawid_skene)
