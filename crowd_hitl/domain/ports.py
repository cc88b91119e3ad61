"""What can be swapped: the protocols that plug-ins implement and services call.

A plug-in knows these and nothing of the store; bootstrap finds it and hands it to a service.
Arrays are numpy's: int32 codes (−1 means "none"), float64 probabilities.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, BinaryIO, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import FieldProblem
from crowd_hitl.domain.items import Content, ItemRecord
from crowd_hitl.domain.rounds import Promise
from crowd_hitl.domain.snapshots import Snapshot

Ints = NDArray[np.int32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnswerTable:
    """Answers as codes: the i-th says that `workers[i]` answered `labels[i]` to `tasks[i]`.

    `tasks`, `workers`, `labels`: int32, shape (n,), each below its count. `gold`: int32, shape (n_tasks,),
    the known label of a task or −1; None when nothing is known.
    """

    tasks: Ints
    workers: Ints
    labels: Ints
    n_tasks: int
    n_workers: int
    n_labels: int
    gold: Ints | None = None


@dataclass(frozen=True)
class Consensus:
    """What the answers agree on: `posteriors` (n_tasks, n_labels) with rows that sum to 1, `skills` (n_workers,)

    each worker's estimated share of right answers, in 0..1. `softened`: the temperature that the posteriors were given;
    None where they are shares of votes rather than likelihoods, which no temperature mends. `snapshot`: what weighs a
    task by itself as this did, until the next pass; None where nothing can.
    """

    posteriors: Floats
    skills: Floats
    softened: float | None = 1.0
    snapshot: Snapshot | None = None


@dataclass(frozen=True)
class ValueTable:
    """Answers that are no class of a short list: the i-th says that `workers[i]` answered `values[i]` to `tasks[i]`.

    `tasks`, `workers`: int32, shape (n,), each below its count. `values`: what the question's `check_answer` returned
    for the field. `spec`: the question's settings. `gold`: the known value of some tasks. `contents`: what every task
    showed, by task; some questions are about more than one thing of an item (a pair) and need to know which.
    """

    tasks: Ints
    workers: Ints
    values: Sequence[Any]
    n_tasks: int
    n_workers: int
    spec: Mapping[str, Any]
    gold: Mapping[int, Any] | None = None
    contents: Mapping[int, Content] | None = None


@dataclass(frozen=True)
class Fused:
    """What such answers agree on: a value for each task (None without answers), how far each is believed and each

    worker's skill: `confidences` (n_tasks,) and `skills` (n_workers,), in 0..1. `details`: what the fuser knows beside
    that, by names that docs/plugins.md lists: intervals, workers' biases, scores of what was compared.
    """

    values: Sequence[Any]
    confidences: Floats
    skills: Floats
    details: Mapping[str, Any] = field(default_factory=dict)


class Question(Protocol):
    """What can be asked: checks its own settings and every answer."""

    kind: str
    # an answer is one of `classes`, and nothing else: aggregators can weigh it; fusers weigh every other kind
    is_class: bool

    def check_spec(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings completed with defaults; BadInput if they are wrong."""

    def fields(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name the fields an answer has."""

    def classes(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """List the values a field can take, in the requester's order."""

    def check_answer(self, spec: Mapping[str, Any], value: object) -> dict[str, Any]:
        """Return the answer as {field: value}; BadInput if it is not one of this question's."""


@runtime_checkable
class FittedQuestion(Protocol):
    """A question whose answers lie within the item: passages of its text, places on its image."""

    def check_fit(self, spec: Mapping[str, Any], answer: Mapping[str, Any], content: Content) -> None:
        """Refuse, by BadInput, an answer of `check_answer` that goes beyond this item."""


@runtime_checkable
class ShowingQuestion(Protocol):
    """A question that its workers answer by what stands in columns of the item's own data: two texts to compare."""

    def shown(self, spec: Mapping[str, Any]) -> Sequence[str]:
        """Name those columns; workers are shown them, and nothing else of the data."""


class Aggregator(Protocol):
    """How answers become a label."""

    name: str

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Weigh all answers; a task without answers gets a uniform posterior."""


class Fuser(Protocol):
    """How answers that are no class become one value."""

    name: str
    kinds: Sequence[str]
    # an answer to gold is right when it is no farther from it than this distance
    right_within: float
    # whether it wants `ValueTable.contents`
    reads_contents: bool

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Weigh all answers of one field; a task without answers gets None, at confidence 0."""

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Say how far two values are from each other, 0..1: what agreement is measured by."""


class OverlapPolicy(Protocol):
    """When a task has answers enough."""

    name: str

    def enough(self, posterior: Sequence[float], *, answers: int, confidence_target: float) -> bool:
        """Say whether this posterior over the classes needs no further answer."""


class Model(Protocol):
    """A trained model."""

    labels: Sequence[str]

    def predict_proba(self, items: Sequence[Content]) -> Floats:
        """Return (n, K) probabilities in the order of `labels`; rows sum to 1."""

    def save(self, folder: Path) -> Path:
        """Write the model as one file into the folder and return its path."""


class Learner(Protocol):
    """A way to learn a model from labels."""

    name: str

    def fit(self, items: Sequence[Content], targets: Floats, *, labels: Sequence[str], seed: int) -> Model:
        """Train on `targets` (n, K), each row the probability of every label (soft labels, used as weights)."""


@dataclass(frozen=True)
class Pick:
    """One item chosen to be asked: its index in the pool, why, and the chance it had (for unbiased estimates)."""

    index: int
    reason: str
    propensity: float


class Strategy(Protocol):
    """Which items to ask next."""

    name: str

    def choose(self, probabilities: Floats | None, *, size: int, count: int, random: Random) -> list[Pick]:
        """Pick `count` of a pool of `size`; `probabilities` (size, K) is None before the first model."""


@dataclass(frozen=True)
class Verdict:
    """A certifier's finding: with confidence 1 − delta at most `bound` of the pool is wrong; `kept` if promised."""

    method: str
    pool: int
    audited: int
    errors: int
    bound: float
    kept: bool


class Certifier(Protocol):
    """Whether an audit proves a promise."""

    name: str

    def certify(self, *, pool: int, audited: int, errors: int, promise: Promise, looks: int) -> Verdict:
        """Bound the errors in a finite pool from a random audit of it; `looks` is how many audits may be tried."""


@runtime_checkable
class Storage(Protocol):
    """Where media, exports and models live."""

    name: str

    def put(self, key: str, content: BinaryIO) -> str:
        """Store the bytes under the key and return the key."""

    def open(self, key: str) -> BinaryIO:
        """Open what was stored; NotFound if there is nothing."""

    def exists(self, key: str) -> bool:
        """Say whether the key holds something."""


class Consumption(Protocol):
    """Threads that take jobs from a queue, until they are stopped."""

    def stop(self, *, seconds: float) -> bool:
        """Take no further job and wait for those that run; False if they are not done after so many seconds."""


class Queue(Protocol):
    """What carries the ids of jobs to the processes that run them. It may lose some: the rows know them all."""

    name: str

    def put(self, job_id: int) -> None:
        """Queue the id of a job that is due."""

    def consume(self, run: Callable[[int], object], *, threads: int) -> Consumption:
        """Run every id that comes, in so many threads of this process."""

    def size(self) -> int:
        """Count the ids that wait."""

    def purge(self) -> None:
        """Throw away the ids that wait."""

    def close(self) -> None:
        """Close its connections; it opens them again when it is used again."""


class ItemFormat(Protocol):
    """How items come in."""

    name: str
    suffixes: Sequence[str]

    def read(self, stream: BinaryIO) -> Iterator[ItemRecord | FieldProblem]:
        """Yield good rows and problems as they are met, never holding the whole file."""


class LabelFormat(Protocol):
    """How labels go out."""

    name: str
    suffix: str

    def write(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[str] | Iterator[bytes]:
        """Yield text, or bytes, piece by piece, never holding all rows."""


@dataclass(frozen=True)
class Plugins:
    """Every plug-in that was found, by kind and name; bootstrap fills it once."""

    questions: Mapping[str, Question]
    aggregators: Mapping[str, Aggregator]
    fusers: Mapping[str, Fuser]
    policies: Mapping[str, OverlapPolicy]
    strategies: Mapping[str, Strategy]
    learners: Mapping[str, Learner]
    certifiers: Mapping[str, Certifier]
    formats: Mapping[str, ItemFormat]
    label_formats: Mapping[str, LabelFormat]
