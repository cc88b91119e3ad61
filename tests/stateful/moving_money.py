"""What moves money in the machine beside answers: top-ups, bonuses, payouts collected, exported and paid."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, BudgetTooSmall, Conflict, CrowdError, KeyReused
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.services import paying, paying_out
from crowd_hitl.services.rewarding import Reward, reward
from crowd_hitl.store.payout_rows import PayoutRow
from tests.stateful.model import Payout
from tests.stateful.world import Broken, World, operation

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
            self.model.earned[given.worker_id] = self.model.earned.get(given.worker_id, 0) + given.amount_micros

    @operation(weight=1)
    def collect(self) -> None:
        """Put all that is due into a run; the same key again is the same run, and nothing due is refused."""
        key = f"run-{self.random.randint(1, KEYS)}"
        self.say(f"collect payouts as {key}")
        due = {worker: self.model.due_to(worker) for worker in self.model.workers if self.model.due_to(worker)}
        before = self.model.keys.get(key)
        fails = Conflict if before is None and not due else None
        run = self.call(paying_out.collect, fails=fails, organisation_id=self.organisation_id, key=key)
        if fails is not None:
            return
        if before is not None:
            if run.id != before:
                raise Broken(f"key {key} made run {before}, now {run.id}")
            return
        self.model.keys[key] = run.id
        made = self.uow.read(_payouts_of, run_id=run.id)
        if {worker: amount for _, worker, amount in made} != due:
            raise Broken(f"run {run.id} sends {made}, due was {due}")
        for payout_id, worker, amount in made:
            self.model.payouts[payout_id] = Payout(payout_id, run.id, worker, amount)

    @operation(weight=1)
    def export(self) -> None:
        """Take a run's file out, also for the second time."""
        if self.model.payouts:
            run_id = self.random.choice(list(self.model.payouts.values())).run_id
            self.say(f"export run {run_id}")
            self.call(paying_out.export_run, run_id=run_id)
            for one in self.model.payouts.values():
                if one.run_id == run_id and one.state == "due":
                    one.state = "exported"

    @operation(weight=2)
    def mark_paid(self) -> None:
        """Mark a payout paid; before its export, or under another name, it is refused."""
        if not self.model.payouts:
            return
        one = self.random.choice(list(self.model.payouts.values()))
        name = self.random.choice((None, "bank 1", "bank 2"))
        self.say(f"payout {one.id} was paid as {name}")
        fails: type[CrowdError] | None = Conflict if one.state == "due" else None
        if one.state == "paid" and name not in (None, one.paid_as):
            fails = AlreadyDone
        reference = f"CH-{one.run_id}-{one.id}"
        self.call(
            paying_out.mark_paid, fails=fails, organisation_id=self.organisation_id, reference=reference, paid_as=name
        )
        if fails is None and one.state == "exported":
            one.state, one.paid_as = "paid", name


def _payouts_of(session: Session, *, run_id: int) -> list[tuple[int, int, int]]:
    found = session.execute(
        select(PayoutRow.id, PayoutRow.worker_id, PayoutRow.amount_micros).where(PayoutRow.run_id == run_id)
    )
    return [(payout_id, worker_id, amount) for payout_id, worker_id, amount in found]
