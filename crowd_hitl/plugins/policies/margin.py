"""A task has answers enough when the likeliest class is far enough ahead of the next: nothing is asked of the rest."""

from collections.abc import Sequence


class MarginPolicy:
    """Stops when the two likeliest classes are as far apart as a confidence at the target would put two classes."""

    name = "margin"

    def enough(self, posterior: Sequence[float], *, answers: int, confidence_target: float) -> bool:
        """Say whether the lead is 2 · target − 1 or more; never before the first answer."""
        if answers == 0:
            return False
        ahead, behind = [*sorted(posterior, reverse=True), 0.0][:2]
        return ahead - behind >= 2.0 * confidence_target - 1.0


plugin = MarginPolicy()
