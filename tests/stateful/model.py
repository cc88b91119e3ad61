"""What should be: a model of batches, tasks, assignments, answers and money in plain dicts, that knows no database."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crowd_hitl.domain.money import payable
from tests.builders import NOON

# table → id → what is compared
Facts = dict[str, dict[int, tuple[Any, ...]]]

LEASED, SUBMITTED, APPROVED, REJECTED = "leased", "submitted", "approved", "rejected"
RELEASED, EXPIRED = "released", "expired"
STANDING = (LEASED, SUBMITTED, APPROVED)
ANSWERED = (SUBMITTED, APPROVED)
BARRING = (*STANDING, REJECTED)
HELD_MAX = 20


@dataclass
class Batch:
    """A batch and the money that it holds."""

    id: int
    price: int
    overlap_min: int
    overlap_max: int
    lease_seconds: int
    pays_at_once: bool
    deadline: datetime | None = None
    state: str = "open"
    held: int = 0


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
class Assignment:
    """One worker's hold on one task."""

    id: int
    task_id: int
    worker_id: int
    ends_at: datetime
    state: str = LEASED


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
class Payout:
    """What one worker is sent."""

    id: int
    run_id: int
    worker_id: int
    amount: int
    state: str = "due"
    paid_as: str | None = None


@dataclass
class Model:
    """Everything; the operations of the machine change it as the services should change the database."""

    now: datetime = NOON
    items: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    budget_id: int = 0
    available: int = 0
    batches: dict[int, Batch] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    assignments: dict[int, Assignment] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)
    payouts: dict[int, Payout] = field(default_factory=dict)
    earned: dict[int, int] = field(default_factory=dict)
    # a key of a requester → what was asked for under it
    keys: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Write down what `seen.facts` reads from the database."""
        paid = {worker: 0 for worker in self.workers}
        for payout in self.payouts.values():
            paid[payout.worker_id] += payout.amount if payout.state == "paid" else 0
        return {
            "state of batch": {one.id: (one.state, one.overlap_max) for one in self.batches.values()},
            "money of batch": {one.id: (one.held,) for one in self.batches.values()},
            "counters of task": {
                one.id: (one.state, one.reason, one.overlap, one.places_left, one.answers)
                for one in self.tasks.values()
            },
            "state of assignment": {
                one.id: (one.state, one.task_id, one.worker_id) for one in self.assignments.values()
            },
            "answer": {one.id: (one.assignment_id, one.worker_id, one.label) for one in self.answers.values()},
            "money of budget": {self.budget_id: (self.available,)},
            "money of worker": {
                worker: (self.earned.get(worker, 0) - paid[worker],)
                for worker in self.workers
                if self.earned.get(worker, 0)
            },
            "payout": {one.id: (one.worker_id, one.amount, one.state, one.paid_as) for one in self.payouts.values()},
        }

    def tasks_of(self, batch_id: int) -> list[Task]:
        """List a batch's tasks."""
        return [task for task in self.tasks.values() if task.batch_id == batch_id]

    def held_by(self, worker_id: int, batch_id: int) -> list[Assignment]:
        """List what a worker holds of a batch."""
        return [one for one in self.leased(batch_id) if one.worker_id == worker_id]

    def leased(self, batch_id: int) -> list[Assignment]:
        """List what is leased of a batch, in the order of the ids."""
        return [one for one in self.assignments.values() if one.state == LEASED and self.batch_of(one).id == batch_id]

    def batch_of(self, assignment: Assignment) -> Batch:
        """Return the batch of an assignment."""
        return self.batches[self.tasks[assignment.task_id].batch_id]

    def is_barred(self, worker_id: int, item_id: int, *, besides: int | None = None) -> bool:
        """Say whether a worker may not be given an item: an earlier assignment stands, or was refused."""
        return any(
            one.worker_id == worker_id
            and one.state in BARRING
            and one.id != besides
            and self.tasks[one.task_id].item_id == item_id
            for one in self.assignments.values()
        )

    def open_to(self, worker_id: int, batch_id: int) -> set[int]:
        """Name the tasks of a batch that may be leased to a worker now."""
        batch = self.batches[batch_id]
        if batch.state != "open" or self.is_over(batch):
            return set()
        return {
            task.id
            for task in self.tasks_of(batch_id)
            if task.state == "open" and not self.is_barred(worker_id, task.item_id)
        }

    def is_over(self, batch: Batch) -> bool:
        """Say whether a batch's deadline has passed."""
        return batch.deadline is not None and batch.deadline <= self.now

    def let_go(self, assignment: Assignment, *, state: str) -> None:
        """End a hold without an answer: the place opens again, or its money goes home."""
        assignment.state = state
        self.reopen(self.tasks[assignment.task_id])

    def reopen(self, task: Task) -> None:
        """Open a place that was held or filled; a retired task gives its money back instead."""
        if task.state == "retired":
            task.overlap -= 1
            self.give_back(self.batches[task.batch_id], places=1)
        else:
            task.places_left += 1
            task.state = "open"

    def take_place(self, task: Task) -> None:
        """Count a place down."""
        task.places_left -= 1
        task.state = "open" if task.places_left else "full"

    def expire(self, batch_id: int | None = None) -> None:
        """End the leases that have lapsed."""
        for one in list(self.assignments.values()):
            if one.state == LEASED and one.ends_at < self.now and batch_id in (None, self.batch_of(one).id):
                self.let_go(one, state=EXPIRED)

    def reserve(self, batch: Batch, *, places: int) -> None:
        """Set the money of places aside."""
        self.available -= places * batch.price
        batch.held += places * batch.price

    def give_back(self, batch: Batch, *, places: int) -> None:
        """Return the money of places."""
        self.reserve(batch, places=-places)

    def pay(self, assignment: Assignment) -> None:
        """Pay an answer out of what its batch holds."""
        batch = self.batch_of(assignment)
        assignment.state = APPROVED
        batch.held -= batch.price
        self.earned[assignment.worker_id] = self.earned.get(assignment.worker_id, 0) + batch.price

    def close(self, batch: Batch) -> None:
        """Close a batch: what it does not need goes home."""
        if batch.state == "closed":
            return
        batch.state = "closed"
        for task in self.tasks_of(batch.id):
            if task.state == "retired":
                continue
            self.give_back(batch, places=task.places_left)
            task.overlap -= task.places_left
            task.places_left, task.state, task.reason = 0, "retired", "closed"

    def retire_unreachable(self, batch: Batch) -> None:
        """Retire the open tasks that nobody holds and nobody may take: their money goes home."""
        for task in self.tasks_of(batch.id):
            is_held = task.places_left + task.answers != task.overlap
            if task.state == "open" and not is_held and all(self.is_barred(w, task.item_id) for w in self.workers):
                self.give_back(batch, places=task.places_left)
                task.overlap -= task.places_left
                task.places_left, task.state, task.reason = 0, "retired", "overlap"

    def due_to(self, worker_id: int) -> int:
        """Say what a payout would send a worker now."""
        sent = sum(payout.amount for payout in self.payouts.values() if payout.worker_id == worker_id)
        return payable(self.earned.get(worker_id, 0) - sent, currency="USD")
