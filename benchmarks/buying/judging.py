"""Judges the calibration of one set: gold drawn at random is fitted to, all other known tasks are judged."""

from dataclasses import dataclass

import numpy as np

from crowd_hitl.cli.recorded import Recorded
from crowd_hitl.domain.ports import Ints
from crowd_hitl.inference.calibrating import GOLD_FREE, calibrate, fit_calibration, reliability
from crowd_hitl.inference.comparing import right_shares
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled
from crowd_hitl.inference.replaying import record

DRAWS = 10


@dataclass(frozen=True)
class Judged:
    """Means over the draws: calibration error, share claimed at .95 or above, share of those that is right."""

    ece: float
    claimed: float
    kept: float | None


def judge(recorded: Recorded, truth: Ints, *, gold: int, answers: int | None, seeds: int) -> dict[str, Judged]:
    """Return what raw, gold-free and fitted confidences come to."""
    voices = recorded.answers.with_one_voice().table
    found: dict[str, list[tuple[float, float, float]]] = {"raw": [], "gold-free": [], "fitted": []}
    for seed in range(seeds):
        recording = record(voices, seed=seed)
        wanted = recording.recorded if answers is None else np.minimum(recording.recorded, answers)
        table = recording.first(wanted)
        posteriors, _ = fit_pooled(table, PooledSettings(temperature=1.0))
        chance = np.random.default_rng(seed)
        for _ in range(DRAWS):
            drawn = chance.permutation(np.flatnonzero(truth != -1))
            known, rest = np.full_like(truth, -1), truth.copy()
            known[drawn[:gold]], rest[drawn[:gold]] = truth[drawn[:gold]], -1
            fitted = fit_calibration(posteriors, wanted, known)
            tried = (posteriors, calibrate(posteriors, wanted, GOLD_FREE), calibrate(posteriors, wanted, fitted))
            for name, shares in zip(found, tried, strict=True):
                one = reliability(shares[rest != -1].max(axis=1).clip(max=1.0), right_shares(shares, rest))
                found[name].append((one.ece, one.claimed, one.claimed * (one.kept or 0.0)))
    return {name: _mean(np.array(rows)) for name, rows in found.items()}


def _mean(rows: np.ndarray) -> Judged:
    ece, claimed, right = rows.mean(axis=0)
    return Judged(float(ece), float(claimed), float(right / claimed) if claimed > 0 else None)
