"""Marks on an image: where they lie, in fractions of its sides, in percent (Label Studio) or in pixels (COCO)."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.inference.scales import DIGITS, EXTENTS
from crowd_hitl.plugins.questions.checking import checked_number, checked_one
from crowd_hitl.plugins.questions.framing import FramedQuestion
from crowd_hitl.plugins.questions.marking import checked_labels, checked_marks


class PlacesQuestion(FramedQuestion):
    """Marks that are sorted by their parts, none twice; each kind says how one is read."""

    settings = ("labels", "unit", "min_count", "max_count")
    most_marks: int

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the labels, the unit of the coordinates, and how many marks there may be."""
        unit = checked_one("unit", spec.get("unit", "fraction"), list(EXTENTS))
        return {**checked_labels(spec, most=self.most_marks), "unit": unit}

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[dict[str, Any]]:
        """Return the marks in order; BadInput for one that is outside the image, has no area, or comes twice."""
        read = self.read_marks(spec, checked_marks(spec, value, where=where), where=where)
        marks = sorted(read, key=lambda mark: tuple(mark.values()))
        for before, mark in pairwise(marks):
            if before == mark:
                raise bad_field(where, expected=f"all {self.kind} different", found=mark)
        return marks

    def check_fit(self, spec: Mapping[str, Any], answer: Mapping[str, Any], content: Content) -> None:
        """Refuse a mark in pixels that goes beyond the item's image, where its data says `width` and `height`."""
        size = image_size(content)
        if spec.get("unit") != "pixel" or size is None:
            return
        field = self.fields(spec)[0]
        for place, mark in enumerate(answer[field]):
            for part, axis, found in self.reaches(mark):
                # What rounding a start and a length may add up to.
                if found > size[axis] + 0.01:
                    expected = f"at most {size[axis]}, the image's {('width', 'height')[axis]}"
                    raise bad_field(f"{field}[{place}]{part}", expected=expected, found=found)

    def read_marks(self, spec: Mapping[str, Any], marks: Sequence[Any], *, where: str) -> Iterator[dict[str, Any]]:
        """Yield the marks, each in its canonical form."""
        for place, mark in enumerate(marks):
            yield self.read_mark(spec, mark, where=f"{where}[{place}]")

    @abstractmethod
    def read_mark(self, spec: Mapping[str, Any], mark: object, *, where: str) -> dict[str, Any]:
        """Return one mark in its canonical form; BadInput if it is outside the image or has no area."""

    @abstractmethod
    def reaches(self, mark: Mapping[str, Any]) -> Iterator[tuple[str, int, float]]:
        """Yield how far a mark goes to the right (0) or down (1), and the part of it that does."""


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
        # Zero has no sign: −0.0 would be another value than 0.0 in JSON.
        return round(min(max(float(found), least), self.most), self.digits) + 0.0


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
