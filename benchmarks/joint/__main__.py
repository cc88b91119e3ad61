"""`python -m benchmarks.joint DATA`: the share of all answers that is bought with and without the project's model.

DATA holds folders with answers.csv.gz, truth.csv.gz and items.csv.gz. Every set is played with the same settings;
reference is crowd-kit's Dawid–Skene on all answers of the set.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.joint.buying import Data, buy, read_data
from crowd_hitl.inference.ties import accuracy
from crowd_hitl.plugins.aggregators.dawid_skene import plugin as dawid_skene

# The first three are the bar's sets; rte is where the model is useless.
SETS = ("sp_text", "product_text", "mre_cause", "rte")
BAR = SETS[:3]
CONFIDENCES = (0.95, 0.97, 0.99)


def main() -> None:
    """Print one JSON line per set and confidence, then the means over the bar's sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--confidence", nargs="+", type=float, default=CONFIDENCES)
    parser.add_argument("--seeds", type=int, default=5)
    wanted = parser.parse_args()
    rows = []
    for name in wanted.sets:
        data = read_data(wanted.data / name)
        for row in play(data, wanted.confidence, wanted.seeds):
            rows.append(row)
            print(json.dumps(row), flush=True)
    for confidence in wanted.confidence:
        for with_model in (True, False):
            means = mean_of(rows, confidence, with_model)
            print(json.dumps({"mean_of": BAR, "confidence": confidence, "with_model": with_model, **means}))


def play(data: Data, confidences: list[float], seeds: int) -> Iterator[dict[str, Any]]:
    """Yield the lines of one set."""
    full = accuracy(dawid_skene.aggregate(data.recorded.answers.table, seed=0).posteriors, data.truth)
    for confidence in confidences:
        for with_model in (True, False):
            runs = [buy(data, confidence=confidence, seed=seed, with_model=with_model) for seed in range(seeds)]
            shares = np.array([run.share for run in runs])
            points = 100 * (np.array([run.accuracy for run in runs]) - full)
            yield {
                "set": data.recorded.name,
                "confidence": confidence,
                "with_model": with_model,
                "share": round(shares.mean(), 4),
                "share_spread": round(shares.std(), 4),
                "points_from_full": round(points.mean(), 2),
                "points_spread": round(points.std(), 2),
                "full_accuracy": round(full, 4),
                "temper": [run.temper for run in runs],
            }


def mean_of(rows: list[dict[str, Any]], confidence: float, with_model: bool) -> dict[str, float]:
    """Return the means over the bar's sets that were played."""
    chosen = [r for r in rows if r["set"] in BAR and (r["confidence"], r["with_model"]) == (confidence, with_model)]
    return {name: round(float(np.mean([r[name] for r in chosen])), 4) for name in ("share", "points_from_full")}


if __name__ == "__main__":
    main()
