"""What moves money in the machine beside answers: top-ups, bonuses, adjustments and claw-backs."""

from crowd_hitl.domain.errors import BudgetTooSmall, Conflict, CrowdError, KeyReused
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services import paying
from crowd_hitl.services.clawing_back import Clawback, claw_back
from crowd_hitl.services.rewarding import Reward, reward
from tests.stateful.world import World, operation

KEYS = 30


class MovingMoney(World):
    """The operations on money."""

    @operation(weight=1)
    def top_up(self) -> None:
        """Put money in; the same key again changes nothing, and for another amount it is refused."""
        amount, key = self.random.choice((10_000, 500_000, 3_000_001)), f"top-up-{self.random.randint(1, KEYS)}"
        self.say(f"top up by {amount} as {key}")
        before = self.model.keys.setdefault(key, amount) if key in self.model.keys else None
        fails = KeyReused if before not in (None, amount) else None
        self.call(paying.top_up, fails=fails, budget_id=self.model.budget_id, amount_micros=amount, key=key, note=None)
        if before is None:
            self.model.keys[key] = amount
            self.model.available += amount

    @operation(weight=2)
    def reward(self) -> None:
        """Pay a bonus or an adjustment; the same key again pays nothing, and for something else it is refused."""
        kind = self.random.choice((TransferKind.BONUS, TransferKind.ADJUSTMENT))
        key = f"{kind}-{self.random.randint(1, KEYS)}"
        given = Reward(kind, self.random.choice(self.model.workers), self.random.choice((7, 40_000)), "Well done")
        self.say(f"{given} as {key}")
        before = self.model.keys.get(key)
        fails: type[CrowdError] | None = KeyReused if before not in (None, given) else None
        if before is None and given.amount_micros > self.model.available:
            fails = BudgetTooSmall
        self.call(reward, fails=fails, budget_id=self.model.budget_id, given=given, key=key)
        if before is None and fails is None:
            self.model.keys[key] = given
            self.model.available -= given.amount_micros
            self.model.earn(given.worker_id, given.amount_micros)

    @operation(weight=1)
    def claw_back(self) -> None:
        """Take back what was paid too much; never more than no payout holds, and under a key once."""
        key = f"clawback-{self.random.randint(1, KEYS)}"
        asked = Clawback(self.random.choice(self.model.workers), self.random.choice((7, 30_000)), "Paid too much.")
        self.say(f"{asked} as {key}")
        before = self.model.keys.get(key)
        fails: type[CrowdError] | None = KeyReused if before not in (None, asked) else None
        if before is None and asked.amount_micros > self.model.due_to(asked.worker_id):
            fails = Conflict
        self.call(claw_back, fails=fails, budget_id=self.model.budget_id, asked=asked, key=key)
        if before is None and fails is None:
            self.model.keys[key] = asked
            self.model.available += asked.amount_micros
            self.model.earn(asked.worker_id, -asked.amount_micros)
