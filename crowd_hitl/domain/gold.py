"""How often a worker meets gold: often at first, rarer with each right answer to it, in no rhythm."""

from hashlib import blake2b

# A new worker is known by nothing but gold: one answer in three tells good from bad within a dozen answers, and costs
# little, as it does not stay so.
FIRST_SHARE = 1 / 3
# Ten right answers bring it from 1 in 3 to 1 in 50: below every usual rate, which it then stays at.
SHRINKS_TO = 0.75
# Who errs is looked at longer: a wrong answer weighs as much as two right ones.
WRONG_COSTS = 2


def gold_share(rate: float, *, seen: int, right: int) -> float:
    """Say which share of a worker's tasks is gold, by how they did on gold so far; never below the batch's rate."""
    if rate <= 0:
        return 0.0
    steps = max(0, right - WRONG_COSTS * (seen - right))
    return max(rate, FIRST_SHARE * SHRINKS_TO**steps)


def draw(*seed: object) -> float:
    """Draw a number from 0 up to 1 that these alone decide: the same again for the same worker and answer."""
    digest = blake2b(":".join(str(part) for part in seed).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
