"""Boxes and outlines: exact overlaps, who marked the same thing, and one shape for several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.inference.outlines import canonical_points, doubled_area, is_simple
from crowd_hitl.inference.regions import Mark, Shapes, agreed, label_of, merged, things_of, weighted_median
from crowd_hitl.inference.scanning import Outline, fused_outline, polygon_overlap
from crowd_hitl.plugins.fusers import boxes

BOXES = Shapes(overlap=boxes.overlap, merge=boxes.merge)


def mark(x: float, y: float, label: str = "car", *, side: float = 10.0) -> Mark:
    return Mark(shape=(x, y, x + side, y + side), label=label)


def found(*answers: list[Mark], weights: list[float] | None = None) -> list[tuple[tuple[float, ...], str]]:
    given_weights = np.array(weights or [1.0] * len(answers))
    things = things_of(answers, given_weights, np.zeros((len(answers), len(answers))), BOXES)
    kept = agreed(things, total=float(given_weights.sum()), least=0, most=9)
    return sorted((merged(thing, BOXES), label_of(thing)) for thing in kept)


def test_boxes_of_one_thing_become_one_whose_sides_are_the_medians() -> None:
    assert found([mark(0, 0)], [mark(1, 0)], [mark(3, 1)]) == [((1, 0, 11, 10), "car")]


def test_what_too_few_drew_is_dropped() -> None:
    assert found([mark(0, 0), mark(50, 50)], [mark(0, 0)], [mark(0, 1)]) == [((0, 0, 10, 10), "car")]
    assert found([mark(0, 0)], []) == []


def test_the_label_is_that_of_most_weight_and_shapes_of_other_labels_do_not_count() -> None:
    assert found([mark(0, 0)], [mark(1, 1)], [mark(3, 3, "bus")]) == [((0.5, 0.5, 10.5, 10.5), "car")]
    assert found([mark(0, 0)], [mark(1, 1)], [mark(2, 2, "bus")], weights=[1, 1, 5])[0][1] == "bus"


def test_two_things_beside_each_other_stay_two() -> None:
    row = [mark(0, 0), mark(6, 0), mark(12, 0)]
    shifted = [mark(1, 0), mark(7, 0), mark(13, 0)]

    assert len(found(row, shifted, row)) == 3


def test_the_median_is_weighted() -> None:
    values = np.array([3.0, 1.0, 2.0])

    assert weighted_median(values, np.ones(3)) == 2
    assert weighted_median(values, np.array([5.0, 1.0, 1.0])) == 3
    assert weighted_median(values[:2], np.ones(2)) == 2


def square(x: float, y: float, side: float = 10.0) -> Outline:
    return an_outline((x, y), (x + side, y), (x + side, y + side), (x, y + side))


def an_outline(*points: tuple[float, float]) -> Outline:
    return Outline(np.array(points, dtype=np.float64))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (square(0, 0), square(0, 0), 1.0),
        (square(0, 0), square(5, 0), 1 / 3),
        (square(0, 0), square(5, 5), 25 / 175),
        (square(0, 0), square(10, 0), 0.0),
        (square(0, 0), an_outline((0, 0), (10, 0), (0, 10)), 0.5),
        (square(0, 0), an_outline((0, 0), (10, 0), (5, 5), (10, 10), (0, 10)), 0.75),
        (square(0, 0, 0.001), square(0.0005, 0, 0.001), 1 / 3),
    ],
)
def test_overlaps_of_outlines_are_those_of_their_areas(
    one: Outline,
    other: Outline,
    expected: float,
) -> None:
    assert polygon_overlap(one, other) == pytest.approx(expected, abs=0.01)
    assert polygon_overlap(other, one) == pytest.approx(polygon_overlap(one, other))


def test_the_fused_outline_is_nearer_to_the_truth_than_those_that_were_drawn() -> None:
    chance = np.random.default_rng(3)
    turns = np.arange(24) / 24 * 2 * np.pi
    ring = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    truth = Outline(50 + 20 * ring)
    drawn = [Outline(50 + (20 + chance.normal(0, 3, (24, 1))) * ring) for _ in range(7)]

    outline = fused_outline(drawn, np.ones(7), digits=2)

    assert polygon_overlap(outline, truth) > max(polygon_overlap(one, truth) for one in drawn)


POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=6)


@given(POINTS)
def test_an_outline_has_one_form_wherever_it_starts_and_whichever_way_it_goes(points: list[tuple[int, int]]) -> None:
    given_points = np.array(points, dtype=np.int64)
    form = canonical_points(given_points)
    if doubled_area(form) == 0 or not is_simple(form):
        return

    for turned in (np.roll(given_points, 2, axis=0), given_points[::-1]):
        np.testing.assert_array_equal(canonical_points(turned), form)
    assert doubled_area(form) > 0


def crossing_by_pairs(points: list[tuple[int, int]]) -> bool:
    """Say by rational arithmetic whether two edges that are no neighbours share a point."""
    count = len(points)

    def side(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
        turned = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        return (turned > 0) - (turned < 0)

    def on(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> bool:
        inside = all(min(a[axis], b[axis]) <= c[axis] <= max(a[axis], b[axis]) for axis in (0, 1))
        return side(a, b, c) == 0 and inside

    for i in range(count):
        for j in range(i + 2, count):
            if i == 0 and j == count - 1:
                continue
            a, b, c, d = points[i], points[(i + 1) % count], points[j], points[(j + 1) % count]
            if side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0:
                return True
            if on(a, b, c) or on(a, b, d) or on(c, d, a) or on(c, d, b):
                return True
    return False


@given(POINTS.filter(lambda points: len(set(points)) == len(points)))
def test_simple_means_that_no_two_edges_share_a_point(points: list[tuple[int, int]]) -> None:
    if crossing_by_pairs(points):
        assert not is_simple(np.array(points, dtype=np.int64))
    elif len(points) > 3:
        corners = np.array(points, dtype=np.int64)
        along = np.roll(corners, -1, axis=0) - corners
        after = np.roll(along, -1, axis=0)
        flat = along[:, 0] * after[:, 1] == along[:, 1] * after[:, 0]
        assert is_simple(corners) == (not (flat & ((along * after).sum(axis=1) < 0)).any())
