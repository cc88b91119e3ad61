"""An item to be labelled, as it comes in from a file and as a question or a model sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crowd_hitl.domain.errors import FieldProblem


@dataclass(frozen=True)
class Content:
    """What a model or a page needs of one item: its text, or the bytes of its image, and the rest of its row."""

    key: str
    text: str | None = None
    image: bytes | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ItemRecord:
    """One good row of an import: the requester's key, text or where image or audio are, and gold if it came along."""

    row: int
    key: str
    text: str | None = None
    image: str | None = None
    audio: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    gold: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportReport:
    """What an import did: rows read, items added, items that were there, and every bad row."""

    rows: int
    added: int
    already_there: int
    gold: int
    bad: tuple[FieldProblem, ...]

    @property
    def bad_rows(self) -> int:
        """Count the rows that were left out."""
        return len({problem.row for problem in self.bad})


# Gold that names no field means the question's first one.
FIRST_FIELD = ""
