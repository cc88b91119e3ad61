"""The model's money of workers: what they earned, which earnings a payout holds, and who is kept from work."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crowd_hitl.domain.money import payable
from tests.builders import NOON
from tests.stateful.things import Block, Payout


@dataclass
class Accounts:
    """Workers with what they are due; the base of the model."""

    now: datetime = NOON
    workers: list[int] = field(default_factory=list)
    marks: dict[int, str] = field(default_factory=dict)
    blocks: dict[int, Block] = field(default_factory=dict)
    payouts: dict[int, Payout] = field(default_factory=dict)
    earned: dict[int, int] = field(default_factory=dict)
    # worker → earnings and claw-backs that no payout holds
    loose: dict[int, list[int]] = field(default_factory=dict)
    # a key of a requester → what was asked for under it
    keys: dict[str, Any] = field(default_factory=dict)
    numbers: int = 0

    def earn(self, worker_id: int, amount: int) -> None:
        """Pay a worker, or take back what was paid."""
        self.earned[worker_id] = self.earned.get(worker_id, 0) + amount
        self.numbers += 1
        self.loose.setdefault(worker_id, []).append(self.numbers)

    def balances(self) -> dict[int, tuple[Any, ...]]:
        """Say what the account of each worker who ever earned something holds."""
        paid = {worker: 0 for worker in self.workers}
        for payout in self.payouts.values():
            paid[payout.worker_id] += payout.amount if payout.state == "paid" else 0
        return {worker: (amount - paid[worker],) for worker, amount in self.earned.items()}

    def due_to(self, worker_id: int) -> int:
        """Say what a worker earned that no payout sends."""
        of_worker = [payout for payout in self.payouts.values() if payout.worker_id == worker_id]
        sent = sum(payout.amount for payout in of_worker if payout.state != "failed")
        return self.earned.get(worker_id, 0) - sent

    def payable_to(self, worker_id: int) -> int:
        """Say what a payout would send a worker now."""
        return payable(self.due_to(worker_id), currency="USD")

    def mark(self, worker_id: int) -> None:
        """Write down what stands everywhere against a worker, and close what has ended."""
        for one in self._against(worker_id):
            one.is_lifted = one.is_lifted or not one.holds(self.now)
        kinds = {
            one.kind
            for one in self.blocks.values()
            if one.worker_id == worker_id and one.is_everywhere and one.holds(self.now)
        }
        self.marks[worker_id] = "blocked" if "block" in kinds else "paused" if kinds else "active"

    def lapse_blocks(self) -> None:
        """Close the blocks that have reached their end."""
        over = [one for one in self.blocks.values() if not one.is_lifted and not one.holds(self.now)]
        for worker_id in {one.worker_id for one in over}:
            self.mark(worker_id)

    def is_kept_away(self, worker_id: int, *, batch_id: int | None) -> bool:
        """Say whether a worker is handed nothing of a batch (or, None, of the project)."""
        return self.marks[worker_id] != "active" or any(
            one.holds(self.now) and one.batch_id in (None, batch_id) for one in self._against(worker_id)
        )

    def may_come_back(self, worker_id: int, *, batch_id: int) -> bool:
        """Say whether a worker is there for a batch, or kept from it for a time only."""
        against = [one for one in self._against(worker_id) if one.holds(self.now)]
        for_good = any(
            one.kind == "block" and one.ends_at is None and one.batch_id in (None, batch_id) for one in against
        )
        return not for_good and (self.marks[worker_id] == "active" or any(one.is_everywhere for one in against))

    def _against(self, worker_id: int) -> list[Block]:
        return [one for one in self.blocks.values() if one.worker_id == worker_id]
