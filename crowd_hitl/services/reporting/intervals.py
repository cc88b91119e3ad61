"""Wilson's interval: what a share found in a sample says about the share it was drawn from."""

from dataclasses import dataclass
from math import sqrt

Z_95 = 1.959964


@dataclass(frozen=True)
class Share:
    """`right` of `seen`, with Wilson's 95% interval; the interval is 0..1 when nothing was seen."""

    right: int
    seen: int

    @property
    def value(self) -> float | None:
        """Return the share, None when nothing was seen."""
        return self.right / self.seen if self.seen else None

    @property
    def low(self) -> float:
        """Return the interval's lower end."""
        return self._bounds()[0]

    @property
    def high(self) -> float:
        """Return the interval's upper end."""
        return self._bounds()[1]

    @property
    def half(self) -> float:
        """Return half the interval's width, as it is written after ±."""
        low, high = self._bounds()
        return (high - low) / 2

    def _bounds(self) -> tuple[float, float]:
        """E. B. Wilson, JASA 22 (1927) 209–212."""
        if not self.seen:
            return 0.0, 1.0
        share, n, square = self.right / self.seen, self.seen, Z_95**2
        centre = (share + square / (2 * n)) / (1 + square / n)
        reach = Z_95 / (1 + square / n) * sqrt(share * (1 - share) / n + square / (4 * n * n))
        return max(0.0, centre - reach), min(1.0, centre + reach)
