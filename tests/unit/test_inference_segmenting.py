"""Masks by their runs give what crowd-kit's segmentation models give by their pixels."""

from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from crowd_hitl.inference.crowdkit import quiet
from crowd_hitl.inference.runs import counts_of, edges_of, joined
from crowd_hitl.inference.segmenting import expectation, majority, reliability, weighted_majority
from crowd_hitl.inference.sweeps import area, outvoted, overlap, shared

Bools = NDArray[np.bool_]
MODELS = {
    "SegmentationMajorityVote": majority,
    "SegmentationEM": expectation,
    "SegmentationRASA": reliability,
}


def region_of(bits: Bools) -> NDArray[np.float64]:
    """The places where a mask's pixels, down the columns, turn on and off."""
    flat = bits.T.ravel()
    turns = np.flatnonzero(np.diff(flat.astype(int), prepend=0, append=0))
    return turns.astype(np.float64)


def bits_of(region: NDArray[np.float64], shape: tuple[int, int]) -> Bools:
    flat = np.zeros(shape[0] * shape[1], dtype=bool)
    for start, end in region.reshape(-1, 2).astype(int):
        flat[start:end] = True
    return flat.reshape(shape[1], shape[0]).T


def a_crowd(seed: int, *, answers: int, shape: tuple[int, int] = (24, 31)) -> list[Bools]:
    chance = np.random.default_rng(seed)
    truth = np.zeros(shape, dtype=bool)
    truth[4:18, 6:22] = True
    found = []
    for answer in range(answers):
        moved = np.roll(truth, tuple(chance.integers(-3, 4, 2)), axis=(0, 1))
        found.append(moved ^ (chance.random(shape) < 0.03 * (answer + 1)))
    return found


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("answers", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(4))
def test_runs_give_crowd_kits_pixels(model: str, answers: int, seed: int) -> None:
    masks = a_crowd(seed, answers=answers)
    frame = pd.DataFrame({"task": "t", "worker": list(range(answers)), "segmentation": masks})
    with quiet(), np.errstate(all="ignore"):
        expected = getattr(import_module("crowdkit.aggregation"), model)().fit_predict(frame)["t"]

    regions = [region_of(mask) for mask in masks]
    found = MODELS[model](regions, np.ones(answers), size=float(masks[0].size))

    np.testing.assert_array_equal(bits_of(found, masks[0].shape), expected)


@pytest.mark.parametrize("model", MODELS)
def test_what_crowd_kit_divides_by_nothing_is_settled(model: str) -> None:
    empty = np.zeros(0)

    assert len(MODELS[model]([empty, empty, empty], np.ones(3), size=10.0)) == 0
    assert len(MODELS[model]([empty, np.array([0.0, 10.0]), empty], np.ones(3), size=10.0)) == 0
    full = MODELS[model]([np.array([0.0, 10.0])] * 2, np.ones(2), size=10.0)
    assert full.tolist() == [0.0, 10.0]


def test_a_vote_counts_by_its_weight() -> None:
    regions = [np.array([0.0, 4.0]), np.array([2.0, 8.0]), np.array([3.0, 9.0])]

    assert weighted_majority(regions, np.ones(3), size=10.0).tolist() == [2.0, 8.0]
    assert weighted_majority(regions, np.array([5.0, 1.0, 1.0]), size=10.0).tolist() == [0.0, 4.0]


BITS = st.lists(st.booleans(), min_size=12, max_size=12).map(lambda bits: np.array(bits).reshape(4, 3))


@given(BITS, BITS)
def test_areas_and_overlaps_are_those_of_the_pixels(one: Bools, other: Bools) -> None:
    left, right = region_of(one), region_of(other)

    assert area(left) == one.sum()
    assert shared(left, right) == (one & other).sum()
    union = (one | other).sum()
    assert overlap(left, right) == pytest.approx((one & other).sum() / union if union else 1.0)


@given(st.lists(BITS, min_size=1, max_size=5))
def test_outvoted_counts_every_pixel(masks: list[Bools]) -> None:
    found = outvoted([region_of(mask) for mask in masks], np.ones(len(masks)), above=len(masks) / 2)

    np.testing.assert_array_equal(bits_of(found, (4, 3)), np.sum(masks, axis=0) > len(masks) / 2)


@given(BITS)
def test_runs_and_places_say_the_same(bits: Bools) -> None:
    region = region_of(bits).astype(np.int64)
    counts = counts_of(region, size=12)

    assert sum(counts) == 12
    assert joined(counts) == counts
    assert edges_of(counts).tolist() == region.tolist()


def test_a_mask_of_a_billion_pixels_costs_its_runs() -> None:
    regions = [np.array([start, 9e8 + start]) for start in (0.0, 1e7, 2e7)]

    for model in MODELS.values():
        assert model(regions, np.ones(3), size=1e9).tolist() == [1e7, 9.1e8]
