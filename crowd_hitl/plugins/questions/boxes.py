"""Boxes around things in an image, each with a label."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from crowd_hitl.domain.items import Content
from crowd_hitl.plugins.questions.open_answers import (
    OpenQuestion,
    checked_counts,
    checked_label,
    checked_labels,
    checked_marks,
    checked_parts,
    wrong,
)
from crowd_hitl.plugins.questions.places import checked_unit, image_size, outside, scale_of

MOST_BOXES = 500


class BoxesQuestion(OpenQuestion):
    """Boxes {"x", "y", "width", "height", "label"}: x and y are the upper left corner, as in COCO.

    Canonical: rounded, and sorted by x, y, width, height and label.
    """

    kind = "boxes"
    settings = ("labels", "unit", "min_count", "max_count")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the labels, the unit of the coordinates, and how many boxes there may be."""
        return {
            "labels": checked_labels(spec),
            "unit": checked_unit(spec),
            **checked_counts(spec, most=MOST_BOXES),
        }

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[dict[str, Any]]:
        """Return the boxes in order; BadInput for one that is outside the image, has no area, or comes twice."""
        marks = checked_marks(spec, value, where=where)
        boxes = [checked_box(spec, mark, where=f"{where}[{place}]") for place, mark in enumerate(marks)]
        boxes.sort(key=lambda box: tuple(box.values()))
        for before, box in pairwise(boxes):
            if before == box:
                raise wrong(where, "every box once", f"{box['x']:g}, {box['y']:g} {box['label'][:40]} twice")
        return boxes

    def check_fit(self, spec: Mapping[str, Any], answer: Mapping[str, Any], content: Content) -> None:
        """Refuse a box in pixels that goes beyond the item's image, where its data says `width` and `height`."""
        size = image_size(content)
        if spec.get("unit") != "pixel" or size is None:
            return
        field = self.fields(spec)[0]
        for place, box in enumerate(answer[field]):
            for limit, start, side in zip(size, ("x", "y"), ("width", "height"), strict=True):
                if box[start] + box[side] > limit + 0.01:
                    found = box[start] + box[side]
                    raise outside(f"{field}[{place}].{start} + {side}", limit=limit, side=side, found=found)


def checked_box(spec: Mapping[str, Any], mark: object, *, where: str) -> dict[str, Any]:
    """Return one box that lies within the image."""
    parts = checked_parts(mark, where=where, needed=("x", "y", "width", "height"), also=("label",))
    scale = scale_of(spec)
    least = 10.0**-scale.digits
    box: dict[str, Any] = {start: scale.number(f"{where}.{start}", parts[start]) for start in ("x", "y")}
    for start, side in (("x", "width"), ("y", "height")):
        length = scale.number(f"{where}.{side}", parts[side], least=least)
        room = round(scale.most - box[start], scale.digits)
        # One unit of the last digit is what rounding both may take.
        if length > room + 1.5 * least:
            raise wrong(f"{where}.{side}", f"at most {room:g}, so that {start} + {side} ends at the border", length)
        if room < least:
            raise wrong(f"{where}.{start}", f"less than {scale.most:g}, so that the box has an area", box[start])
        box[side] = min(length, room)
    box["label"] = checked_label(spec, parts.get("label"), where=f"{where}.label")
    return box


plugin = BoxesQuestion()
