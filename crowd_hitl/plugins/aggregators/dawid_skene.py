"""Dawid–Skene, number for number crowd-kit's: the reference that others are compared with.

Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979).
"""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.dawid_skene import Stop, fit_dawid_skene


class DawidSkeneAggregator:
    """A confusion matrix for each worker, by EM. Its posteriors are over-confident: `pooled` is for money."""

    name = "dawid_skene"

    def __init__(self, stop: Stop | None = None) -> None:
        self.stop = stop or Stop()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return crowd-kit's posteriors, and as skill each worker's expected share of right answers under them.

        Ties stay ties in the posterior, for the caller's rule to break. Gold is certain. The seed is not used.
        """
        return Consensus(*fit_dawid_skene(answers, self.stop))


plugin = DawidSkeneAggregator()
