"""A text that the worker writes: short, or of several lines; with bounds and, if wished, a pattern."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.plugins.questions.checking import checked_flag, checked_storable, checked_whole
from crowd_hitl.plugins.questions.framing import FramedQuestion

LONGEST_TEXT = 20_000
LONGEST_PATTERN = 200
IGNORABLE = ("case", "punctuation", "accents")
_SPACES = re.compile(r"[^\S\n]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


class TextQuestion(FramedQuestion):
    """One text. Its canonical form is NFC, with single spaces and no space at the ends of lines.

    `ignore` says what is not compared when answers are: case, punctuation, accents. The text itself keeps them.
    """

    kind = "text"
    settings: tuple[str, ...] = ("min_length", "max_length", "multiline", "pattern", "ignore")

    def check_settings(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Return the bounds, the pattern (or None) and what is ignored."""
        least = checked_whole("min_length", spec.get("min_length", 1), least=0, most=LONGEST_TEXT)
        most = checked_whole("max_length", spec.get("max_length", LONGEST_TEXT), least=max(least, 1), most=LONGEST_TEXT)
        return {
            "min_length": least,
            "max_length": most,
            "multiline": checked_flag("multiline", spec.get("multiline", False)),
            "pattern": checked_pattern(spec.get("pattern")),
            "ignore": checked_ignore(spec.get("ignore", ["case", "punctuation"])),
        }

    def check_value(self, spec: Mapping[str, Any], value: object, *, where: str) -> str:
        """Return the text in its canonical form; BadInput if it is too long, too short or not of the pattern."""
        most = spec.get("max_length", LONGEST_TEXT)
        # Before anything is done with it: spaces may make it longer than what is kept, but not without end.
        if not isinstance(value, str) or len(value) > 4 * most + 1000:
            raise bad_field(where, expected=f"a text of at most {most} characters", found=value)
        text = canonical(value, where=where, multiline=bool(spec.get("multiline", False)))
        least = spec.get("min_length", 1)
        if not least <= len(text) <= most:
            found = f"{len(text)} characters: {text[:40]}"
            raise bad_field(where, expected=f"a text of {least} to {most} characters", found=found)
        pattern = spec.get("pattern")
        if pattern is not None and not matches(pattern, text):
            raise bad_field(where, expected=f"a text that as a whole is of the form {pattern}", found=text)
        return text


def canonical(text: str, *, where: str, multiline: bool) -> str:
    """Return a text as it is stored; BadInput for what no database stores."""
    lines = (
        unicodedata.normalize("NFC", checked_storable(where, text))
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\t", " ")
    )
    if control := _CONTROL.search(lines):
        raise bad_field(where, expected="a text without control characters", found=f"U+{ord(control[0]):04X}")
    if not multiline:
        lines = lines.replace("\n", " ")
    return "\n".join(_SPACES.sub(" ", line).strip() for line in lines.split("\n")).strip()


def checked_pattern(pattern: object) -> str | None:
    """Return the pattern; BadInput for one that RE2 does not know (it has no look-around and no back-references)."""
    if pattern is None or pattern == "":
        return None
    if not isinstance(pattern, str) or len(pattern) > LONGEST_PATTERN:
        expected = f"a regular expression of at most {LONGEST_PATTERN} characters"
        raise bad_field("pattern", expected=expected, found=pattern)
    checked_storable("pattern", pattern)
    try:
        # By itself first: 'a)|(b' is none, though it would be one within brackets.
        _search(pattern, "")
        _search(whole(pattern), "")
    except ValueError as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise bad_field("pattern", expected=f"a regular expression as RE2 knows them ({why})", found=pattern) from error
    return pattern


def matches(pattern: str, text: str) -> bool:
    """Say whether the whole text is of the pattern."""
    return _search(whole(pattern), text)


def whole(pattern: str) -> str:
    """Return the pattern that fits whole texts only."""
    return rf"\A(?:{pattern})\z"


def checked_ignore(names: object) -> list[str]:
    """Return what is not compared, in the order of IGNORABLE."""
    if not isinstance(names, list | tuple) or not all(name in IGNORABLE for name in names):
        raise bad_field("ignore", expected="a list of " + ", ".join(IGNORABLE), found=names)
    return [name for name in IGNORABLE if name in names]


def _search(pattern: str, text: str) -> bool:
    # RE2 takes time linear in the text, whatever the pattern: Python's own engine can be kept busy for years by a
    # pattern of ten characters. Its errors are ValueErrors.
    arrow, compute = _engine()
    return bool(compute.match_substring_regex(arrow.scalar(text), pattern=pattern).as_py())


@lru_cache
def _engine() -> tuple[Any, Any]:
    # Half a second to import: only questions with a pattern pay for it.
    return import_module("pyarrow"), import_module("pyarrow.compute")


plugin = TextQuestion()
