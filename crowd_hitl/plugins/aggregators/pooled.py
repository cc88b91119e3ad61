"""The default for decisions about money: Dawid–Skene with workers shrunk to the crowd; gold teaches their skill."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.answers import check_answers
from crowd_hitl.inference.pooled import PooledSettings, fit_pooled


class PooledAggregator:
    """Weighs sparse answers; the result depends neither on the order of the answers nor on chance."""

    name = "pooled"

    def __init__(self, settings: PooledSettings | None = None) -> None:
        self.settings = settings or PooledSettings()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors and skills; tasks without answers are uniform, gold tasks certain. The seed is not used."""
        check_answers(answers)
        posteriors, skills = fit_pooled(answers, self.settings)
        return Consensus(posteriors=posteriors, skills=skills, softened=self.settings.temperature)


plugin = PooledAggregator()
