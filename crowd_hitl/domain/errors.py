"""Every error a caller may meet, in one tree; api/problems.py maps each branch to one HTTP status.

CrowdError
├── BadInput            what was sent cannot be understood (names field, expected, found)
├── NotSignedIn         no valid credentials came with the request
├── NotAllowed          the account's role does not permit it
├── NotFound            there is no such thing, or not for this account
├── Conflict            it clashes with what already stands
│   ├── AlreadyDone     the same decision was taken before
│   ├── KeyReused       a client key that named another request
│   └── TooLate         the lease, the undo window or the deadline has passed
├── NothingToDo         no open place for this worker now (an answer, not a fault)
├── BudgetTooSmall      the money asked for is not there (says what is missing)
├── Busy                another transaction won every time; try again
└── Unusable            a file, a server or an artefact outside cannot be used
"""

from collections.abc import Sequence
from dataclasses import dataclass
from reprlib import Repr


@dataclass(frozen=True)
class FieldProblem:
    """One field that is not as it should be; `row` is set when it came from a file."""

    field: str
    expected: str
    found: str
    row: int | None = None


class CrowdError(Exception):
    """The root of the tree. Its message says what happened and how to mend it."""


class BadInput(CrowdError):
    """What was sent cannot be understood."""

    def __init__(self, message: str, *, problems: Sequence[FieldProblem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class NotSignedIn(CrowdError):
    """No valid credentials came with the request."""


class NotAllowed(CrowdError):
    """The account's role does not permit it."""


class NotFound(CrowdError):
    """There is no such thing, or not for this account."""


class Conflict(CrowdError):
    """It clashes with what already stands."""


class AlreadyDone(Conflict):
    """The same decision was taken before."""


class KeyReused(Conflict):
    """A client key that named another request."""


class TooLate(Conflict):
    """The lease, the undo window or the deadline has passed."""


class NothingToDo(CrowdError):
    """No open place for this worker now."""


class BudgetTooSmall(CrowdError):
    """The money asked for is not there."""

    def __init__(self, message: str, *, missing_micros: int = 0) -> None:
        super().__init__(message)
        self.missing_micros = missing_micros


class Busy(CrowdError):
    """Another transaction won every time; try again."""


class Unusable(CrowdError):
    """A file, a server or an artefact outside cannot be used."""


class _Brief(Repr):
    """Shows the beginning of whatever was found: it may be megabytes long, or nested without end."""

    def repr_int(self, x: int, level: int) -> str:
        # Python itself refuses to write out an integer of more than 4,300 digits.
        return super().repr_int(x, level) if x.bit_length() < 10_000 else "a number of thousands of digits"


_brief = _Brief()
_brief.maxstring = _brief.maxother = _brief.maxlong = 80
_brief.maxlist = _brief.maxtuple = _brief.maxdict = 6
_brief.maxlevel = 3


def bad_field(field: str, *, expected: str, found: object) -> BadInput:
    """Build the error for one wrong field, in the one wording used everywhere; it can be stored and sent whatever came.

    Only the beginning of what was found is shown.
    """
    problem = FieldProblem(field=_plain(field[:200]), expected=expected, found=_shown(found))
    return BadInput(f"{problem.field}: expected {expected}, found {problem.found}.", problems=[problem])


def _shown(found: object) -> str:
    return f"'{_plain(found[:80])}'" if isinstance(found, str) else _brief.repr(found)


def _plain(text: str) -> str:
    # What breaks the line, commands the terminal, or cannot be stored, is shown as Python writes it.
    return text if text.isprintable() else repr(text)[1:-1]
