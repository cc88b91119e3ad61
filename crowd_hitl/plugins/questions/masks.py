"""Pixels of an image that belong to a label, as COCO's run lengths."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.inference.runs import joined, packed, unpacked
from crowd_hitl.plugins.questions.checking import checked_whole
from crowd_hitl.plugins.questions.framing import FramedQuestion
from crowd_hitl.plugins.questions.marking import checked_label, checked_labels, checked_marks, checked_parts
from crowd_hitl.plugins.questions.places import image_size

MOST_MASKS = 100
LONGEST_SIDE = 65_536
MOST_PIXELS = 100_000_000
MOST_RUNS = 200_000
# A run takes one character at least, and six where runs are as long as masks are large.
LONGEST_COUNTS = 6 * MOST_RUNS


class MasksQuestion(FramedQuestion):
    """Masks {"size": [height, width], "counts", "label"}, at most one for each label; `counts` as COCO writes it.

    Run lengths are taken as a list or as COCO's compressed string. Canonical: the string, empty masks left out, in the
    order of the labels. Nothing is ever unpacked into pixels to check it.
    """

    kind = "masks"
    settings = ("labels", "max_pixels", "min_count", "max_count")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the labels, the largest size, and how many of the labels there may be."""
        pixels = spec.get("max_pixels", 25_000_000)
        return {
            **checked_labels(spec, most=MOST_MASKS),
            "max_pixels": checked_whole("max_pixels", pixels, least=1, most=MOST_PIXELS),
        }

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[dict[str, Any]]:
        """Return the masks in order; BadInput for runs that do not add up, sizes that differ, a label twice."""
        marks = checked_marks(spec, value, where=where)
        masks: dict[str, dict[str, Any]] = {}
        runs, sizes = 0, set()
        for place, mark in enumerate(marks):
            at = f"{where}[{place}]"
            counts, mask = checked_mask(spec, mark, where=at)
            runs += len(counts)
            sizes.add(tuple(mask["size"]))
            if mask["label"] in masks:
                expected = "every label once: join its masks into one"
                raise bad_field(f"{at}.label", expected=expected, found=mask["label"])
            if len(sizes) > 1:
                raise bad_field(f"{at}.size", expected="the same size in every mask", found=mask["size"])
            if runs > MOST_RUNS:
                raise bad_field(where, expected=f"at most {MOST_RUNS} runs in all", found=runs)
            masks[mask["label"]] = mask if len(counts) > 1 else {}
        drawn = [masks[label] for label in sorted(masks) if masks[label]]
        if len(drawn) < spec.get("min_count", 0):
            raise bad_field(where, expected=f"{spec['min_count']} or more masks with a pixel", found=len(drawn))
        return drawn

    def check_fit(self, spec: Mapping[str, Any], answer: Mapping[str, Any], content: Content) -> None:
        """Refuse a mask of another size than the item's image, where its data says `width` and `height`."""
        size = image_size(content)
        field = self.fields(spec)[0]
        for place, mask in enumerate(answer[field]):
            height, width = mask["size"]
            if size is not None and (width, height) != size:
                expected = f"[{size[1]}, {size[0]}], the image's height and width"
                raise bad_field(f"{field}[{place}].size", expected=expected, found=mask["size"])


def checked_mask(spec: Mapping[str, Any], mark: object, *, where: str) -> tuple[list[int], dict[str, Any]]:
    """Return one mask's runs, and the mask in its canonical form."""
    parts = checked_parts(mark, where=where, needed=("size", "counts"))
    size = parts["size"]
    if not isinstance(size, list | tuple) or len(size) != 2:
        raise bad_field(f"{where}.size", expected="[height, width]", found=size)
    height, width = (checked_whole(f"{where}.size[{n}]", size[n], least=1, most=LONGEST_SIDE) for n in (0, 1))
    most = spec.get("max_pixels", MOST_PIXELS)
    if height * width > most:
        raise bad_field(f"{where}.size", expected=f"at most {most} pixels", found=f"{height} × {width}")
    counts = checked_counts_of(parts["counts"], pixels=height * width, where=f"{where}.counts")
    label = checked_label(spec, parts.get("label"), where=f"{where}.label")
    return counts, {"size": [height, width], "counts": packed(counts), "label": label}


def checked_counts_of(value: object, *, pixels: int, where: str) -> list[int]:
    """Return run lengths, off and on in turn, that add up to the pixels."""
    counts: list[Any]
    if isinstance(value, str):
        counts = unpacked_counts(value, where=where)
    elif isinstance(value, Sequence) and not isinstance(value, bytes) and len(value) <= MOST_RUNS:
        counts = list(value)
    else:
        expected = f"COCO's run lengths: a text, or a list of at most {MOST_RUNS} numbers"
        raise bad_field(where, expected=expected, found=value)
    for place, count in enumerate(counts):
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= pixels:
            raise bad_field(f"{where}, run {place}", expected=f"a whole number from 0 to {pixels}", found=count)
    if sum(counts) != pixels:
        raise bad_field(where, expected=f"runs that add up to {pixels}, height × width", found=sum(counts))
    return joined(counts)


def unpacked_counts(text: str, *, where: str) -> list[int]:
    """Return the runs of COCO's compressed string."""
    if len(text) > LONGEST_COUNTS:
        raise bad_field(where, expected=f"at most {LONGEST_COUNTS} characters", found=len(text))
    try:
        counts = unpacked(text)
    except ValueError as error:
        raise bad_field(where, expected=f"COCO's compressed run lengths ({error})", found=text) from error
    if len(counts) > MOST_RUNS:
        raise bad_field(where, expected=f"at most {MOST_RUNS} runs", found=len(counts))
    return counts


plugin = MasksQuestion()
