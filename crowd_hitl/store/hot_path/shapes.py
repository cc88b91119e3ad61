"""What goes into the hot path and what comes out of it, the same for both databases."""

from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from crowd_hitl.domain.assignments import BARRING

# As SQL writes it: with an earlier assignment in one of these, a worker gets a task never again.
BARRED = "({})".format(", ".join(f"'{state}'" for state in BARRING))
# Nobody may sit on more places of one batch than this: others wait for them.
HELD_MAX = 20


class Wanted(NamedTuple):
    """How many places of a batch a worker wants; `wait` looks again at rows that others hold locked."""

    batch_id: int
    worker_id: int
    places: int
    now: datetime
    wait: bool = False


class Filled(NamedTuple):
    """An answer, checked against its question, to a leased assignment; and how many places are wanted next."""

    assignment_id: int
    worker_id: int
    value: object
    client_key: str
    seconds: float
    next_count: int
    now: datetime


class Place(NamedTuple):
    """One leased place with its item."""

    assignment_id: int
    task_id: int
    batch_id: int
    question_version_id: int
    item_id: int
    item_key: str
    text: str | None
    image_key: str | None
    audio_key: str | None
    leased_at: datetime
    lease_ends_at: datetime
    price_micros: int
    currency: str


class Taken(NamedTuple):
    """An answer that was written, what it earns, and the places leased with it."""

    answer_id: int
    earned_micros: int
    currency: str
    next: list[Place]


class HotPath(Protocol):
    """The statements of one kind of database. Each function runs inside the transaction of its connection."""

    def lease(self, connection: Connection, wanted: Wanted) -> list[Place]:
        """Lease the next open places by priority, then position; empty when batch or worker do not permit any."""

    def fill(self, connection: Connection, filled: Filled) -> Taken | None:
        """Write an answer, pay for it if the batch approves by itself, and lease the next places.

        None, and nothing is changed, when this worker does not hold the assignment on a lease.
        """

    def places(self, connection: Connection, assignment_ids: list[int]) -> list[Place]:
        """Show assignments with their items, in the order of the ids."""
