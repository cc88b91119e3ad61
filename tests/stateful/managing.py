"""What requesters do to the machine: publish, extend, pause, resume, close; and what sweeps and agreement do."""

from datetime import timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Conflict, CrowdError
from crowd_hitl.services import blocking, compensating, publishing
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.extending import Extension, extend_batch
from crowd_hitl.services.publishing import BatchRequest
from crowd_hitl.services.settling_tasks import retire_unreachable
from crowd_hitl.store.work_rows import TaskRow
from tests.stateful.model import places_of_line
from tests.stateful.things import Batch, Task
from tests.stateful.world import Broken, World, operation

PLUGINS = find_plugins()
# Not whole cents, so that payouts carry something over.
PRICES = (50_000, 33_333, 120_001)
LEASES = (30, 100, 600)
DEADLINES = (60, 500, 2000)
OPEN_AT_MOST = 4


class Managing(World):
    """The requester's operations on work."""

    @operation(weight=3)
    def publish(self) -> None:
        """Publish some items; refused when the money is not there or nobody could give so many answers."""
        if sum(batch.state != "closed" for batch in self.model.batches.values()) >= OPEN_AT_MOST:
            return
        items = self.random.sample(self.model.items, self.random.randint(1, len(self.model.items)))
        low = self.random.choice((1, 1, 2, 2, 3, len(self.model.workers) + 1))
        request = BatchRequest(
            name=f"batch {self.steps}",
            budget_id=self.model.budget_id,
            price_micros=self.random.choice(PRICES),
            overlap_min=low,
            overlap_max=low + self.random.choice((0, 0, 1, 2)),
            lease_seconds=self.random.choice(LEASES),
            deadline=self.model.now + timedelta(seconds=self.random.choice(DEADLINES)) if self.chance(0.3) else None,
            items=items,
            overlap_policy=self.random.choice(("fixed", "posterior", "least_sure")),
            approval=self.random.choice(("auto", "manual")),
            page_size=self.random.choice((1, 1, 1, 3)),
            compensation_share=self.random.choice((0.02, 0.0, 0.3)),
        )
        self.say(f"publish {request}")
        line = places_of_line(len(items) * low, share=request.compensation_share) * request.price_micros
        cost = len(items) * low * request.price_micros + line
        able = sum(not self.model.is_kept_away(worker, batch_id=None) for worker in self.model.workers)
        fails: type[CrowdError] | None = BadInput if low > able else None
        fails = fails or (BudgetTooSmall if cost > self.model.available else None)
        row = self.call(
            publishing.publish_batch, fails=fails, project_id=self.project_id, request=request, random=Random(1)
        )
        if fails is not None:
            return
        batch = self.model.batches[row.id] = Batch(
            row.id,
            price=request.price_micros,
            overlap_min=low,
            overlap_max=request.overlap_max,
            lease_seconds=request.lease_seconds,
            page_size=request.page_size,
            pays_at_once=request.approval == "auto",
            deadline=request.deadline,
        )
        self._note_new_tasks(batch, items)
        self.model.fill_line(batch, line)

    @operation(weight=2)
    def extend(self) -> None:
        """Extend a batch by items and further answers; a closed one opens again."""
        if not self.model.batches:
            return
        batch = self.random.choice(list(self.model.batches.values()))
        there = {task.item_id for task in self.model.tasks_of(batch.id)}
        new = [item for item in self.model.items if item not in there]
        items = self.random.sample(new, self.random.randint(0, len(new)))
        overlap_max = batch.overlap_max + self.random.choice((0, 0, 1))
        reopened = self._reopened(batch, overlap_max)
        self.say(f"extend batch {batch.id} by items {items}, overlap_max {overlap_max}, {len(reopened)} reopened")
        places = len(items) * batch.overlap_min + len(reopened)
        nothing = not items and not reopened and overlap_max == batch.overlap_max
        fails: type[CrowdError] | None = Conflict if self.model.is_over(batch) else BadInput if nothing else None
        fails = fails or (BudgetTooSmall if places * batch.price > self.model.available else None)
        extension = Extension(items=items or None, overlap_max=overlap_max)
        self.call(extend_batch, fails=fails, batch_id=batch.id, extension=extension, random=Random(2))
        if fails is not None:
            return
        batch.overlap_max = overlap_max
        batch.state = "open" if batch.state == "closed" else batch.state
        self._note_new_tasks(batch, items)
        for task in reopened:
            self._open_place(task)

    @operation(weight=2)
    def pause_or_resume(self) -> None:
        """Pause a batch or let it go on; one that is closed cannot."""
        if not self.model.batches:
            return
        batch = self.random.choice(list(self.model.batches.values()))
        state, service = self.random.choice(
            (("paused", publishing.pause_batch), ("open", publishing.resume_batch), ("open", publishing.resume_batch))
        )
        self.say(f"batch {batch.id} becomes {state}")
        fails = Conflict if batch.state == "closed" else None
        self.call(service, fails=fails, batch_id=batch.id)
        batch.state = batch.state if fails else state

    @operation(weight=1)
    def close(self) -> None:
        """Close a batch, also one that is closed."""
        if self.model.batches:
            batch = self.random.choice(list(self.model.batches.values()))
            self.say(f"close batch {batch.id}")
            self.call(publishing.close_batch, batch_id=batch.id)
            self.model.close(batch)

    @operation(weight=2)
    def sweep(self) -> None:
        """Close what is past its deadline and held by nobody, return lines, let blocks end, retire what is stuck."""
        self.say("sweep")
        self.call(blocking.lapse_blocks)
        self.model.lapse_blocks()
        self.call(publishing.close_overdue)
        for batch in self.model.batches.values():
            if self.model.is_over(batch) and not self.model.leased(batch.id):
                self.model.close(batch)
        self.call(compensating.return_lines)
        for batch in self.model.batches.values():
            self.model.return_line(batch)
        if self.model.batches:
            batch = self.random.choice(list(self.model.batches.values()))
            self.say(f"retire what nobody may take of batch {batch.id}")
            self.call(retire_unreachable, batch_id=batch.id)
            self.model.retire_unreachable(batch)

    @operation(weight=3)
    def agree(self) -> None:
        """Weigh the answers. What they come to is not the model's to say; what may follow from it is."""
        if not self.model.batches:
            return
        batch = self.random.choice(list(self.model.batches.values()))
        self.say(f"agree on batch {batch.id}")
        before = self.model.available
        agree(self.uow, batch_id=batch.id, plugins=PLUGINS)
        for task in self.model.tasks_of(batch.id):
            self._note_step(task, batch, *self.uow.read(_as_it_is, task_id=task.id))
        if self.model.available < 0:
            raise Broken(f"agreement opened places for more than the {before} that were there")
        if all(task.state == "retired" for task in self.model.tasks_of(batch.id)):
            self.model.close(batch)

    def _note_step(self, task: Task, batch: Batch, state: str, reason: str | None) -> None:
        if (state, reason) == (task.state, task.reason):
            if task.state == "full" and task.answers == task.overlap:
                raise Broken(f"task {task.id} has all its answers, and agreement left it waiting")
            return
        if task.state != "full" or task.answers != task.overlap:
            raise Broken(f"agreement made task {task.id} {state} ({reason}) while it was {task}")
        reasons = ("agreed", "overlap", "budget", *(["deadline"] if self.model.is_over(batch) else []))
        if state == "retired" and reason in reasons:
            task.state, task.reason = state, reason
        elif state == "open" and task.overlap < batch.overlap_max and batch.state != "closed":
            self._open_place(task)
        else:
            raise Broken(f"agreement made task {task.id} {state} ({reason}), beyond the terms of {batch}")

    def _open_place(self, task: Task) -> None:
        task.overlap, task.places_left, task.state, task.reason = task.overlap + 1, 1, "open", None
        self.model.reserve(self.model.batches[task.batch_id], places=1)

    def _reopened(self, batch: Batch, overlap_max: int) -> list[Task]:
        return [
            task
            for task in self.model.tasks_of(batch.id)
            if task.reason in ("overlap", "budget") and task.overlap == task.answers < overlap_max
            if self.model.somebody_is_free(task)
        ]

    def _note_new_tasks(self, batch: Batch, items: list[int]) -> None:
        known = {task.id for task in self.model.tasks_of(batch.id)}
        rows = self.uow.read(_tasks_of, batch_id=batch.id)
        fresh = {task_id: item_id for task_id, item_id in rows if task_id not in known}
        if sorted(fresh.values()) != sorted(items):
            raise Broken(f"items {sorted(items)} were wanted as tasks, {fresh} are there")
        for task_id, item_id in fresh.items():
            self.model.tasks[task_id] = Task(task_id, batch.id, item_id, batch.overlap_min, batch.overlap_min)
        self.model.reserve(batch, places=len(items) * batch.overlap_min)


def _tasks_of(session: Session, *, batch_id: int) -> list[tuple[int, int]]:
    found = session.execute(select(TaskRow.id, TaskRow.item_id).where(TaskRow.batch_id == batch_id))
    return [(task_id, item_id) for task_id, item_id in found]


def _as_it_is(session: Session, *, task_id: int) -> tuple[str, str | None]:
    task = session.get_one(TaskRow, task_id)
    return task.state, task.retire_reason
