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


def bad_field(field: str, *, expected: str, found: object) -> BadInput:
    """Build the error for one wrong field, in the one wording used everywhere."""
    # A text that breaks the line, or commands the terminal, is shown as Python writes it.
    is_plain = isinstance(found, str) and found.isprintable()
    shown = f"'{str(found)[:80]}'" if is_plain else repr(found[:80] if isinstance(found, str) else found)
    problem = FieldProblem(field=field, expected=expected, found=shown)
    return BadInput(f"{field}: expected {expected}, found {shown}.", problems=[problem])
