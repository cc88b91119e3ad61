"""Zero-based skill: weights start at chance and move to the share of answers that equal the weighted votes.

The twin of crowd-kit's ZeroBasedSkill, which does not run on scikit-learn 1.8 and later.
"""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.votes import ZeroBasedSettings, fit_zero_based


class ZeroBasedSkillAggregator:
    """Weighs votes again and again. Gold is not used."""

    name = "zero_based_skill"

    def __init__(self, settings: ZeroBasedSettings | None = None) -> None:
        self.settings = settings or ZeroBasedSettings()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return the shares of the weights, and the weights as skills. Ties go by label: the seed is not used."""
        return Consensus(*fit_zero_based(answers, self.settings), softened=None)


plugin = ZeroBasedSkillAggregator()
