"""Masks become one mask for each label: the pixels of more than half of the weight; crowd-kit's models beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crowd_hitl.domain.ports import Floats, Fused, ValueTable
from crowd_hitl.inference.fusing import Weighing, fuse_values
from crowd_hitl.inference.runs import counts_of, edges_of, packed, unpacked
from crowd_hitl.inference.segmenting import weighted_majority
from crowd_hitl.inference.sweeps import area, overlap

MOST_RUNS = 200_000
Size = tuple[int, int]


@dataclass(frozen=True)
class Painted:
    """One answer: the image's size (None where nothing was painted), and each label's region."""

    size: Size | None
    regions: Mapping[str, Floats]


class MasksFuser:
    """Fuses masks label by label, by runs: never unpacked into pixels."""

    right_within = 0.5
    reads_contents = False

    def __init__(self, name: str, model: Callable[..., Floats], *, by_skill: bool) -> None:
        self.name = name
        self.kinds: Sequence[str] = ("masks",)
        self.model = model
        self.by_skill = by_skill

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Return masks for each task; answers of another size than most have no say. The seed is not used."""
        weighing = Weighing(
            prepare=painted,
            distance=apart,
            combine=lambda given, weights, gaps: self.combine(given, weights, gaps, answers.spec),
            skill_power=4.0 if self.by_skill else 0.0,
            nearness_power=2.0 if self.by_skill else 0.0,
            rounds=2 if self.by_skill else 1,
        )
        return fuse_values(answers, weighing)

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return 1 − F1 of the two answers, each label's masks counting by their overlap; 1 for other sizes."""
        return apart(painted(one), painted(other))

    def combine(self, given: Sequence[Painted], weights: Floats, gaps: Floats, spec: Mapping[str, Any]) -> Any:
        """Return the masks of one task."""
        size = usual_size(given, weights)
        if size is None:
            return []
        fitting = [place for place, one in enumerate(given) if one.size in (size, None)]
        found: dict[str, Floats] = {}
        for label in sorted({label for place in fitting for label in given[place].regions}):
            regions = [given[place].regions.get(label, np.zeros(0)) for place in fitting]
            region = self.model(regions, weights[fitting], size=float(size[0] * size[1]))
            if len(region):
                found[label] = region
        return bounded(found, given, size, weights, gaps, spec)


def painted(value: Sequence[Mapping[str, Any]]) -> Painted:
    """Return an answer's masks as regions."""
    regions = {mask["label"]: edges_of(unpacked(mask["counts"])).astype(np.float64) for mask in value}
    return Painted(size=tuple(value[0]["size"]) if value else None, regions=regions)


def apart(one: Painted, other: Painted) -> float:
    """Return how far two answers are from each other, 0..1."""
    if not one.regions or not other.regions:
        return float(bool(one.regions) != bool(other.regions))
    if one.size != other.size:
        return 1.0
    both = sum(overlap(region, other.regions[label]) for label, region in one.regions.items() if label in other.regions)
    return max(1.0 - 2.0 * both / (len(one.regions) + len(other.regions)), 0.0)


def usual_size(given: Sequence[Painted], weights: Floats) -> Size | None:
    """Return the size that most weight is for; the smallest when level, None where nobody painted anything."""
    votes: dict[Size, float] = {}
    for one, weight in zip(given, weights, strict=True):
        if one.size is not None:
            votes[one.size] = votes.get(one.size, 0.0) + float(weight)
    return min(votes, key=lambda size: (-round(votes[size], 9), size)) if votes else None


def bounded(
    found: Mapping[str, Floats],
    given: Sequence[Painted],
    size: Size,
    weights: Floats,
    gaps: Floats,
    spec: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the masks as the question has them: no more than it allows, and the nearest answer if it wants more."""
    largest = sorted(found, key=lambda label: (-area(found[label]), label))[: spec.get("max_count", len(found))]
    kept = {label: found[label] for label in sorted(largest)}
    runs = sum(len(region) + 2 for region in kept.values())
    if len(kept) < spec.get("min_count", 0) or runs > MOST_RUNS:
        sums = (gaps @ weights[: len(gaps)]).round(9).tolist()
        one = given[sums.index(min(sums))]
        return as_masks(one.regions, one.size or size)
    return as_masks(kept, size)


def as_masks(regions: Mapping[str, Floats], size: Size) -> list[dict[str, Any]]:
    """Return regions as COCO's run lengths."""
    pixels = size[0] * size[1]
    return [
        {"size": list(size), "counts": packed(counts_of(region.astype(np.int64), size=pixels)), "label": label}
        for label, region in sorted(regions.items())
    ]


plugin = MasksFuser("masks", weighted_majority, by_skill=True)
