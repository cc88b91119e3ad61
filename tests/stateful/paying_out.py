"""Payouts in the machine: collected, exported, paid, failed and opened again."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, CrowdError
from crowd_hitl.services import paying_out, returning
from crowd_hitl.store.payout_rows import PayoutRow
from tests.stateful.things import Payout
from tests.stateful.world import Broken, World, operation

KEYS = 30


class PayingOut(World):
    """The operations on payouts."""

    @operation(weight=1)
    def collect(self) -> None:
        """Put all that is due into a run; the same key again is the same run, and nothing due is refused."""
        key = f"run-{self.random.randint(1, KEYS)}"
        self.say(f"collect payouts as {key}")
        due = {worker: self.model.payable_to(worker) for worker in self.model.workers if self.model.payable_to(worker)}
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
            lines = self.model.loose.pop(worker, [])
            self.model.payouts[payout_id] = Payout(payout_id, run.id, worker, amount, lines)

    @operation(weight=2)
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
        fails: type[CrowdError] | None = Conflict if one.state in ("due", "failed") else None
        if one.state == "paid" and name not in (None, one.paid_as):
            fails = AlreadyDone
        reference = f"CH-{one.run_id}-{one.id}"
        self.call(
            paying_out.mark_paid, fails=fails, organisation_id=self.organisation_id, reference=reference, paid_as=name
        )
        if fails is None and one.state == "exported":
            one.state, one.paid_as, one.was_paid = "paid", name, True

    @operation(weight=1)
    def fail_payout(self) -> None:
        """Hear from the bank that a payout failed, also one that was paid: what it held is due again."""
        if not self.model.payouts:
            return
        one = self.random.choice(list(self.model.payouts.values()))
        why = self.random.choice(("no such account", "account closed"))
        self.say(f"payout {one.id} failed: {why}")
        fails: type[CrowdError] | None = Conflict if one.state == "due" else None
        if one.state == "failed" and why != one.failure:
            fails = AlreadyDone
        arguments = {"organisation_id": self.organisation_id, "reference": f"CH-{one.run_id}-{one.id}"}
        self.call(returning.fail_payout, fails=fails, reason=why, **arguments)
        if fails is None and one.state != "failed":
            one.state, one.failure = "failed", why
            self.model.loose.setdefault(one.worker_id, []).extend(one.lines)

    @operation(weight=1)
    def reopen_payout(self) -> None:
        """Take a failure back; refused once its money came back, is in a later run, or was taken back."""
        if not self.model.payouts:
            return
        failed = [one for one in self.model.payouts.values() if one.state == "failed"]
        one = self.random.choice(failed if failed and self.chance(0.8) else list(self.model.payouts.values()))
        self.say(f"reopen payout {one.id}")
        loose = self.model.loose.get(one.worker_id, [])
        is_free = set(one.lines) <= set(loose) and self.model.due_to(one.worker_id) >= one.amount
        can = one.state == "exported" or (one.state == "failed" and not one.was_paid and is_free)
        reference = f"CH-{one.run_id}-{one.id}"
        self.attempt(
            lambda: self.uow.run(returning.reopen_payout, organisation_id=self.organisation_id, reference=reference),
            fails=None if can else Conflict,
        )
        if can and one.state == "failed":
            one.state, one.failure = "exported", None
            self.model.loose[one.worker_id] = [line for line in loose if line not in one.lines]


def _payouts_of(session: Session, *, run_id: int) -> list[tuple[int, int, int]]:
    found = session.execute(
        select(PayoutRow.id, PayoutRow.worker_id, PayoutRow.amount_micros).where(PayoutRow.run_id == run_id)
    )
    return [(payout_id, worker_id, amount) for payout_id, worker_id, amount in found]
