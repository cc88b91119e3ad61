"""A seeded crowd with known faults: good workers, careless ones and some who answer at random."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

# (how many, least accuracy, greatest accuracy); no accuracy means that they answer at random.
GROUPS: tuple[tuple[int, float | None, float | None], ...] = ((24, 0.85, 0.95), (10, 0.60, 0.80), (6, None, None))


@dataclass(frozen=True)
class SimulatedWorker:
    """One simulated worker; `accuracy` is None for one who answers at random."""

    name: str
    accuracy: float | None


class SimulatedCrowd:
    """Answers for simulated workers: the seed, the worker and the item decide every answer, whatever the order."""

    def __init__(self, truth: Mapping[str, str], *, classes: Sequence[str], seed: int) -> None:
        self._truth = truth
        self._classes = list(classes)
        self._seed = seed
        self._confusion = self._draw_confusion()
        self.workers = self._draw_workers()

    def answer(self, worker: SimulatedWorker, key: str) -> str:
        """Return what this worker says of the item with this key."""
        draw = Random(f"{self._seed}/{worker.name}/{key}")
        if worker.accuracy is None:
            return draw.choice(self._classes)
        right = self._truth[key]
        if draw.random() < worker.accuracy:
            return right
        wrong, weights = self._confusion[right]
        return draw.choices(wrong, weights)[0]

    def seconds(self, worker: SimulatedWorker, key: str) -> float:
        """Return how long this worker took, for the pages to show; guessers are quick."""
        draw = Random(f"{self._seed}/seconds/{worker.name}/{key}")
        middle = 1.2 if worker.accuracy is None else 3.5
        return round(draw.lognormvariate(0.0, 0.4) * middle, 1)

    def _draw_workers(self) -> list[SimulatedWorker]:
        draw = Random(f"{self._seed}/workers")
        accuracies = [
            None if low is None or high is None else draw.uniform(low, high)
            for count, low, high in GROUPS
            for _ in range(count)
        ]
        draw.shuffle(accuracies)  # so that a worker's number says nothing about its skill
        return [SimulatedWorker(f"simulated-{n:02d}", accuracy) for n, accuracy in enumerate(accuracies, start=1)]

    def _draw_confusion(self) -> dict[str, tuple[list[str], list[float]]]:
        """Draw, for every class, what it is mistaken for: a few likely classes, the rest rarely."""
        draw = Random(f"{self._seed}/confusion")
        confusion = {}
        for name in self._classes:
            wrong = [other for other in self._classes if other != name]
            confusion[name] = (wrong, [draw.expovariate(1.0) + 0.05 for _ in wrong])
        return confusion
