"""One-coin Dawid–Skene, number for number crowd-kit's: one accuracy for each worker instead of a matrix."""

from crowd_hitl.domain.ports import AnswerTable, Consensus
from crowd_hitl.inference.dawid_skene import Stop
from crowd_hitl.inference.one_coin import fit_one_coin


class OneCoinAggregator:
    """One number for each worker, by EM: for few answers, and for thousands of labels. Gold is not used."""

    name = "one_coin_dawid_skene"

    def __init__(self, stop: Stop | None = None) -> None:
        self.stop = stop or Stop()

    def aggregate(self, answers: AnswerTable, *, seed: int) -> Consensus:
        """Return posteriors, and each worker's expected share of right answers. The seed is not used."""
        return Consensus(*fit_one_coin(answers, self.stop))


plugin = OneCoinAggregator()
