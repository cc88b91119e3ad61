"""Buys recorded answers in waves, with a model that is refitted as they come, until the posteriors suffice."""

import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.joint.pairs import PairLearner
from crowd_hitl.cli.recorded import Recorded, read_folder
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import AnswerTable, Floats, Ints
from crowd_hitl.inference.joint import Joint, JointSettings, fit_joint
from crowd_hitl.inference.pooled import fit_pooled
from crowd_hitl.inference.replaying import record
from crowd_hitl.inference.ties import accuracy
from crowd_hitl.plugins.learners.sklearn_text import TextLearner

FOLDS = 3
# The model learns anew when there are so many times the answers it learned from.
GROWTH = 1.25


@dataclass(frozen=True)
class Data:
    """Recorded answers, their items in the same order, and a learner that can read them."""

    recorded: Recorded
    items: list[Content]
    learner: PairLearner | TextLearner

    @property
    def truth(self) -> Ints:
        """Return the true labels, −1 where unknown."""
        if self.recorded.truth is None:
            raise SystemExit(f"{self.recorded.name} has no truth.csv.")
        return self.recorded.truth


@dataclass(frozen=True)
class Bought:
    """What came of one run: the share of the recorded answers that was bought, accuracy, and the model's τ."""

    share: float
    accuracy: float
    temper: float


def read_data(folder: Path) -> Data:
    """Read answers, truth and items; pairs of texts get the learner of pairs."""
    recorded = read_folder(folder)
    path = folder / "items.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        rows = {row["task"]: row for row in csv.DictReader(stream)}
    items = []
    for task in recorded.answers.tasks:
        row = rows[task]
        # The key of a task may give its truth away (product_text): no learner reads keys.
        text = row.get("text") or " ".join((row["text_a"], row["text_b"]))
        text = " ".join([text, *(row[name] for name in ("term1", "term2") if name in row)])
        items.append(Content(key=task, text=text, data=row))
    learner = PairLearner(items) if "text_a" in items[0].data else TextLearner()
    return Data(recorded=recorded, items=items, learner=learner)


def buy(data: Data, *, confidence: float, seed: int, with_model: bool) -> Bought:
    """Ask one answer of every task, then one more wherever the posterior is below `confidence`, until none asks."""
    recording = record(data.recorded.answers.table, seed=seed)
    bought = np.minimum(recording.recorded, 1)
    waiting = recording.recorded > bought
    probabilities: Floats | None = None
    learned_from = 0
    while True:
        table = recording.first(bought)
        if with_model and len(table.tasks) >= GROWTH * learned_from:
            # What people said, and nothing that a model said before: it is not to learn from itself.
            probabilities = out_of_fold(data, weigh(table, None).posteriors, bought > 0, seed=seed)
            learned_from = len(table.tasks)
        found = weigh(table, probabilities)
        waiting &= (found.posteriors.max(axis=1) < confidence) & (recording.recorded > bought)
        if not waiting.any():
            share = len(table.tasks) / len(recording.answers.tasks)
            return Bought(share=share, accuracy=accuracy(found.posteriors, data.truth), temper=found.temper)
        bought = bought + waiting


def weigh(table: AnswerTable, probabilities: Floats | None) -> Joint:
    """Weigh the answers, with the model if there is one."""
    if probabilities is not None:
        return fit_joint(table, probabilities)
    # as soft as beside a model, so that nothing but the model makes the difference
    posteriors, skills = fit_pooled(table, JointSettings().pooled)
    return Joint(posteriors=posteriors, skills=skills, temper=0.0, slope=0.0, gain=0.0)


def out_of_fold(data: Data, targets: Floats, learned: NDArray[np.bool_], *, seed: int) -> Floats:
    """Return what models say of items they did not learn from: FOLDS fits by the project's learner."""
    size, n_labels = targets.shape
    part = np.random.default_rng(seed).permutation(size) % FOLDS
    labels = [str(name) for name in data.recorded.answers.labels]
    found = np.full((size, n_labels), np.nan)
    for fold in range(FOLDS):
        taught, held_out = np.flatnonzero((part != fold) & learned), np.flatnonzero(part == fold)
        model = data.learner.fit([data.items[i] for i in taught], targets[taught], labels=labels, seed=seed)
        found[held_out] = model.predict_proba([data.items[i] for i in held_out])
    return found
