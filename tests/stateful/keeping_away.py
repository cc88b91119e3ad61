"""Keeping workers away in the machine: blocks and pauses of a batch, the project or everything, and lifting them."""

from datetime import timedelta

from crowd_hitl.domain.errors import AlreadyDone
from crowd_hitl.services import blocking
from tests.stateful.things import Block
from tests.stateful.world import World, operation

STANDING_AT_MOST = 3
LASTS = (None, 30, 400)


class KeepingAway(World):
    """The operations on blocks."""

    @operation(weight=2)
    def block(self) -> None:
        """Block or pause somebody; not so many that nothing goes on."""
        if sum(not one.is_lifted for one in self.model.blocks.values()) >= STANDING_AT_MOST:
            return
        worker_id, kind = self.random.choice(self.model.workers), self.random.choice(blocking.KINDS)
        seconds, batch_id = self.random.choice(LASTS), None
        of_project = self.chance(0.5)
        if of_project and self.model.batches and self.chance(0.5):
            batch_id = self.random.choice(list(self.model.batches))
        placed = blocking.Placed(
            worker_id=worker_id,
            kind="block" if kind == "block" else "pause",
            reason="Somebody should look.",
            project_id=self.project_id if of_project else None,
            batch_id=batch_id,
            ends_at=None if seconds is None else self.model.now + timedelta(seconds=seconds),
        )
        self.say(f"{placed}")
        row = self.call(blocking.block, placed=placed)
        self.model.blocks[row.id] = Block(row.id, worker_id, kind, of_project, batch_id, placed.ends_at)
        self.model.mark(worker_id)

    @operation(weight=2)
    def lift(self) -> None:
        """Lift a block; one that has ended is refused."""
        if not self.model.blocks:
            return
        standing = [one for one in self.model.blocks.values() if not one.is_lifted]
        one = self.random.choice(standing if standing and self.chance(0.8) else list(self.model.blocks.values()))
        fails = None if one.holds(self.model.now) else AlreadyDone
        self.say(f"lift block {one.id}")
        self.call(blocking.lift, fails=fails, block_id=one.id, lifted_by=None)
        if fails is None:
            one.is_lifted = True
            self.model.mark(one.worker_id)
