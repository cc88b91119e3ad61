"""Boxes around things in an image, each with a label."""

from collections.abc import Iterator, Mapping
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.marking import checked_label, checked_parts
from crowd_hitl.plugins.questions.places import PlacesQuestion, scale_of


class BoxesQuestion(PlacesQuestion):
    """Boxes {"x", "y", "width", "height", "label"}: x and y are the upper left corner, as in COCO.

    Canonical: rounded, and sorted by x, y, width, height and label.
    """

    kind = "boxes"
    most_marks = 500

    def read_mark(self, spec: Mapping[str, Any], mark: object, *, where: str) -> dict[str, Any]:
        """Return one box that lies within the image."""
        parts = checked_parts(mark, where=where, needed=("x", "y", "width", "height"))
        scale = scale_of(spec)
        least = 10.0**-scale.digits
        box: dict[str, Any] = {start: scale.number(f"{where}.{start}", parts[start]) for start in ("x", "y")}
        for start, side in (("x", "width"), ("y", "height")):
            length = scale.number(f"{where}.{side}", parts[side], least=least)
            room = round(scale.most - box[start], scale.digits)
            # One unit of the last digit is what rounding both may take.
            if length > room + 1.5 * least:
                expected = f"at most {room:g}, so that {start} + {side} ends at the border"
                raise bad_field(f"{where}.{side}", expected=expected, found=length)
            if room < least:
                expected = f"less than {scale.most:g}, so that the box has an area"
                raise bad_field(f"{where}.{start}", expected=expected, found=box[start])
            box[side] = min(length, room)
        box["label"] = checked_label(spec, parts.get("label"), where=f"{where}.label")
        return box

    def reaches(self, mark: Mapping[str, Any]) -> Iterator[tuple[str, int, float]]:
        """Yield where the box ends."""
        yield ".x + width", 0, mark["x"] + mark["width"]
        yield ".y + height", 1, mark["y"] + mark["height"]


plugin = BoxesQuestion()
