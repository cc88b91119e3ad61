"""Wawa, "worker agreement with aggregate": votes weighted by how often a worker agrees with the majority.

The twin of crowd-kit's Wawa, which does not run on scikit-learn 1.8 and later.
"""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.votes import fit_wawa


class WawaAggregator:
    """Weighs votes once. Gold is not used."""

    name = "wawa"

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return the shares of the weights, and the weights as skills. Ties go by label: the seed is not used."""
        return Consensus(*fit_wawa(answers), softened=None)


plugin = WawaAggregator()
