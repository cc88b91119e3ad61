"""Small sets of recorded answers for tests: made up, or the real ones beside the checkout."""

import csv
from collections.abc import Sequence
from pathlib import Path
from random import Random

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def a_recording(folder: Path, *, tasks: int = 40, workers: int = 8, each: int = 5, seed: int = 0) -> Path:
    """Write answers.csv and truth.csv of workers who are right four times out of five, into a new folder."""
    random = Random(seed)
    folder.mkdir(parents=True)
    truth = {f"t{number:03}": random.choice(["cat", "dog", "bird"]) for number in range(tasks)}
    rows = [
        (task, f"w{worker}", label if random.random() < 0.8 else random.choice(["cat", "dog", "bird"]))
        for task, label in truth.items()
        for worker in random.sample(range(workers), each)
    ]
    write_csv(folder / "answers.csv", ["task", "worker", "label"], rows)
    write_csv(folder / "truth.csv", ["task", "label"], list(truth.items()))
    return folder


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path
