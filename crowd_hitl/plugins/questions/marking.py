"""What the questions have in common whose answers are marks: passages, boxes, outlines, masks, each with a label."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_one, checked_options, checked_range

MOST_MARKS = 10_000


def checked_labels(spec: Mapping[str, Any], *, most: int) -> dict[str, Any]:
    """Return the labels, and how many marks an answer must and may have."""
    labels = checked_options(spec.get("labels"), name="labels", fewest=1)
    return {"labels": labels, **checked_range(spec, ("min_count", "max_count"), defaults=(0, most))}


def label_values(spec: Mapping[str, Any]) -> list[str]:
    """List the values that a mark's label can take."""
    labels = spec.get("labels", ())
    return [label if isinstance(label, str) else label["value"] for label in labels]


def checked_label(spec: Mapping[str, Any], value: object, *, where: str) -> str:
    """Return a mark's label; it may be left out where there is only one."""
    known = label_values(spec)
    if value is None and len(known) == 1:
        return known[0]
    return checked_one(where, value, known)


def checked_marks(spec: Mapping[str, Any], value: object, *, where: str) -> list[Any]:
    """Return the list of marks, of which there are neither too few nor too many."""
    least, most = spec.get("min_count", 0), spec.get("max_count", MOST_MARKS)
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise bad_field(where, expected=f"a list of {least} to {most} marks (none: an empty list)", found=value)
    if not least <= len(value) <= most:
        raise bad_field(where, expected=f"{least} to {most} marks", found=len(value))
    return list(value)


def checked_parts(mark: object, *, where: str, needed: Sequence[str]) -> Mapping[str, Any]:
    """Return a mark that has all the parts it needs, and no others but a label."""
    known = (*needed, "label")
    if not isinstance(mark, Mapping):
        raise bad_field(where, expected="an object with " + ", ".join(known), found=mark)
    for name in mark:
        if name not in known:
            raise bad_field(f"{where}.{name}", expected="only " + ", ".join(known), found=mark[name])
    for name in needed:
        if name not in mark:
            raise bad_field(f"{where}.{name}", expected="a value", found="nothing")
    return mark
