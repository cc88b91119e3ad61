"""The default for decisions about money: Dawid–Skene with workers shrunk to the crowd; gold teaches their skill."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.answers import check_answers
from crowd_hitl.inference.online import take_snapshot
from crowd_hitl.inference.pooled import PooledSettings, finished, fit_answers, fit_skills_only


class PooledAggregator:
    """Weighs sparse answers; the result depends neither on the order of the answers nor on chance."""

    name = "pooled"

    def __init__(self, settings: PooledSettings | None = None) -> None:
        self.settings = settings or PooledSettings()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors and skills; tasks without answers are uniform, gold tasks certain. The seed is not used."""
        check_answers(answers)
        softened, fitted = self.settings.temperature, fit_answers(answers, self.settings)
        if fitted is None:
            return Consensus(*fit_skills_only(answers, self.settings), softened=softened)
        posteriors = finished(answers, fitted.posteriors, self.settings)
        return Consensus(posteriors, fitted.skills, softened=softened, snapshot=take_snapshot(fitted))


plugin = PooledAggregator()
