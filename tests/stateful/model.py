"""What should be: a model of batches, tasks, assignments, answers and money in plain dicts, that knows no database."""

from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import Any

from tests.stateful.accounts import Accounts
from tests.stateful.things import (
    APPROVED,
    BARRING,
    EXPIRED,
    LAPSED,
    LEASED,
    OPEN,
    OWED,
    SET_ASIDE,
    SETTLED,
    SUBMITTED,
    UNSETTLED,
    Answer,
    Assignment,
    Batch,
    Sitting,
    Task,
)

# table → id → what is compared
Facts = dict[str, dict[int, tuple[Any, ...]]]


@dataclass
class Model(Accounts):
    """Everything; the operations of the machine change it as the services should change the database."""

    items: list[int] = field(default_factory=list)
    budget_id: int = 0
    available: int = 0
    batches: dict[int, Batch] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    assignments: dict[int, Assignment] = field(default_factory=dict)
    answers: dict[int, Answer] = field(default_factory=dict)

    def facts(self) -> Facts:
        """Write down what `seen.facts` reads from the database."""
        return {
            "state of batch": {one.id: (one.state, one.overlap_max) for one in self.batches.values()},
            "money of batch": {one.id: (one.held, one.line) for one in self.batches.values()},
            "counters of task": {
                one.id: (one.state, one.reason, one.overlap, one.places_left, one.answers)
                for one in self.tasks.values()
            },
            "state of assignment": {
                one.id: (one.state, one.task_id, one.worker_id, one.sitting.id, one.sitting.state)
                for one in self.assignments.values()
            },
            "answer": {one.id: (one.assignment_id, one.worker_id, one.label) for one in self.answers.values()},
            "money of budget": {self.budget_id: (self.available,)},
            "money of worker": self.balances(),
            "mark of worker": {worker: (mark,) for worker, mark in self.marks.items()},
            "payout": {one.id: (one.worker_id, one.amount, one.state, one.paid_as) for one in self.payouts.values()},
        }

    def name_sittings(self, found: dict[int, int]) -> None:
        """Note the numbers of the sittings that the services opened: by assignment, and each a new one."""
        for one in self.assignments.values():
            known = {other.sitting.id for other in self.assignments.values()}
            if one.sitting.id is None and found.get(one.id) not in known:
                one.sitting.id = found.get(one.id)

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

    def members(self, sitting: Sitting) -> list[Assignment]:
        """List the assignments of a sitting."""
        return [one for one in self.assignments.values() if one.sitting is sitting]

    def is_barred(self, worker_id: int, item_id: int, *, besides: int | None = None) -> bool:
        """Say whether a worker may not be given an item: an earlier assignment stands, or was set aside."""
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
        if batch.state != "open" or self.is_over(batch) or self.is_kept_away(worker_id, batch_id=batch_id):
            return set()
        return {
            task.id
            for task in self.tasks_of(batch_id)
            if task.state == "open" and not self.is_barred(worker_id, task.item_id)
        }

    def somebody_is_free(self, task: Task) -> bool:
        """Say whether anybody could take a place of a task, now or when what is against them for a time has ended."""
        return any(
            self.may_come_back(worker, batch_id=task.batch_id) and not self.is_barred(worker, task.item_id)
            for worker in self.workers
        )

    def is_over(self, batch: Batch) -> bool:
        """Say whether a batch's deadline has passed."""
        return batch.deadline is not None and batch.deadline <= self.now

    def let_go(self, assignment: Assignment, *, state: str) -> None:
        """End a hold without an answer: the place opens again, or its money goes home."""
        assignment.state, assignment.ended_at = state, self.now
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

    def expire(self, batch_id: int | None = None) -> int:
        """End the leases that have lapsed, then settle their sittings; return how many."""
        lapsed = [
            one
            for one in self.assignments.values()
            if one.state == LEASED and one.ends_at < self.now and batch_id in (None, self.batch_of(one).id)
        ]
        for one in lapsed:
            self.let_go(one, state=EXPIRED)
        for one in lapsed:
            self.settle(one.sitting)
        return len(lapsed)

    def settle(self, sitting: Sitting) -> None:
        """Pay for a sitting when nothing of it is held or undecided; with auto approval all is approved then."""
        members = self.members(sitting)
        if sitting.state not in UNSETTLED or any(one.state == LEASED for one in members):
            return
        for one in members:
            if one.state == SUBMITTED:
                if not self.batch_of(one).pays_at_once:
                    sitting.state = SUBMITTED
                    return
                one.state = APPROVED
        approved = [one for one in members if one.state == APPROVED]
        sitting.state = SETTLED if approved or any(one.state in SET_ASIDE for one in members) else LAPSED
        for batch in [self.batch_of(one) for one in approved[:1]]:
            batch.held -= len(approved) * batch.price
            self.earn(approved[0].worker_id, len(approved) * batch.price)

    def own_sitting(self, one: Assignment) -> None:
        """Give an assignment an open sitting that nothing shares and that nothing was paid for."""
        is_unpaid = one.sitting.state in (*UNSETTLED, LAPSED)
        if not is_unpaid or len(self.members(one.sitting)) > 1:
            one.sitting = Sitting()
        one.sitting.state = OPEN

    def take_again(self, one: Assignment) -> None:
        """Lease the place of a lapsed assignment once more."""
        self.take_place(self.tasks[one.task_id])
        one.state, one.ended_at = LEASED, None
        if one.sitting.state != OPEN:
            self.own_sitting(one)

    def pay_aside(self, one: Assignment, *, at_once: bool = True) -> None:
        """Pay an answer from its batch's line, or owe it."""
        shared, batch = one.sitting, self.batch_of(one)
        self.own_sitting(one)
        if not at_once or not self.pay_from_line(one):
            one.sitting.state = OWED
        assert batch.line >= 0
        if shared is not one.sitting:
            self.settle(shared)

    def pay_from_line(self, one: Assignment) -> bool:
        """Pay an answer from its batch's line if there is enough left there."""
        batch = self.batch_of(one)
        if batch.line < batch.price:
            return False
        batch.line, batch.held = batch.line - batch.price, batch.held - batch.price
        self.earn(one.worker_id, batch.price)
        one.sitting.state = SETTLED
        return True

    def fill_line(self, batch: Batch, amount: int) -> None:
        """Put money into a batch's line, from the budget."""
        self.available -= amount
        batch.held, batch.line = batch.held + amount, batch.line + amount

    def owed(self, batch: Batch) -> list[Assignment]:
        """List what a batch owes, the oldest sitting first."""
        found = [one for one in self.assignments.values() if one.sitting.state == OWED and self.batch_of(one) is batch]
        return sorted(found, key=lambda one: one.sitting.id or 0)

    def may_come_late(self, batch: Batch) -> bool:
        """Say whether an answer may still have to be paid from the line of a batch."""
        just_now = self.now - timedelta(seconds=batch.lease_seconds)
        return any(
            one.state in (LEASED, SUBMITTED)
            or (one.state == EXPIRED and one.ended_at is not None and one.ended_at > just_now)
            for one in self.assignments.values()
            if self.batch_of(one) is batch
        )

    def return_line(self, batch: Batch) -> None:
        """Return the line of a batch that is over, unless somebody may come late."""
        if batch.state == "closed" and not self.may_come_late(batch):
            self.fill_line(batch, -batch.line)

    def reserve(self, batch: Batch, *, places: int) -> None:
        """Set the money of places aside."""
        self.available -= places * batch.price
        batch.held += places * batch.price

    def give_back(self, batch: Batch, *, places: int) -> None:
        """Return the money of places."""
        self.reserve(batch, places=-places)

    def close(self, batch: Batch) -> None:
        """Close a batch: what it does not need goes home."""
        if batch.state == "closed":
            return
        batch.state = "closed"
        for task in self.tasks_of(batch.id):
            if task.state != "retired":
                self.retire(task, reason="closed")
        self.return_line(batch)

    def retire(self, task: Task, *, reason: str) -> None:
        """Ask no more answers of a task: the money of its open places goes home."""
        self.give_back(self.batches[task.batch_id], places=task.places_left)
        task.overlap -= task.places_left
        task.places_left, task.state, task.reason = 0, "retired", reason

    def retire_unreachable(self, batch: Batch) -> None:
        """Retire the open tasks that nobody holds and nobody may take: their money goes home."""
        for task in self.tasks_of(batch.id):
            is_held = task.places_left + task.answers != task.overlap
            if task.state == "open" and not is_held and not self.somebody_is_free(task):
                self.retire(task, reason="overlap")


def places_of_line(places: int, *, share: float) -> int:
    """Say how many answers a line pays for, beyond the places."""
    return ceil(round(share * places, 6))
