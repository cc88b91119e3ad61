"""What the scikit-learn learners share: soft labels as weights, all classes as columns, storing with skops.

It has no `plugin` of its own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.errors import Unusable, bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats

FILE_NAME = "model.skops"
FORMAT = 1
# What a stored model may hold beyond skops' own defaults. Fixed here: never read from the file itself.
TRUSTED = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._TemperatureScaling",
    "scipy.sparse._csr.csr_matrix",
)
# A class less likely than this for an item teaches nothing.
LEAST_WEIGHT = 0.01

Featurize = Callable[[Sequence[Content], dict[str, Any]], Any]


@dataclass(frozen=True)
class SklearnModel:
    """A fitted scikit-learn classifier; `estimator` is None when training saw one class only."""

    kind: str
    labels: tuple[str, ...]
    known: tuple[int, ...]
    estimator: Any
    settings: dict[str, Any]
    featurize: Featurize

    def predict_proba(self, items: Sequence[Content]) -> Floats:
        """Return (n, K) in the order of `labels`; classes without an example have probability 0."""
        probabilities = np.zeros((len(items), len(self.labels)))
        if not items:
            return probabilities
        if self.estimator is None:
            probabilities[:, list(self.known)] = 1.0
            return probabilities
        found = np.asarray(self.estimator.predict_proba(self.featurize(items, self.settings)), dtype=np.float64)
        probabilities[:, list(self.known)] = found / found.sum(axis=1, keepdims=True)
        return probabilities

    def save(self, folder: Path) -> Path:
        """Write the model as one skops file into the folder and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE_NAME
        stored = {
            "format": FORMAT,
            "kind": self.kind,
            "labels": list(self.labels),
            "known": list(self.known),
            "estimator": self.estimator,
            "settings": self.settings,
        }
        # skops brings scikit-learn with it, which is slow to import.
        import_module("skops.io").dump(stored, path)
        return path


def load_model(path: Path, *, kind: str, featurize: Featurize) -> SklearnModel:
    """Read a stored model; Unusable if it is damaged, of another kind, or holds a type that is not trusted."""
    # skops brings scikit-learn with it, which is slow to import.
    skops = import_module("skops.io")
    try:
        stored = skops.load(path, trusted=list(TRUSTED))
        known = tuple(int(code) for code in stored["known"])
        right = stored["kind"] == kind and stored["format"] == FORMAT
        model = SklearnModel(kind, tuple(stored["labels"]), known, stored["estimator"], stored["settings"], featurize)
    # The file comes from outside: whatever is wrong with it, the user must learn that it is the file.
    except Exception as error:
        raise Unusable(f"The model {path.name} cannot be read: {type(error).__name__}: {error}") from error
    if not right:
        raise Unusable(f"The model {path.name} is not a '{kind}' model of format {FORMAT}.")
    return model


def check_targets(items: Sequence[Content], targets: Floats, labels: Sequence[str]) -> None:
    """Refuse targets that do not fit the items and labels."""
    if not items:
        raise bad_field("items", expected="1 or more to learn from", found=0)
    if targets.shape != (len(items), len(labels)):
        raise bad_field("targets", expected=f"shape ({len(items)}, {len(labels)})", found=targets.shape)
    if not np.isfinite(targets).all() or targets.min() < 0:
        raise bad_field("targets", expected="probabilities", found="negative or missing numbers")


def hardened(targets: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return each item's likeliest class and, as its weight, how much likelier that is than all others together.

    What is as likely wrong as right would teach noise: it weighs next to nothing.
    """
    return targets.argmax(axis=1), np.maximum(2.0 * targets.max(axis=1) - 1.0, LEAST_WEIGHT)


def repeated(targets: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return (rows, classes, weights): each item once for every class it may be of."""
    rows, classes = np.nonzero(targets >= LEAST_WEIGHT)
    return rows, classes, targets[rows, classes]
