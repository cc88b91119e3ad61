"""Payouts for the showcase: real workers (simulated ones are never paid), one payout of each state, and more due."""

from datetime import datetime, timedelta

from crowd_hitl.bootstrap import House
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import micros
from crowd_hitl.services.clawing_back import Clawback, claw_back
from crowd_hitl.services.paying_out import collect, export_run, mark_paid
from crowd_hitl.services.returning import fail_payout
from crowd_hitl.services.rewarding import Reward, reward
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import BudgetRow
from tests import builders


def pay_out(house: House, *, budget: BudgetRow, mara: WorkerRow, now: datetime) -> None:
    """Make a run of three payouts (paid, failed, exported), then a bonus and a claw-back that are due."""
    uow = house.uow
    others = [uow.run(builders.a_worker, login=login, now=now) for login in ("tomas", "ngozi")]
    for number, worker in enumerate([mara, *others]):
        _give(house, budget, worker, amount=f"{number + 1}.505", key=f"pilot {number}", now=now - timedelta(days=4))
    run = uow.run(collect, organisation_id=budget.organisation_id, key="pilot", now=now - timedelta(days=3))
    uow.run(export_run, run_id=run.id, now=now - timedelta(days=3))
    mine = {"organisation_id": budget.organisation_id}
    uow.run(mark_paid, **mine, reference=f"CH-{run.id}-1", paid_as="bank 7741", now=now - timedelta(days=2))
    uow.run(fail_payout, **mine, reference=f"CH-{run.id}-2", reason="Account closed", now=now - timedelta(days=1))
    _give(house, budget, mara, amount="0.80", key="november", now=now - timedelta(hours=5))
    back = Clawback(worker_id=mara.id, amount_micros=micros("0.25"), reason="Paid twice for the pilot")
    uow.run(claw_back, budget_id=budget.id, asked=back, key="twice", now=now - timedelta(hours=4))


def _give(house: House, budget: BudgetRow, worker: WorkerRow, *, amount: str, key: str, now: datetime) -> None:
    given = Reward(
        kind=TransferKind.BONUS, worker_id=worker.id, amount_micros=micros(amount), reason="Careful work in the pilot"
    )
    house.uow.run(reward, budget_id=budget.id, given=given, key=key, now=now)
