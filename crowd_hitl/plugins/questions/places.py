"""Where marks on an image lie: in fractions of its sides, in percent (Label Studio) or in pixels (COCO)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crowd_hitl.domain.errors import BadInput, bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.inference.scales import DIGITS, EXTENTS
from crowd_hitl.plugins.questions.open_answers import checked_number, wrong


@dataclass(frozen=True)
class Scale:
    """How far x and y may go, and with how many digits they are kept."""

    most: float
    digits: int

    def number(self, where: str, value: object, *, least: float = 0.0) -> float:
        """Return a coordinate, rounded; BadInput outside the image."""
        # Room for what floating point loses when 0.1 and 0.9 are added.
        slack = 10.0**-self.digits
        found = checked_number(where, value, least=least or -slack, most=self.most + slack)
        return round(min(max(found, least), self.most), self.digits)


def checked_unit(spec: Mapping[str, Any]) -> str:
    """Return what coordinates count."""
    unit = spec.get("unit", "fraction")
    if unit not in EXTENTS:
        raise wrong("unit", "one of " + ", ".join(EXTENTS), unit)
    return str(unit)


def scale_of(spec: Mapping[str, Any]) -> Scale:
    """Return the scale of a question's settings."""
    unit = spec.get("unit", "fraction")
    return Scale(most=EXTENTS[unit], digits=DIGITS[unit])


def image_size(content: Content) -> tuple[int, int] | None:
    """Return the item's width and height in pixels, from its data; None where they are not there."""
    width, height = content.data.get("width"), content.data.get("height")
    if isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0:
        return width, height
    return None


def outside(where: str, *, limit: float, side: str, found: float) -> BadInput:
    """Build the error of a mark that goes beyond the image."""
    return bad_field(where, expected=f"at most {limit:g}, the image's {side}", found=found)
