"""A task: one item put as one question version in one batch, and when it has answers enough."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

# Hours that a level can tell apart within one priority: beyond the end of the calendar.
HOURS = 2**28
HOUR_SECONDS = 3600
# Gold stands so far below all other work of its batch: it is leased out of turn, as it is drawn.
GOLD_BELOW = 2**61


class TaskState(StrEnum):
    """`open` has places left; `full` waits for answers or agreement; `retired` will not be asked again."""

    OPEN = "open"
    FULL = "full"
    RETIRED = "retired"


class RetireReason(StrEnum):
    """Why a task is not asked any more (the names follow Caesar's)."""

    AGREED = "agreed"
    OVERLAP = "overlap"
    BUDGET = "budget"
    DEADLINE = "deadline"
    CLOSED = "closed"
    BROKEN = "broken"


class BatchState(StrEnum):
    """A batch's life: only an open one hands out places."""

    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class Purpose(StrEnum):
    """What a batch buys answers for; an audit's answers never train, a reference is gold in the making."""

    LABEL = "label"
    REFERENCE = "reference"
    AUDIT = "audit"


@dataclass(frozen=True)
class OverlapRule:
    """How many distinct workers are wanted for a task, and the confidence at which no more are."""

    overlap_min: int
    overlap_max: int
    confidence_target: float


class Next(StrEnum):
    """What follows once a task's places are filled."""

    WAIT = "wait"
    ASK = "ask"
    AGREED = "agreed"
    GIVE_UP = "give_up"


def next_step(rule: OverlapRule, *, answers: int, confidence: float, enough: bool | None = None) -> Next:
    """Say whether a task needs a further answer; the same rule decides live work and replays.

    `answers` counts standing answers, `confidence` is the agreed label's; a policy may pass its
    own verdict as `enough`, which replaces the comparison with the target.
    """
    if answers < rule.overlap_min:
        return Next.WAIT
    if (confidence >= rule.confidence_target) if enough is None else enough:
        return Next.AGREED
    if answers >= rule.overlap_max:
        return Next.GIVE_UP
    return Next.ASK


def voice_key(*, item_id: int, question_version_id: int) -> str:
    """Name what one worker may answer once: an item under a question version, over all rounds and batches."""
    return f"{item_id}:{question_version_id}"


def level(priority: int, deadline: datetime | None) -> int:
    """Say where in the order of work tasks stand, higher first: by priority, then by deadline, none of them last.

    Deadlines count by the hour: a claim goes through the levels one by one, so that there must be few.
    """
    if deadline is None:
        return priority * HOURS
    hour = int(deadline.astimezone(UTC).timestamp() // HOUR_SECONDS)
    return priority * HOURS + HOURS - 1 - max(0, hour)


def position(now: datetime, *, offset: int = 0) -> int:
    """Place a task in the queue: later moments lie behind earlier ones, so a reopened task joins at the end.

    Of several at one moment each takes an offset of its own: whoever was handed one has passed those that share its
    position.
    """
    return int(now.timestamp() * 1_000_000) + offset
