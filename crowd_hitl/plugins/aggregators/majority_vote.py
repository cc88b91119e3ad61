"""Majority vote: every vote counts the same; the share of the votes is the posterior, as crowd-kit's MajorityVote."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.votes import fit_majority


class MajorityAggregator:
    """Counts votes. Gold is not used: a vote does not know who votes."""

    name = "majority_vote"

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return the shares of the votes, and as skill each worker's agreement with the winners (ties by seed)."""
        return Consensus(*fit_majority(answers, seed=seed), softened=None)


plugin = MajorityAggregator()
