"""`python -m benchmarks.open_answers`: word error rate, span F1 and CPU seconds on real crowds, one JSON object a line.

The sets are `crowdspeech_*` and `ner_mturk_spans`, each a folder with answers.csv.gz and truth.csv.gz; those that are
missing are named and left out. crowd-kit's ROVER runs on the same recordings with the same words.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.open_answers.spans import measure_spans
from benchmarks.open_answers.speech import measure_speech

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
SPEECH = ("crowdspeech_dev_clean", "crowdspeech_dev_other")
SPANS = ("ner_mturk_spans",)


def main() -> int:
    """Measure every set that is there; 1 if none is."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_answers", description=__doc__)
    parser.add_argument("--data", type=Path, default=BESIDE, help="The folder of the sets.")
    parser.add_argument("--recordings", type=int, default=600, help="How many of each speech set, drawn by the seed.")
    parser.add_argument(
        "--without-crowdkit", action="store_true", help="Leave crowd-kit's ROVER out: it takes longest."
    )
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    measured = 0
    for name in (*SPEECH, *SPANS):
        folder = wanted.data / name
        if not (folder / "answers.csv.gz").is_file():
            print(
                f"{name} is not in {wanted.data}: left out. Name the folder of the sets with --data.", file=sys.stderr
            )
            continue
        measured += 1
        figures = (
            measure_speech(folder, recordings=wanted.recordings, seed=wanted.seed, crowdkit=not wanted.without_crowdkit)
            if name in SPEECH
            else measure_spans(folder)
        )
        for one in figures:
            print(json.dumps({"set": name, **one}), flush=True)
    return 0 if measured else 1


if __name__ == "__main__":
    raise SystemExit(main())
