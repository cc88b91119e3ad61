"""A label: the agreed value of one field of an item, its source and its confidence."""

from collections.abc import Sequence
from enum import StrEnum


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


# What is shown where an answer says that the item itself cannot be answered.
CANNOT_BE_ANSWERED = "can't be answered"


class Change(StrEnum):
    """What a new finding does to a standing label."""

    NONE = "none"
    REFINED = "refined"
    NEW_VERSION = "new_version"


def change(*, value: str, source: str, standing: tuple[str, str] | None) -> Change:
    """Say what a finding does to the standing label (value, source).

    Another value or source is a new version; more evidence for the same one only refines its confidence.
    """
    if standing is None:
        return Change.NEW_VERSION
    if STRENGTH[LabelSource(source)] < STRENGTH[LabelSource(standing[1])]:
        return Change.NONE
    return Change.REFINED if (value, source) == standing else Change.NEW_VERSION


def best(posterior: Sequence[float], *, classes: Sequence[str]) -> tuple[str, float]:
    """Return the likeliest class and its probability; a tie goes to the class that sorts first by name."""
    top = max(posterior)
    winner = min(name for name, p in zip(classes, posterior, strict=True) if p >= top - 1e-12)
    return winner, float(top)
