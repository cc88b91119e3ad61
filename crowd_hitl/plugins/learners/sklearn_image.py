"""Learns images: small grey pictures and a support vector machine with calibrated probabilities."""

from collections.abc import Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats
from crowd_hitl.plugins.learners.sklearn_model import SklearnModel, check_targets, hardened, load_model

FORMATS = ("PNG", "JPEG")
MOST_PIXELS = 40_000_000
LARGEST_SIDE = 16
# Fewer examples of a class than this cannot be split for calibration.
FOLDS = 3


class ImageLearner:
    """Grey pixels, at most 16 by 16; good for digits, shapes and textures, quick enough for every round."""

    name = "image"

    def fit(self, items: Sequence[Content], targets: Floats, *, labels: Sequence[str], seed: int) -> SklearnModel:
        """Train on each item's likeliest class, weighted by how likely it is; the seed is not needed."""
        check_targets(items, targets, labels)
        classes, weights = hardened(targets)
        known, counts = np.unique(classes, return_counts=True)
        settings = {"side": side_for(items[0])}
        estimator = None
        if len(known) > 1:
            estimator = classifier(fewest=int(counts.min()))
            estimator.fit(pixels(items, settings), classes, sample_weight=weights)
        return SklearnModel(self.name, tuple(labels), tuple(known.tolist()), estimator, settings, pixels)

    def load(self, path: Path) -> SklearnModel:
        """Read a model that `save` wrote; Unusable if it is not one."""
        return load_model(path, kind=self.name, featurize=pixels)


def classifier(*, fewest: int) -> Any:
    """Return the untrained classifier; a plain one while a class has too few examples to calibrate on."""
    # scikit-learn takes a second to import, so only training pays for it.
    if fewest < FOLDS:
        return import_module("sklearn.linear_model").LogisticRegression(C=10.0, max_iter=500)
    machine = import_module("sklearn.svm").SVC(C=10.0, gamma="scale")
    calibration = import_module("sklearn.calibration")
    return calibration.CalibratedClassifierCV(machine, method="temperature", cv=FOLDS, ensemble=False)


def side_for(item: Content) -> int:
    """Choose the side that all pictures are brought to: the first one's longer side, at most LARGEST_SIDE."""
    with opened(item) as picture:
        return int(min(LARGEST_SIDE, max(picture.size)))


def pixels(items: Sequence[Content], settings: dict[str, Any]) -> Floats:
    """Return (n, side²) grey values in 0..1."""
    side = int(settings["side"])
    return np.stack([grey(item, side=side) for item in items])


def grey(item: Content, *, side: int) -> Floats:
    """Return one picture as side² grey values in 0..1; BadInput if it cannot be read."""
    try:
        with opened(item) as picture:
            small = picture.convert("L")
            if small.size != (side, side):
                small = small.resize((side, side))
            return np.asarray(small, dtype=np.float64).ravel() / 255.0
    except OSError as error:
        raise BadInput(f"The image of item '{item.key}' is damaged: {error}.") from error


def opened(item: Content) -> Any:
    """Open a picture without decoding it; BadInput if it is missing, too large, or neither PNG nor JPEG."""
    # Pillow is needed only where pictures are.
    image = import_module("PIL.Image")
    if item.image is None:
        raise BadInput(f"Item '{item.key}' has no image.")
    try:
        picture = image.open(BytesIO(item.image), formats=FORMATS)
    except (OSError, image.DecompressionBombError, image.DecompressionBombWarning) as error:
        raise BadInput(f"The image of item '{item.key}' cannot be read as PNG or JPEG.") from error
    width, height = picture.size
    if width * height > MOST_PIXELS:
        raise BadInput(f"The image of item '{item.key}' has {width * height} pixels; at most {MOST_PIXELS} are read.")
    return picture


plugin = ImageLearner()
