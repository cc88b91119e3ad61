"""KOS for two labels, number for number crowd-kit's: says which label, not how surely."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.kos import fit_kos

ITERATIONS = 100


class KosAggregator:
    """Messages between tasks and workers. Gold is not used; more than two labels are refused."""

    name = "kos"

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return certain labels, and each worker's share of them. The seed draws the first messages."""
        return Consensus(*fit_kos(answers, iterations=ITERATIONS, seed=seed), softened=None)


plugin = KosAggregator()
