"""MACE as its authors wrote it: every worker keeps their own habits, which crowd-kit's code mixes up."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.mace import MaceSettings, fit_mace


class MendedMaceAggregator:
    """A chance of knowing and a habit for each worker, by variational EM. Gold is not used."""

    name = "mace_mended"

    def __init__(self, settings: MaceSettings | None = None) -> None:
        self.settings = settings or MaceSettings()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors, and each worker's expected share of right answers. The seed draws the start."""
        return Consensus(*fit_mace(answers, self.settings, seed=seed))


plugin = MendedMaceAggregator()
