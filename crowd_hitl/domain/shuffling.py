"""A shuffled order without a list: every number has its place computed, in Python as well as in a database."""

from dataclasses import dataclass
from random import Random
from typing import Any

ROUNDS = 4
# Products of a place and a factor must fit the 63 bits a database counts with.
WIDEST_PRODUCT_BITS = 62
FACTOR_BITS = 30


@dataclass(frozen=True)
class Shuffle:
    """Gives each number of `low … low + size − 1` a place of its own in `0 … size − 1`; `size` is a power of two.

    Each round multiplies by an odd factor and adds, modulo `size`, which keeps numbers apart; between rounds the upper
    and the lower half of the bits change places, so that neighbours come to lie far from each other.
    """

    low: int
    size: int
    rounds: tuple[tuple[int, int], ...]

    def place(self, number: Any) -> Any:
        """Return the place of a number, or the expression of it: only `+ - * // %` are used, as SQL has them."""
        lower = 1 << (self.size.bit_length() // 2)
        found = number - self.low
        for turn, (factor, shift) in enumerate(self.rounds):
            if turn:
                found = found // lower + (found % lower) * (self.size // lower)
            found = (found * factor + shift) % self.size
        return found


def draw_shuffle(random: Random, *, low: int, high: int) -> Shuffle:
    """Draw a shuffle of the numbers from `low` to `high`; the same random gives the same one."""
    bits = max(1, (high - low).bit_length())
    factor_bits = max(2, min(FACTOR_BITS, WIDEST_PRODUCT_BITS - bits))
    drawn = tuple((random.getrandbits(factor_bits) | 1, random.getrandbits(bits)) for _ in range(ROUNDS))
    return Shuffle(low=low, size=1 << bits, rounds=drawn)
