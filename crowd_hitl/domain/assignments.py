"""An assignment: one worker's hold on one task, from lease to decision."""

from datetime import datetime, timedelta
from enum import StrEnum

REPLACE_SECONDS = 60


class AssignmentState(StrEnum):
    """`leased → submitted → approved | rejected`, or the hold ended without an answer.

    Three more carry an answer that is kept and not used: `late` (its place was filled by somebody else meanwhile),
    `soft_rejected` (paid, but not to be counted) and `removed` (its worker's answers were taken out and replaced).
    """

    LEASED = "leased"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    RELEASED = "released"
    EXPIRED = "expired"
    LATE = "late"
    SOFT_REJECTED = "soft_rejected"
    REMOVED = "removed"


# While in one of these, an assignment holds a place and is this worker's one voice.
STANDING = (AssignmentState.LEASED, AssignmentState.SUBMITTED, AssignmentState.APPROVED)
# These ended without an answer.
LET_GO = (AssignmentState.RELEASED, AssignmentState.EXPIRED)
# These carry an answer that counts.
ANSWERED = (AssignmentState.SUBMITTED, AssignmentState.APPROVED)
# These carry an answer that is kept, and not used.
SET_ASIDE = (
    AssignmentState.REJECTED,
    AssignmentState.LATE,
    AssignmentState.SOFT_REJECTED,
    AssignmentState.REMOVED,
)
# With an earlier assignment in one of these, a worker gets a task never again.
BARRING = (*STANDING, *SET_ASIDE)


class SittingState(StrEnum):
    """A sitting is what is leased and paid together; `owed` when what should pay for it is used up."""

    OPEN = "open"
    SUBMITTED = "submitted"
    SETTLED = "settled"
    OWED = "owed"
    LAPSED = "lapsed"


def replaceable_until(submitted_at: datetime) -> datetime:
    """Say until when a worker may replace the answer (undo)."""
    return submitted_at + timedelta(seconds=REPLACE_SECONDS)
