"""M-MSR through crowd-kit: workers' skills by robust rank-one matrix completion, for crowds with adversaries."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.crowdkit import fit_mmsr


class MmsrAggregator:
    """crowd-kit's own skills. Gold is not used; very many workers and tasks are refused."""

    name = "mmsr"

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors, and each worker's expected share of right answers. The seed draws the start."""
        return Consensus(*fit_mmsr(answers, seed=seed), softened=None)


plugin = MmsrAggregator()
