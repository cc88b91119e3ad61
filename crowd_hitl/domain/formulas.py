"""Cells that a spreadsheet would run as a formula: made harmless on the way out, restored on the way in."""

import re

# An apostrophe in front of such a text is escaped too, so that every text can be told from its escaped form.
_RISKY = re.compile(r"'*[=+\-@\t\r]")


def defuse(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula; `restore` takes it off again."""
    return f"'{text}" if _RISKY.match(text) else text


def restore(text: str) -> str:
    """Return the text that `defuse` was given."""
    return text[1:] if text.startswith("'") and _RISKY.match(text) else text
