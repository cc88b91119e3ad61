"""Dawid–Skene through crowd-kit, number for number: the reference that others are compared with.

Dawid and Skene, Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm (1979).
"""

from importlib import import_module

import numpy as np

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.answers import check_answers, shares_of_agreement, uniform
from crowd_hitl.inference.crowdkit import as_frame, gold_series, posteriors_from, quiet

ITERATIONS = 100


class DawidSkeneAggregator:
    """A confusion matrix for each worker, by EM. Its posteriors are over-confident: `pooled` is for money."""

    name = "dawid_skene"

    def __init__(self, iterations: int = ITERATIONS) -> None:
        self.iterations = iterations

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return crowd-kit's posteriors, and as skill each worker's expected share of right answers under them.

        Only crowd-kit's numbers: ties stay ties in the posterior, for the caller's rule to break. The seed is not used.
        """
        check_answers(answers)
        if not len(answers.tasks):
            return Consensus(uniform(answers.n_tasks, answers.n_labels), np.full(answers.n_workers, 0.5))
        # crowd-kit takes seconds to import, so only an aggregation pays for it.
        crowdkit = import_module("crowdkit.aggregation")
        with quiet():
            model = crowdkit.DawidSkene(n_iter=self.iterations)
            found = model.fit_predict_proba(as_frame(answers), gold_series(answers))
        posteriors = posteriors_from(found, answers)
        return Consensus(posteriors=posteriors, skills=shares_of_agreement(answers, posteriors))


plugin = DawidSkeneAggregator()
