"""Passages of the item's text, each with a label: names, quotes, faults."""

from collections.abc import Mapping, Sequence
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.plugins.questions.checking import checked_flag, checked_one, checked_whole
from crowd_hitl.plugins.questions.framing import FramedQuestion
from crowd_hitl.plugins.questions.marking import checked_label, checked_labels, checked_marks, checked_parts

LONGEST_TEXT = 10_000_000
MOST_SPANS = 5_000
UNITS = ("characters", "tokens")


class SpansQuestion(FramedQuestion):
    """Spans {"start", "end", "label"}: `end` is the first character (or token) after the span, as Python slices.

    Characters are Unicode code points, not UTF-16 units. [start, end, label] is taken too, as doccano writes it.
    Canonical: sorted by start, end and label.
    """

    kind = "spans"
    settings = ("labels", "overlap", "unit", "min_count", "max_count")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the labels, whether spans may overlap, what offsets count, and how many spans there may be."""
        return {
            **checked_labels(spec, most=MOST_SPANS),
            "overlap": checked_flag("overlap", spec.get("overlap", False)),
            "unit": checked_one("unit", spec.get("unit", "characters"), UNITS),
        }

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> list[dict[str, Any]]:
        """Return the spans in order; BadInput for one that is empty, doubled, or overlaps where that is not allowed."""
        marks = checked_marks(spec, value, where=where)
        spans = [checked_span(spec, mark, where=f"{where}[{place}]") for place, mark in enumerate(marks)]
        spans.sort(key=lambda span: (span["start"], span["end"], span["label"]))
        self._check_side_by_side(spec, spans, where=where)
        return spans

    def check_fit(self, spec: Mapping[str, Any], answer: Mapping[str, Any], content: Content) -> None:
        """Refuse a span that ends after the item's text does (its `tokens` where those are counted)."""
        length = length_of(spec, content)
        field = self.fields(spec)[0]
        for place, span in enumerate(answer[field]):
            if length is not None and span["end"] > length:
                expected = f"at most {length}, where the item's text ends"
                raise bad_field(f"{field}[{place}].end", expected=expected, found=shown_span(span))

    def _check_side_by_side(self, spec: Mapping[str, Any], spans: Sequence[Mapping[str, Any]], *, where: str) -> None:
        furthest: Mapping[str, Any] | None = None
        for before, span in zip([None, *spans], spans, strict=False):
            if before == span:
                raise bad_field(where, expected="every span once", found=shown_span(span))
            if furthest is not None and span["start"] < furthest["end"] and not spec.get("overlap", False):
                both = f"{shown_span(furthest)} and {shown_span(span)}"
                raise bad_field(where, expected="spans that do not overlap", found=both)
            if furthest is None or span["end"] > furthest["end"]:
                furthest = span


def checked_span(spec: Mapping[str, Any], mark: object, *, where: str) -> dict[str, Any]:
    """Return one span of at least one character."""
    if isinstance(mark, list | tuple) and len(mark) == 3:
        mark = dict(zip(("start", "end", "label"), mark, strict=True))
    parts = checked_parts(mark, where=where, needed=("start", "end"))
    start = checked_whole(f"{where}.start", parts["start"], least=0, most=LONGEST_TEXT - 1)
    return {
        "start": start,
        "end": checked_whole(f"{where}.end", parts["end"], least=start + 1, most=LONGEST_TEXT),
        "label": checked_label(spec, parts.get("label"), where=f"{where}.label"),
    }


def length_of(spec: Mapping[str, Any], content: Content) -> int | None:
    """Return how many characters or tokens the item has; None where it does not say."""
    if spec.get("unit", "characters") == "characters":
        return None if content.text is None else len(content.text)
    tokens = content.data.get("tokens")
    return len(tokens) if isinstance(tokens, Sequence) and not isinstance(tokens, str) else None


def shown_span(span: Mapping[str, Any]) -> str:
    """Name a span in an error."""
    return f"{span['start']}–{span['end']} {span['label'][:40]}"


plugin = SpansQuestion()
