"""Texts become one text: the one that most workers gave, or else word by word (ROVER)."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.ports import Floats, Fused, ValueTable
from crowd_hitl.inference.fusing import Weighing, fuse_values
from crowd_hitl.inference.rover import Text, apart, as_text, fuse, nearest
from crowd_hitl.inference.words import Normalisation

# Texts that share fewer words than this are no versions of one text: the nearest to all is better than a mixture.
FARTHEST_MIXED = 0.5


class TextFuser:
    """Weighs texts by how near each worker comes to the others; never makes one that the question would refuse."""

    right_within = 0.2
    reads_contents = False

    def __init__(self, name: str, *, farthest_mixed: float) -> None:
        self.name = name
        self.kinds: Sequence[str] = ("text", "transcription")
        self.farthest_mixed = farthest_mixed

    def fuse(self, answers: ValueTable, *, seed: int) -> Fused:
        """Return a text for each task. Ties are broken by the texts themselves; the seed is not used."""
        rule = Normalisation.of(answers.spec)
        weighing = Weighing(
            prepare=lambda text: as_text(text, rule),
            distance=apart,
            combine=lambda texts, weights, gaps: self.combine(texts, weights, gaps, answers.spec),
        )
        return fuse_values(answers, weighing)

    def distance(self, one: Any, other: Any, *, spec: Mapping[str, Any]) -> float:
        """Return the share of the words to be changed to get from the one to the other."""
        rule = Normalisation.of(spec)
        return apart(as_text(one, rule), as_text(other, rule))

    def combine(self, texts: Sequence[Text], weights: Floats, gaps: Floats, spec: Mapping[str, Any]) -> str:
        """Return one text of several."""
        known = texts[: len(gaps)]
        middle = nearest(known, weights[: len(gaps)], gaps)
        spread = float(gaps[middle] @ weights[: len(gaps)] / weights[: len(gaps)].sum())
        if spread > self.farthest_mixed or spec.get("pattern") is not None:
            return known[middle].whole
        mixed = fuse(texts, weights, gaps)
        fits = spec.get("min_length", 0) <= len(mixed) <= spec.get("max_length", len(mixed))
        return mixed if fits else known[middle].whole


plugin = TextFuser("text", farthest_mixed=FARTHEST_MIXED)
