"""`crowd-hitl budget`: new, top-up, bonus, adjust, clawback, list, show, export."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.cli.files import put_csv
from crowd_hitl.cli.finding import budget_named, one_of, worker_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import micros, units
from crowd_hitl.domain.sheets import csv_lines
from crowd_hitl.services.alerting import alerts_of
from crowd_hitl.services.balances import BudgetBalance, budget_balance
from crowd_hitl.services.charging import FOCUS_COLUMNS, focus_rows
from crowd_hitl.services.clawing_back import Clawback, claw_back
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.reporting.money import cost_of_budget, cost_units
from crowd_hitl.services.rewarding import Reward, reward
from crowd_hitl.store.money_rows import BudgetRow, TransferRow

app = group("Budgets: the money that batches and loops draw on.")
Worker = Annotated[str, typer.Argument(metavar="WORKER", help="The worker's login or pseudonym.")]
Amount = Annotated[str, typer.Argument(help="Such as 0.50.")]
Reason = Annotated[str, typer.Option(help="Why; the worker reads it on the payslip.")]
RewardKey = Annotated[str, typer.Option("--key", help="Your own key: the same one again moves nothing.")]
ForBatch = Annotated[int | None, typer.Option(help="The batch it is for: it counts among that batch's costs.")]
Named = Annotated[str, typer.Argument(metavar="BUDGET", help="Its name or number.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    amount: Annotated[str, typer.Option(help="Money to put in at once, such as 100 or 12.50.")] = "0",
    currency: Annotated[str, typer.Option(help="A three-letter code.")] = "USD",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Open a budget, with money in it if an amount is named."""
    amount_micros = micros(amount)
    with open_desk(data) as desk:
        made = desk.uow.run(create_budget, organisation_id=desk.organisation_id, name=name, currency=currency)
        if amount_micros:
            desk.uow.run(top_up, budget_id=made.id, amount_micros=amount_micros, key=None, note=None)
        _show(desk, made.id, as_json=as_json)


@app.command("top-up")
def put_in(
    budget: Named,
    amount: Annotated[str, typer.Argument(help="Such as 100 or 12.50.")],
    key: Annotated[str | None, typer.Option(help="Your own key: the same one again changes nothing.")] = None,
    note: Annotated[str | None, typer.Option(help="Kept with the transfer.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put money into a budget."""
    amount_micros = micros(amount)
    with open_desk(data) as desk:
        row = desk.uow.read(budget_named, organisation_id=desk.organisation_id, name=budget)
        desk.uow.run(top_up, budget_id=row.id, amount_micros=amount_micros, key=key, note=note)
        _show(desk, row.id, as_json=as_json)


@app.command("list")
def list_all(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the budgets."""
    with open_desk(data) as desk:
        found = desk.uow.read(_balances, organisation_id=desk.organisation_id)
    rows = [as_row(balance) for balance in found]
    if as_json:
        put({"budgets": rows})
    else:
        show_table(rows, empty='No budgets yet. Open one: crowd-hitl budget new "Main" --amount 100')


@app.command()
def show(budget: Named, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show a budget: put in, spent, reserved and what is left."""
    with open_desk(data) as desk:
        row = desk.uow.read(budget_named, organisation_id=desk.organisation_id, name=budget)
        _show(desk, row.id, as_json=as_json)


@app.command()
def bonus(
    budget: Named,
    worker: Worker,
    amount: Amount,
    reason: Reason,
    key: RewardKey,
    batch: ForBatch = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Pay a worker a bonus from a budget."""
    given = Given(kind=TransferKind.BONUS, worker=worker, amount=amount, reason=reason, batch=batch, key=key)
    _reward(budget, given, data=data, as_json=as_json)


@app.command()
def adjust(
    budget: Named,
    worker: Worker,
    amount: Amount,
    reason: Reason,
    key: RewardKey,
    batch: ForBatch = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make good to a worker what was paid too little."""
    given = Given(kind=TransferKind.ADJUSTMENT, worker=worker, amount=amount, reason=reason, batch=batch, key=key)
    _reward(budget, given, data=data, as_json=as_json)


@app.command()
def clawback(
    budget: Named,
    worker: Worker,
    amount: Amount,
    reason: Reason,
    key: RewardKey,
    batch: ForBatch = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take back what a worker was paid too much, while no payout holds it."""
    given = Given(kind=TransferKind.CLAWBACK, worker=worker, amount=amount, reason=reason, batch=batch, key=key)
    _reward(budget, given, data=data, as_json=as_json)


@app.command()
def export(
    budget: Named,
    file_format: Annotated[str, typer.Option("--format", help="focus: FinOps FOCUS 1.2, as CSV.")] = "focus",
    out: Annotated[Path | None, typer.Option(help="A file; standard output if left out.")] = None,
    data: DataFolder = None,
) -> None:
    """Export what was charged to a budget, by day, batch and kind."""
    one_of("format", file_format, {"focus": FOCUS_COLUMNS})
    with open_desk(data) as desk:
        row = desk.uow.read(budget_named, organisation_id=desk.organisation_id, name=budget)
        with desk.uow.reading() as session:
            put_csv(csv_lines(focus_rows(session, budget_id=row.id), columns=FOCUS_COLUMNS), out)


@dataclass(frozen=True)
class Given:
    """A bonus, adjustment or claw-back as it was typed."""

    kind: TransferKind
    worker: str
    amount: str
    reason: str
    batch: int | None
    key: str


def _reward(budget: str, given: Given, *, data: Path | None, as_json: bool) -> None:
    with open_desk(data) as desk:
        row = desk.uow.read(budget_named, organisation_id=desk.organisation_id, name=budget)
        worker = desk.uow.read(worker_named, organisation_id=desk.organisation_id, name=given.worker)
        done = _run(desk, given, budget_id=row.id, worker_id=worker.id)
    shown = {
        "transfer": done.id,
        "kind": done.kind,
        "worker": worker.public_id,
        "amount": units(done.amount_micros),
        "currency": done.currency,
        "reason": done.note,
    }
    if as_json:
        put(shown)
    else:
        show_pairs(shown)


def _run(desk: Desk, given: Given, *, budget_id: int, worker_id: int) -> TransferRow:
    amount = micros(given.amount)
    if given.kind == TransferKind.CLAWBACK:
        back = Clawback(worker_id=worker_id, amount_micros=amount, reason=given.reason, batch_id=given.batch)
        return desk.uow.run(claw_back, budget_id=budget_id, asked=back, key=given.key)
    asked = Reward(
        kind=given.kind, worker_id=worker_id, amount_micros=amount, reason=given.reason, batch_id=given.batch
    )
    return desk.uow.run(reward, budget_id=budget_id, given=asked, key=given.key)


def as_row(balance: BudgetBalance) -> dict[str, Any]:
    """Show a balance as one row, amounts in currency units."""
    return {
        "budget": balance.budget_id,
        "name": balance.name,
        "currency": balance.currency,
        "topped_up": units(balance.topped_up_micros),
        "spent": units(balance.spent_micros),
        "reserved": units(balance.reserved_micros),
        "available": units(balance.available_micros),
    }


def _show(desk: Desk, budget_id: int, *, as_json: bool) -> None:
    row = as_row(desk.uow.read(budget_balance, budget_id=budget_id))
    alerts = desk.uow.read(alerts_of, budget_ids=[budget_id])[budget_id]
    row["alerts"] = [f"{one.percent}% used, {one.created_at:%Y-%m-%d %H:%M}" for one in alerts]
    parts = cost_units(desk.uow.read(cost_of_budget, budget_id=budget_id))
    parts.pop("spent")
    if as_json:
        put({**row, "cost": parts})
    else:
        bought = ", ".join(f"{name.replace('_', ' ')} {amount}" for name, amount in parts.items() if amount != "0.00")
        show_pairs({**row, "spent on": bought or None, "alerts": "; ".join(row["alerts"]) or None})


def _balances(session: Session, *, organisation_id: int) -> list[BudgetBalance]:
    rows = session.scalars(
        select(BudgetRow.id).where(BudgetRow.organisation_id == organisation_id).order_by(BudgetRow.id)
    ).all()
    return [budget_balance(session, budget_id=budget_id) for budget_id in rows]
