"""What goes into the hot path and what comes out of it, the same for both databases."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from crowd_hitl.domain.assignments import BARRING

# As SQL writes it: with an earlier assignment in one of these, a worker gets a task never again.
BARRED = "({})".format(", ".join(f"'{state}'" for state in BARRING))
# Nobody may sit on more places of one batch than this: others wait for them. Of a batch with pages it is one page.
HELD_MAX = 20


class Wanted(NamedTuple):
    """How many places of a batch a worker wants; of a batch with pages, whether a page.

    A special batch is handed out only `in_service`: to a service, that has checked what a statement does not.
    """

    batch_id: int
    worker_id: int
    places: int
    now: datetime
    in_service: bool = False


class Filled(NamedTuple):
    """An answer, checked against its question, to a leased assignment; and how many places are wanted next.

    One of a page, and one to a special batch, is taken only `in_service`: the service settles the sitting then.
    """

    assignment_id: int
    worker_id: int
    value: object
    client_key: str
    seconds: float
    next_count: int
    now: datetime
    in_service: bool = False


class PageAnswer(NamedTuple):
    """One answer of a page, checked against its question."""

    assignment_id: int
    value: object
    client_key: str
    seconds: float


class PageFilled(NamedTuple):
    """The answers of a whole page; and whether the next one is wanted."""

    sitting_id: int
    worker_id: int
    answers: Sequence[PageAnswer]
    next_count: int
    now: datetime


class Place(NamedTuple):
    """One leased place with its item."""

    assignment_id: int
    sitting_id: int
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
    """An answer that was written, what it earns, and the places leased with it.

    `full_in`: the batch, if it was its task's last answer and the batch may ask for more or stop.
    """

    answer_id: int
    earned_micros: int
    currency: str
    full_in: int | None
    next: list[Place]


class PageTaken(NamedTuple):
    """The answers that were written, by assignment; what they earn together, and the page leased with them.

    `full_in`: the batch, if one was its task's last answer and the batch may ask for more or stop.
    """

    answer_ids: dict[int, int]
    earned_micros: int
    currency: str
    full_in: int | None
    next: list[Place]


class HotPath(Protocol):
    """The statements of one kind of database. Each function runs inside the transaction of its connection."""

    def lease(self, connection: Connection, wanted: Wanted) -> list[Place]:
        """Lease the next open places past the worker's bookmark, by level, then position.

        Empty when there are none, and when batch or worker do not permit any. Of a batch with pages: one page.
        """

    def lease_these(self, connection: Connection, wanted: Wanted, *, task_ids: Sequence[int]) -> list[Place]:
        """Lease places of those of these tasks that are still open to this worker."""

    def lease_drawn(self, connection: Connection, wanted: Wanted, *, task_ids: Sequence[int]) -> list[Place]:
        """Lease as `lease` does, these tasks first if they are open still: in an order that does not tell which."""

    def fill(self, connection: Connection, filled: Filled) -> Taken | None:
        """Write an answer, pay for it if the batch approves by itself, and lease the next places.

        None, and nothing is changed, when this worker does not hold the assignment on a lease.
        """

    def fill_page(self, connection: Connection, filled: PageFilled) -> PageTaken | None:
        """Write the answers of a page, pay for it if the batch approves by itself, and lease the next page.

        None, and nothing is changed, when they are not the whole sitting, all of it on a lease to this worker.
        """

    def places(self, connection: Connection, assignment_ids: list[int]) -> list[Place]:
        """Show assignments with their items, in the order of the ids."""
