"""Items whose two likeliest classes are closest, where an answer teaches the model most."""

from random import Random

import numpy as np

from crowd_hitl.domain.ports import Floats, Pick


class MarginStrategy:
    """The smallest margins of the pool; the random share is the caller's, through the strategy `random`.

    A margin pick is certain, so its propensity is 1; picks drawn before the first model say what chance they had.
    """

    name = "margin"

    def choose(self, probabilities: Floats | None, *, size: int, count: int, random: Random) -> list[Pick]:
        """Take the `count` smallest margins, equal ones in random order; at random while there is no model."""
        taken = min(max(count, 0), size)
        shuffled = random.sample(range(size), size)
        if probabilities is None:
            return [Pick(index=index, reason="random", propensity=taken / size) for index in shuffled[:taken]]
        margins = margins_of(probabilities)
        # A stable sort over a shuffled pool: what is equally doubtful comes in no particular order.
        nearest = sorted(shuffled, key=lambda index: margins[index])[:taken]
        return [Pick(index=index, reason=self.name, propensity=1.0) for index in nearest]


def margins_of(probabilities: Floats) -> Floats:
    """Return, per row, how far the likeliest class is ahead of the second; 1 when there is only one class."""
    if probabilities.shape[1] < 2:
        return np.ones(len(probabilities))
    two = np.partition(probabilities, -2, axis=1)[:, -2:]
    margins: Floats = two[:, 1] - two[:, 0]
    return margins


plugin = MarginStrategy()
