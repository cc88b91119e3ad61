"""Learns texts: words, weighted by how rare they are, and logistic regression."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats
from crowd_hitl.plugins.learners.sklearn_model import SklearnModel, check_targets, load_model, repeated

FEATURES = 2**16
# Single letters and signs count: a text may have no longer word.
TOKEN = r"\w+|[^\w\s]"


class TextLearner:
    """A linear model of words; needs no download, and learns in seconds."""

    name = "text"

    def fit(self, items: Sequence[Content], targets: Floats, *, labels: Sequence[str], seed: int) -> SklearnModel:
        """Train on every item once for each class it may be of, weighted by how likely; the seed is not needed."""
        check_targets(items, targets, labels)
        rows, classes, weights = repeated(targets)
        known = np.unique(classes)
        estimator = None
        if len(known) > 1:
            estimator = classifier()
            read = texts(items, {})
            estimator.fit([read[row] for row in rows], classes, logisticregression__sample_weight=weights)
        return SklearnModel(self.name, tuple(labels), tuple(known.tolist()), estimator, {}, texts)

    def load(self, path: Path) -> SklearnModel:
        """Read a model that `save` wrote; Unusable if it is not one."""
        return load_model(path, kind=self.name, featurize=texts)


def classifier() -> Any:
    """Return the untrained pipeline. Words are hashed: a vocabulary made stored models fifty times larger."""
    # scikit-learn takes a second to import, so only training pays for it.
    text = import_module("sklearn.feature_extraction.text")
    words = text.HashingVectorizer(n_features=FEATURES, alternate_sign=False, norm=None, token_pattern=TOKEN)
    rarity = text.TfidfTransformer(sublinear_tf=True)
    line = import_module("sklearn.linear_model").LogisticRegression(C=3.0, max_iter=500)
    return import_module("sklearn.pipeline").make_pipeline(words, rarity, line)


def texts(items: Sequence[Content], settings: dict[str, Any]) -> list[str]:
    """Return the items' texts; BadInput for an item without one."""
    missing = next((item.key for item in items if item.text is None), None)
    if missing is not None:
        raise BadInput(f"Item '{missing}' has no text.")
    # An empty text is one word of its own, so that a set of empty texts can still be learnt from.
    return [item.text if item.text and item.text.strip() else "∅" for item in items]


plugin = TextLearner()
