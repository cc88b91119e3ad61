"""Several transcriptions of one recording become one, word by word: ROVER.

After Fiscus, A post-processing system to yield reduced word error rates: ROVER (1997): the texts are aligned one after
another into a row of slots, and in each slot the words vote. Here the text nearest to all others comes first, so that
the result does not depend on the order in which answers came, and a vote counts by its worker's skill.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.inference.words import Normalisation, distance

Floats = NDArray[np.float64]

# A vote for no word at all in a slot.
NOTHING = ""
# Above so many words times words, an alignment would take seconds: the nearest text is taken as it is.
LARGEST_ALIGNMENT = 4_000_000
LEVEL = 1e-12

_LINE_ENDS = re.compile(r" *\n[ ]*")
_TAKE, _SKIP, _NEW = 0, 1, 2


@dataclass(frozen=True)
class Text:
    """One answer as words: as they are compared, and as they were written (a line's last word with its end)."""

    keys: tuple[str, ...]
    words: tuple[str, ...]
    whole: str


@dataclass
class Slot:
    """One place of the row: how much weight is for each word, and for each way in which it was written."""

    votes: dict[str, float] = field(default_factory=dict)
    written: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, key: str, word: str, weight: float) -> None:
        """Count one vote."""
        self.votes[key] = self.votes.get(key, 0.0) + weight
        self.written[key, word] = self.written.get((key, word), 0.0) + weight


def as_text(text: str, rule: Normalisation) -> Text:
    """Cut a text into words; what is nothing but punctuation goes with the word before it."""
    keys: list[str] = []
    words: list[str] = []
    for word in text.replace("\n", "\n ").split(" "):
        key = rule.key(word)
        if key:
            keys.append(key)
            words.append(word)
        elif words and word:
            words[-1] += f" {word}"
    return Text(keys=tuple(keys), words=tuple(words), whole=text)


def joined(words: Sequence[str]) -> str:
    """Return the words as one text, lines as they were."""
    return _LINE_ENDS.sub("\n", " ".join(words)).strip()


def apart(one: Text, other: Text) -> float:
    """Return how far two texts are from each other, 0..1."""
    return distance(one.keys, other.keys)


def nearest(texts: Sequence[Text], weights: Floats, gaps: Floats) -> int:
    """Return the text that is nearest to all (the medoid); of those level, the most usual, then the first by name."""
    sums = np.round(gaps @ weights, 9)
    usual = np.round((gaps == 0.0) @ weights, 9)
    return min(range(len(texts)), key=lambda i: (sums[i], -usual[i], -round(float(weights[i]), 9), texts[i].whole))


def fuse(texts: Sequence[Text], weights: Floats, gaps: Floats) -> str:
    """Return what most weight is for as a whole, or else what wins word by word.

    `gaps` holds the distances of the first texts; only these are compared (the caller bounds how many there are).
    """
    if len(texts) == 1:
        return texts[0].whole
    texts, weights = texts[: len(gaps)], weights[: len(gaps)]
    first = nearest(texts, weights, gaps)
    total = float(weights[first])
    slots = opened(texts[first], total)
    others = sorted(range(len(texts)), key=lambda i: (gaps[first, i], -round(float(weights[i]), 9), texts[i].whole))
    others.remove(first)
    same = [place for place in others if gaps[first, place] == 0.0]
    sizes = [len(text.keys) for text in texts]
    if total + float(weights[same].sum()) > weights.sum() / 2:
        for place in same:
            for slot, key, word in zip(slots, texts[place].keys, texts[place].words, strict=True):
                slot.add(key, word, float(weights[place]))
    elif max(sizes) * sum(sizes) > LARGEST_ALIGNMENT:
        return texts[first].whole
    else:
        for place in others:
            slots = aligned(slots, texts[place], float(weights[place]), total)
            total += float(weights[place])
    return joined(winners(slots)) or texts[first].whole


def opened(text: Text, weight: float) -> list[Slot]:
    """Return the row of slots of the first text."""
    slots = []
    for key, word in zip(text.keys, text.words, strict=True):
        slots.append(Slot())
        slots[-1].add(key, word, weight)
    return slots


def aligned(slots: list[Slot], text: Text, weight: float, total: float) -> list[Slot]:
    """Add a text to the row, where it fits at the least cost; `total` is the weight of the texts before it."""
    steps = cheapest_steps(slots, text.keys, total)
    out: list[Slot] = []
    i, j = len(text.keys), len(slots)
    while i or j:
        step = steps[i][j]
        if step == _SKIP:
            slot = slots[j - 1]
            slot.add(NOTHING, NOTHING, weight)
        elif step == _TAKE:
            slot = slots[j - 1]
            slot.add(text.keys[i - 1], text.words[i - 1], weight)
        else:
            slot = Slot()
            slot.add(NOTHING, NOTHING, total)
            slot.add(text.keys[i - 1], text.words[i - 1], weight)
        out.append(slot)
        i -= step != _SKIP
        j -= step != _NEW
    return out[::-1]


def cheapest_steps(slots: Sequence[Slot], keys: Sequence[str], total: float) -> list[list[int]]:
    """Return for every pair of places the last step of the cheapest alignment that ends there.

    A word costs the share of the votes that are not for it, where the original costs 0 or 1: a slot that all agree on
    draws more than one where a single worker has the word.
    """
    skips = [1.0 - slot.votes.get(NOTHING, 0.0) / total for slot in slots]
    costs = [{key: 1.0 - votes / total for key, votes in slot.votes.items()} for slot in slots]
    before = [0.0]
    for skip in skips:
        before.append(before[-1] + skip)
    steps = [[_SKIP] * len(before)]
    for key in keys:
        left = before[0] + 1.0
        row, step = [left], [_NEW]
        for j, skip in enumerate(skips):
            cost, how = before[j] + costs[j].get(key, 1.0), _TAKE
            if left + skip < cost - LEVEL:
                cost, how = left + skip, _SKIP
            if before[j + 1] + 1.0 < cost - LEVEL:
                cost, how = before[j + 1] + 1.0, _NEW
            row.append(cost)
            step.append(how)
            left = cost
        before = row
        steps.append(step)
    return steps


def winners(slots: Sequence[Slot]) -> list[str]:
    """Return the words that most weight is for; a word wins over no word when level, then the longer one."""
    words = []
    for slot in slots:
        key = max(slot.votes, key=lambda key: (round(slot.votes[key], 9), len(key), key))
        if key != NOTHING:
            ways = {word: votes for (of, word), votes in slot.written.items() if of == key}
            words.append(min(ways, key=lambda word: (-round(ways[word], 9), word)))
    return words
