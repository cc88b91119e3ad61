"""Spans of several people: cut into pieces, weighed, and joined again."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.ports import AnswerTable, Floats
from crowd_hitl.inference.answers import shares_of_agreement, vote_counts
from crowd_hitl.inference.matching import span_likeness
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled
from crowd_hitl.inference.tagging import Found, Marked, Span, find_spans, without_overlap


def by_majority(table: AnswerTable) -> tuple[Floats, Floats]:
    votes = vote_counts(table)
    posteriors = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1.0)
    return posteriors, shares_of_agreement(table, posteriors)


def spans_of(*answers: list[Span]) -> list[Span]:
    marked = [Marked(0, worker, spans) for worker, spans in enumerate(answers)]
    found = find_spans(marked, {}, n_labels=3, n_workers=len(answers), fit=by_majority)
    return [one.span for one in found.get(0, [])]


def test_what_most_marked_is_found_with_their_borders() -> None:
    assert spans_of([(0, 4, 0), (9, 12, 1)], [(0, 4, 0)], [(1, 4, 0), (9, 12, 1)]) == [(0, 4, 0), (9, 12, 1)]


def test_neighbours_of_one_label_stay_two() -> None:
    assert spans_of([(0, 4, 0), (4, 8, 0)], [(0, 4, 0), (4, 8, 0)], [(0, 8, 0)]) == [(0, 4, 0), (4, 8, 0)]
    assert spans_of([(0, 4, 0), (4, 8, 0)], [(0, 8, 0)], [(0, 8, 0)]) == [(0, 8, 0)]


def test_a_piece_that_goes_on_after_nothing_begins_a_span() -> None:
    assert spans_of([(0, 8, 0)], [(0, 8, 0)], [(4, 8, 1)], [(4, 8, 1)], [(4, 8, 1)]) == [(4, 8, 1)]


def test_nothing_is_marked_where_the_votes_are_level() -> None:
    assert spans_of([(0, 4, 0)], []) == []


def test_gold_teaches_who_marks_right() -> None:
    answers = [Marked(task, worker, [(0, 4, 0)] if worker == 0 else []) for task in range(9) for worker in range(3)]

    def fit(table: AnswerTable) -> tuple[Floats, Floats]:
        return fit_pooled(table, PooledSettings())

    found = find_spans(answers, {task: [(0, 4, 0)] for task in range(8)}, n_labels=1, n_workers=3, fit=fit)

    assert [one.span for one in found[8]] == [(0, 4, 0)]


def test_of_spans_that_overlap_the_likelier_is_kept() -> None:
    found = [Found((0, 5, 0), 0.6), Found((3, 9, 1), 0.9), Found((9, 12, 0), 0.5)]

    assert [one.span for one in without_overlap(found)] == [(3, 9, 1), (9, 12, 0)]


SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.integers(0, 2)), max_size=5).map(
    lambda parts: sorted({(start, start + size, label) for start, size, label in parts})
)


def side_by_side(spans: list[Span]) -> bool:
    return all(one[1] <= other[0] for one, other in pairwise(spans))


@given(SPANS.filter(side_by_side))
def test_one_answer_comes_back_as_it_was(spans: list[Span]) -> None:
    assert spans_of(spans) == spans


@given(SPANS, SPANS)
def test_likeness_is_one_for_equal_and_nought_for_strangers(one: list[Span], other: list[Span]) -> None:
    assert span_likeness(one, one) == 1
    assert 0 <= span_likeness(one, other) == span_likeness(other, one) <= 1
    far = [(start + 1000, end + 1000, label) for start, end, label in other]
    assert span_likeness(one, far) == float(not one and not far)


def test_half_a_span_counts_half() -> None:
    assert span_likeness([(0, 4, 0)], [(0, 8, 0)]) == 0.5
    assert span_likeness([(0, 4, 0)], [(0, 4, 1)]) == 0.0
    assert span_likeness([(0, 4, 0)], [(0, 4, 0), (6, 8, 0)]) == 2 / 3
