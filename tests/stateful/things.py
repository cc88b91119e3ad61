"""What the model is made of: batches, tasks, sittings, assignments, answers, blocks and payouts, as plain data."""

from dataclasses import dataclass, field
from datetime import datetime

LEASED, SUBMITTED, APPROVED, REJECTED = "leased", "submitted", "approved", "rejected"
RELEASED, EXPIRED, LATE, SOFT_REJECTED = "released", "expired", "late", "soft_rejected"
STANDING = (LEASED, SUBMITTED, APPROVED)
ANSWERED = (SUBMITTED, APPROVED)
SET_ASIDE = (REJECTED, LATE, SOFT_REJECTED)
BARRING = (*STANDING, *SET_ASIDE)
OPEN, SETTLED, OWED, LAPSED = "open", "settled", "owed", "lapsed"
UNSETTLED = (OPEN, SUBMITTED)
HELD_MAX = 20


@dataclass
class Batch:
    """A batch and the money that it holds; `line` is that part of it which pays what comes late or is not used."""

    id: int
    price: int
    overlap_min: int
    overlap_max: int
    lease_seconds: int
    page_size: int
    pays_at_once: bool
    deadline: datetime | None = None
    state: str = "open"
    held: int = 0
    line: int = 0


@dataclass
class Task:
    """A task and its counters."""

    id: int
    batch_id: int
    item_id: int
    overlap: int
    places_left: int
    answers: int = 0
    state: str = "open"
    reason: str | None = None


@dataclass
class Sitting:
    """What is paid together; one that the services open later has no number until the database is read."""

    id: int | None = None
    state: str = OPEN


@dataclass
class Assignment:
    """One worker's hold on one task."""

    id: int
    task_id: int
    worker_id: int
    ends_at: datetime
    sitting: Sitting
    state: str = LEASED
    ended_at: datetime | None = None


@dataclass
class Answer:
    """What a worker said, and what came with the receipt."""

    id: int
    assignment_id: int
    worker_id: int
    key: str
    label: str
    submitted_at: datetime
    next_ids: list[int]


@dataclass
class Block:
    """What keeps a worker from a batch, from the project, or (neither) from everything."""

    id: int
    worker_id: int
    kind: str
    of_project: bool
    batch_id: int | None
    ends_at: datetime | None
    is_lifted: bool = False

    @property
    def is_everywhere(self) -> bool:
        """Say whether it reaches all of the organisation."""
        return not self.of_project and self.batch_id is None

    def holds(self, now: datetime) -> bool:
        """Say whether it stands at this moment."""
        return not self.is_lifted and (self.ends_at is None or self.ends_at > now)


@dataclass
class Payout:
    """What one worker is sent, and the earnings that it holds."""

    id: int
    run_id: int
    worker_id: int
    amount: int
    lines: list[int] = field(default_factory=list)
    state: str = "due"
    paid_as: str | None = None
    failure: str | None = None
    was_paid: bool = False
