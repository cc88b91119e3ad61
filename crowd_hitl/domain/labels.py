"""A label: the agreed value of one field of an item, its source and its confidence."""

from collections.abc import Sequence
from enum import StrEnum

# Confidence moves by less than this without a new version: history, not noise.
CONFIDENCE_STEP = 0.05


class LabelSource(StrEnum):
    """Who stands behind a label."""

    CONSENSUS = "consensus"
    MODEL = "model"
    EXPERT = "expert"
    GOLD = "gold"
    IMPORTED = "imported"


# A label of a weaker source never replaces one of a stronger.
STRENGTH = {
    LabelSource.MODEL: 0,
    LabelSource.IMPORTED: 1,
    LabelSource.CONSENSUS: 2,
    LabelSource.EXPERT: 3,
    LabelSource.GOLD: 4,
}


def is_new_version(*, value: str, confidence: float, source: str, standing: tuple[str, float, str] | None) -> bool:
    """Say whether a label differs enough from the standing one (value, confidence, source) to be a new version."""
    if standing is None:
        return True
    old_value, old_confidence, old_source = standing
    if STRENGTH[LabelSource(source)] < STRENGTH[LabelSource(old_source)]:
        return False
    moved = abs(confidence - old_confidence) >= CONFIDENCE_STEP
    return value != old_value or source != old_source or moved


def best(posterior: Sequence[float], *, classes: Sequence[str]) -> tuple[str, float]:
    """Return the likeliest class and its probability; a tie goes to the class that sorts first by name."""
    top = max(posterior)
    winner = min(name for name, p in zip(classes, posterior, strict=True) if p >= top - 1e-12)
    return winner, float(top)
