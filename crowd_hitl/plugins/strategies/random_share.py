"""Items drawn evenly: the first round, and the share of every later one that keeps estimates unbiased."""

from random import Random

from crowd_hitl.domain.ports import Floats, Pick


class RandomStrategy:
    """Every item of the pool has the same chance."""

    name = "random"

    def choose(self, probabilities: Floats | None, *, size: int, count: int, random: Random) -> list[Pick]:
        """Draw `count` items without replacement; the whole pool if it is smaller."""
        taken = min(max(count, 0), size)
        chosen = random.sample(range(size), taken)
        return [Pick(index=index, reason=self.name, propensity=taken / size) for index in chosen]


plugin = RandomStrategy()
