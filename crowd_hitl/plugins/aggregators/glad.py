"""GLAD as crowd-kit computes it: a worker's ability and a task's ease decide how likely an answer is right."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.glad import GladSettings, fit_glad


class GladAggregator:
    """One ability for each worker, one ease for each task, by EM with a conjugate gradient. Gold is not used."""

    name = "glad"

    def __init__(self, settings: GladSettings | None = None) -> None:
        self.settings = settings or GladSettings()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors, and each worker's expected share of right answers. The seed is not used."""
        return Consensus(*fit_glad(answers, self.settings))


plugin = GladAggregator()
