"""Confidence means what it says: temperatures, mixing, and the reliability diagram."""

import numpy as np
import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.inference.calibrating import (
    FEWEST_GOLD,
    GOLD_FREE,
    Calibration,
    calibrate,
    fit_calibration,
    reliability,
)


def boasting(size: int, *, claimed: float, right: float, n_labels: int = 3, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Posteriors that claim one thing and deliver another; four answers each."""
    chance = np.random.default_rng(seed)
    said = chance.integers(0, n_labels, size)
    posteriors = np.full((size, n_labels), (1.0 - claimed) / (n_labels - 1))
    posteriors[np.arange(size), said] = claimed
    truth = np.where(chance.random(size) < right, said, (said + 1) % n_labels).astype(np.int32)
    return posteriors, np.full(size, 4), truth


@pytest.mark.parametrize("calibration", [GOLD_FREE, Calibration(0.5), Calibration(3.0, mixing=0.2)])
def test_calibrating_keeps_the_order_and_the_sum(calibration: Calibration) -> None:
    chance = np.random.default_rng(1)
    posteriors = chance.dirichlet(np.full(4, 0.3), size=200)

    found = calibrate(posteriors, chance.integers(0, 30, 200), calibration)

    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-12)
    assert (found.argmax(axis=1) == posteriors.argmax(axis=1)).all()
    assert np.isfinite(found).all() and (found >= 0.0).all()


def test_many_answers_are_believed_less_than_they_claim_and_gold_stays_certain() -> None:
    alike = np.array([[0.99, 0.01], [0.99, 0.01], [1.0, 0.0]])

    few, many, gold = calibrate(alike, np.array([1, 30, 5]), GOLD_FREE)[:, 0]

    assert 0.99 > few > many > 0.5
    assert gold == 1.0


def test_what_was_softened_already_is_softened_no_more_than_needed() -> None:
    posteriors, given, _ = boasting(5, claimed=0.99, right=1.0)
    softer = posteriors ** (1 / 1.3) / (posteriors ** (1 / 1.3)).sum(axis=1, keepdims=True)

    np.testing.assert_allclose(
        calibrate(softer, given, GOLD_FREE, softened=1.3), calibrate(posteriors, given, GOLD_FREE)
    )


def test_below_twenty_gold_labels_the_gold_free_setting_stays() -> None:
    posteriors, given, truth = boasting(FEWEST_GOLD - 1, claimed=0.99, right=0.5)
    truth[0] = -1

    assert fit_calibration(posteriors, given, truth) == Calibration(GOLD_FREE.base, gold=FEWEST_GOLD - 2)


@pytest.mark.parametrize("right", [0.6, 0.75, 0.9])
def test_gold_teaches_how_often_a_claim_is_right(right: float) -> None:
    posteriors, given, truth = boasting(2000, claimed=0.999, right=right)

    fitted = fit_calibration(posteriors[:300], given[:300], truth[:300])
    confidence = calibrate(posteriors[300:], given[300:], fitted)[0].max()

    assert confidence == pytest.approx((posteriors[300:].argmax(axis=1) == truth[300:]).mean(), abs=0.06)


def test_a_truth_nobody_gave_counts_as_wrong() -> None:
    posteriors, given, truth = boasting(60, claimed=0.99, right=1.0)
    doubted = truth.copy()
    doubted[:30] = -2

    sure, unsure = (fit_calibration(posteriors, given, one) for one in (truth, doubted))

    assert calibrate(posteriors, given, unsure).max() < 0.8 < calibrate(posteriors, given, sure).max()


def test_the_diagram_adds_up() -> None:
    confidences = np.array([0.55, 0.55, 0.96, 0.96, 1.0])
    right = np.array([1.0, 0.0, 1.0, 1.0, 0.5])

    found = reliability(confidences, right)

    assert [(one.low, one.tasks) for one in found.bins] == [(0.5, 2), (0.9, 3)]
    assert found.ece == pytest.approx(2 / 5 * 0.05 + 3 / 5 * abs(2.92 / 3 - 2.5 / 3))
    assert found.claimed == 0.6
    assert found.kept == pytest.approx(2.5 / 3)
    assert reliability(confidences[:2], right[:2]).kept is None
    with pytest.raises(BadInput, match="known"):
        reliability(confidences[:0], right[:0])
