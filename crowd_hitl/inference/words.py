"""Texts as words: what is compared of them, and how many words lie between two of them (word error rate)."""

import re
import unicodedata
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

# An apostrophe, a hyphen or a dot between letters or digits belongs to the word: it's, 3.5.
_PUNCTUATION = re.compile(r"(?<=\w)(['’.,])(?=\w)|[^\w\s]")


@dataclass(frozen=True)
class Normalisation:
    """What of two texts must be equal for them to count as the same."""

    case: bool = True
    punctuation: bool = True
    accents: bool = False

    @classmethod
    def of(cls, spec: Mapping[str, Any]) -> Self:
        """Read the question's setting `ignore`, a list of what is not compared."""
        ignored = spec.get("ignore", ("case", "punctuation"))
        return cls(case="case" in ignored, punctuation="punctuation" in ignored, accents="accents" in ignored)

    def key(self, word: str) -> str:
        """Return what of a word is compared; empty for one that is nothing but punctuation."""
        if self.accents:
            word = "".join(char for char in unicodedata.normalize("NFKD", word) if not unicodedata.combining(char))
        if self.case:
            word = word.casefold()
        return (stripped(word) if self.punctuation else word).strip()


def stripped(word: str) -> str:
    """Take the punctuation off a word, save what stands inside it."""
    return _PUNCTUATION.sub(lambda found: "'" if found[1] == "’" else found[1] or "", word)


def keys_of(text: str, rule: Normalisation) -> tuple[str, ...]:
    """Return the words of a text as they are compared."""
    return tuple(key for word in text.split() if (key := rule.key(word)))


def edits(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Count the insertions, deletions and substitutions from one sequence to the other.

    Myers (1999) in the form of Hyyrö (2003): a column of the table is one integer, so a word costs a few operations.
    """
    if len(one) < len(other):
        one, other = other, one
    if not other:
        return len(one)
    places: dict[Hashable, int] = {}
    for place, word in enumerate(other):
        places[word] = places.get(word, 0) | 1 << place
    full, last = (1 << len(other)) - 1, 1 << (len(other) - 1)
    up, down, distance = full, 0, len(other)
    for word in one:
        same = places.get(word, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        right_up, right_down = down | ~(diagonal | up) & full, up & diagonal
        distance += bool(right_up & last) - bool(right_down & last)
        right_up, right_down = (right_up << 1 | 1) & full, right_down << 1 & full
        up, down = right_down | ~(diagonal | right_up) & full, right_up & diagonal
    return distance


def distance(one: Sequence[Hashable], other: Sequence[Hashable]) -> float:
    """Return the edits as a share of the longer sequence, 0..1; 0 for two that are empty."""
    longest = max(len(one), len(other))
    return edits(one, other) / longest if longest else 0.0
