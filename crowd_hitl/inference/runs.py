"""Masks as run lengths, as COCO writes them: down the columns, first the run of pixels that are off.

Nothing here ever holds the pixels: a mask of a billion pixels in three runs costs three numbers.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]

_BITS, _MORE, _FIRST = 5, 0x20, 48
# Seven groups of five bits hold 2^34: more than any mask's pixels.
_MOST_GROUPS = 7


def packed(counts: Sequence[int]) -> str:
    """Write run lengths as COCO's compressed string."""
    out: list[str] = []
    for place, count in enumerate(counts):
        value = count - counts[place - 2] if place > 2 else count
        while True:
            group = value & 0x1F
            value >>= _BITS
            done = value == (-1 if group & 0x10 else 0)
            out.append(chr((group if done else group | _MORE) + _FIRST))
            if done:
                break
    return "".join(out)


def unpacked(text: str) -> list[int]:
    """Read COCO's compressed string; ValueError where it is none."""
    counts: list[int] = []
    value = groups = 0
    for place, char in enumerate(text):
        group = ord(char) - _FIRST
        if not 0 <= group < 64 or groups >= _MOST_GROUPS:
            raise ValueError(f"character {place} cannot stand there")
        value |= (group & 0x1F) << _BITS * groups
        groups += 1
        if group & _MORE:
            continue
        if group & 0x10:
            value |= -1 << _BITS * groups
        counts.append(value + counts[-2] if len(counts) > 2 else value)
        value = groups = 0
    if groups:
        raise ValueError("it ends within a number")
    return counts


def joined(counts: Sequence[int]) -> list[int]:
    """Return the runs in their one form: none of length 0 but the first, and the last one off or on as it comes."""
    out: list[int] = []
    for place, count in enumerate(counts):
        on = place % 2 == 1
        if count == 0 and out:
            continue
        # Every second place of `out` is on as well: two runs of one kind in a row become one.
        if out and len(out) % 2 == (0 if on else 1):
            out[-1] += count
        else:
            out.append(count)
    return out


def edges_of(counts: Sequence[int]) -> Longs:
    """Return where the mask turns on and off, in turn: increasing, an even number of places."""
    places = np.cumsum(np.asarray(counts, dtype=np.int64))
    return places if len(places) % 2 == 0 else places[:-1]


def counts_of(edges: Longs, *, size: int) -> list[int]:
    """Return the run lengths of a mask of so many pixels that turns on and off there."""
    bounds = np.concatenate(([0], edges, [size]))
    return joined(np.diff(bounds).tolist())
