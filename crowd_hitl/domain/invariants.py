"""What a check of the books finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it must be."""

    rule: str
    subject: str
    expected: str
    found: str
