"""MACE, number for number crowd-kit's: a worker either knows the label or answers by a habit.

crowd-kit reads a worker's habits from another worker's row when names do not first appear in their order; `mace` does
the same, `mace_mended` does not.
"""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.mace import MaceSettings, fit_mace


class MaceAggregator:
    """A chance of knowing and a habit for each worker, by variational EM. Gold is not used."""

    name = "mace"

    def __init__(self, settings: MaceSettings | None = None) -> None:
        self.settings = settings or MaceSettings(crowd_kit_habits=True)

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors, and each worker's expected share of right answers. The seed draws the start."""
        return Consensus(*fit_mace(answers, self.settings, seed=seed))


plugin = MaceAggregator()
