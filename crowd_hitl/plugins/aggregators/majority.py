"""Majority vote through crowd-kit: every vote counts the same; the share of the votes is the posterior."""

from importlib import import_module

import numpy as np

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.answers import check_answers, shares_of_agreement, uniform
from crowd_hitl.inference.crowdkit import as_frame, posteriors_from, quiet
from crowd_hitl.inference.ties import winners


class MajorityAggregator:
    """Counts votes. Gold is not used: a vote does not know who votes."""

    name = "majority_vote"

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return the shares of the votes, and as skill each worker's agreement with the winners (ties by seed)."""
        check_answers(answers)
        if not len(answers.tasks):
            return Consensus(uniform(answers.n_tasks, answers.n_labels), np.full(answers.n_workers, 0.5))
        # crowd-kit takes seconds to import, so only a vote pays for it.
        crowdkit = import_module("crowdkit.aggregation")
        with quiet():
            shares = crowdkit.MajorityVote().fit_predict_proba(as_frame(answers))
        posteriors = posteriors_from(shares, answers)
        won = np.eye(answers.n_labels)[winners(posteriors, seed=seed)]
        return Consensus(posteriors=posteriors, skills=shares_of_agreement(answers, won))


plugin = MajorityAggregator()
