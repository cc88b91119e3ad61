"""Keyset pages: a list's rows, and where the next ones start. No page costs more than the first."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Generic, TypeVar

from crowd_hitl.domain.errors import bad_field

T = TypeVar("T")
PAGE_ROWS = 50
# Beyond it a number of ours never is, and a database's whole numbers end.
NUMBER_END = 2**62


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some rows of a list; `after` names the next page and is None on the last."""

    rows: Sequence[T]
    after: str | None = None


def first_rows(rows: Sequence[T], *, limit: int) -> tuple[Sequence[T], bool]:
    """Cut the one row that was asked for beyond the limit; say whether it was there."""
    return rows[:limit], len(rows) > limit


def id_after(cursor: str | None) -> int | None:
    """Read a cursor that is one id; BadInput if it is not ours."""
    if not cursor:
        return None
    if not cursor.isdecimal() or len(cursor) > 18:
        raise bad_field("after", expected="the cursor of an earlier page", found=cursor)
    return int(cursor)


def number_and_id_after(cursor: str | None) -> tuple[float, int] | None:
    """Read a cursor of a number and an id ("0.5:17"); BadInput if it is not ours."""
    if not cursor:
        return None
    number, _, key = cursor.partition(":")
    try:
        where = float(number)
    except ValueError:
        where = nan
    if not abs(where) < NUMBER_END or not key.isdecimal() or len(key) > 18:
        raise bad_field("after", expected="the cursor of an earlier page", found=cursor)
    return where, int(key)
