"""Learns whether two texts belong together: how alike they are, by words, by letters and by numbers, and a line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats
from crowd_hitl.plugins.learners.sklearn_model import repeated

TOKEN = r"\w+|[^\w\s]"
NUMBERS = (r"\w*\d\w*", r"\b\w*[a-z]\w*\d\w*\b|\b\w*\d\w*[a-z]\w*\b")
VIEWS = (("word", 1), ("word", 2), ("char_wb", 3), ("char_wb", 5))


@dataclass(frozen=True)
class PairModel:
    """A fitted pipeline over features that were computed once for all items."""

    labels: Sequence[str]
    estimator: Any
    known: Sequence[int]
    likeness: "Likeness"

    def predict_proba(self, items: Sequence[Content]) -> Floats:
        """Return (n, K) in the order of `labels`."""
        probabilities = np.zeros((len(items), len(self.labels)))
        probabilities[:, list(self.known)] = self.estimator.predict_proba(self.likeness.of(items))
        return probabilities


class Likeness:
    """Features of pairs by the item's key, so that refitting does not read the texts again."""

    def __init__(self, items: Sequence[Content]) -> None:
        self._places = {item.key: place for place, item in enumerate(items)}
        first = [str(item.data["text_a"]) for item in items]
        second = [str(item.data["text_b"]) for item in items]
        self._rows = np.stack([*_shared_words(first, second), *_shared_numbers(first, second)], axis=1)

    def of(self, items: Sequence[Content]) -> Floats:
        """Return the features (n, d) of these items."""
        rows: Floats = self._rows[[self._places[item.key] for item in items]]
        return rows


class PairLearner:
    """Logistic regression on what two texts share."""

    name = "pair"

    def __init__(self, items: Sequence[Content]) -> None:
        self._likeness = Likeness(items)

    def fit(self, items: Sequence[Content], targets: Floats, *, labels: Sequence[str], seed: int) -> PairModel:
        """Train on every item once for each class it may be of, weighted by how likely; the seed is not needed."""
        rows, classes, weights = repeated(targets)
        scaled = import_module("sklearn.preprocessing").StandardScaler()
        line = import_module("sklearn.linear_model").LogisticRegression(C=1.0, max_iter=500)
        estimator = import_module("sklearn.pipeline").make_pipeline(scaled, line)
        estimator.fit(self._likeness.of(items)[rows], classes, logisticregression__sample_weight=weights)
        return PairModel(labels, estimator, sorted(set(classes.tolist())), self._likeness)


def _shared_words(first: list[str], second: list[str]) -> list[Floats]:
    text = import_module("sklearn.feature_extraction.text")
    found: list[Floats] = []
    for analyzer, length in VIEWS:
        words = text.HashingVectorizer(
            n_features=2**18,
            alternate_sign=False,
            norm=None,
            analyzer=analyzer,
            ngram_range=(length, length),
            token_pattern=TOKEN if analyzer == "word" else None,
        )
        weighed = text.TfidfTransformer(sublinear_tf=True).fit_transform(words.transform(first + second)).tocsr()
        one, other = weighed[: len(first)], weighed[len(first) :]
        both = _sums(one.minimum(other))
        found.append(_sums(one.multiply(other)))
        found.extend(both / np.maximum(_sums(side), 1e-9) for side in (one, other))
    return found


def _shared_numbers(first: list[str], second: list[str]) -> list[Floats]:
    found: list[Floats] = []
    for pattern in NUMBERS:
        sides = [[set(re.findall(pattern, text.lower())) for text in texts] for texts in (first, second)]
        pairs = list(zip(*sides, strict=True))
        found.append(np.array([len(one & other) / max(1, len(other)) for one, other in pairs]))
        found.append(np.array([float(bool(one & other)) for one, other in pairs]))
    found.extend(np.log1p(np.array([len(text) for text in texts], dtype=np.float64)) for texts in (first, second))
    return found


def _sums(rows: Any) -> Floats:
    return np.asarray(rows.sum(axis=1), dtype=np.float64).ravel()
