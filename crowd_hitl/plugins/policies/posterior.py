"""A task has answers enough when one class's posterior reaches the confidence target."""

from collections.abc import Sequence


class PosteriorPolicy:
    """Stops asking as soon as the answers agree surely enough."""

    name = "posterior"

    def enough(self, posterior: Sequence[float], *, answers: int, confidence_target: float) -> bool:
        """Say whether the likeliest class is as likely as wanted; never before the first answer."""
        return answers > 0 and max(posterior) >= confidence_target


plugin = PosteriorPolicy()
