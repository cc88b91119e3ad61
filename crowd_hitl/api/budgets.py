"""Budgets, top-ups, bonuses, adjustments and claw-backs; what was spent and charged."""

from collections.abc import Iterator, Sequence

from apiflask import APIBlueprint
from flask import Response
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.api.describing import gives, takes_header
from crowd_hitl.api.keys import KEY_PARAMETER, idempotency_key
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.budgets import (
    AlertOut,
    BudgetIn,
    BudgetOut,
    BudgetsOut,
    ChargesQuery,
    CostOut,
    RewardIn,
    RewardOut,
    TopUpIn,
)
from crowd_hitl.api.scoping import budget_here
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import micros, units
from crowd_hitl.domain.sheets import csv_lines
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.alerting import Alert, alerts_of
from crowd_hitl.services.balances import BudgetBalance, budget_balance
from crowd_hitl.services.charging import FOCUS_COLUMNS, focus_rows
from crowd_hitl.services.clawing_back import Clawback, claw_back
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.reporting.money import cost_of_budget, cost_units
from crowd_hitl.services.reporting.pages import first_rows, id_after
from crowd_hitl.services.rewarding import Reward, reward
from crowd_hitl.store.money_rows import BudgetRow, TransferRow
from crowd_hitl.store.unit_of_work import UnitOfWork

budgets = APIBlueprint("budgets", __name__, url_prefix="/api/v1", tag="Budgets")


@budgets.get("/budgets")
@allow(*MANAGERS)
@budgets.input(PageQuery, location="query", arg_name="page")
@budgets.output(BudgetsOut)
def list_budgets(*, page: PageQuery) -> BudgetsOut:
    """List the organisation's budgets."""
    return current_house().uow.read(_page_of_budgets, organisation_id=current_actor().organisation_id, page=page)


@budgets.post("/budgets")
@allow(*MANAGERS)
@budgets.input(BudgetIn, arg_name="body")
@budgets.output(BudgetOut, status_code=201)
def open_budget(*, body: BudgetIn) -> BudgetOut:
    """Open an empty budget."""
    uow = current_house().uow
    organisation_id = current_actor().organisation_id
    row = uow.run(create_budget, organisation_id=organisation_id, name=body.name, currency=body.currency)
    return _balance(row.id)


@budgets.get("/budgets/<int:budget_id>")
@allow(*MANAGERS)
@budgets.output(BudgetOut)
def show_budget(budget_id: int) -> BudgetOut:
    """Show a budget: what was put in, spent, reserved, and what is left."""
    return _balance(budget_here(budget_id).id)


@budgets.post("/budgets/<int:budget_id>/top-ups")
@allow(*MANAGERS)
@takes_header({**KEY_PARAMETER, "required": True})
@budgets.input(TopUpIn, arg_name="body")
@budgets.output(BudgetOut, status_code=201)
def put_money_in(budget_id: int, *, body: TopUpIn) -> BudgetOut:
    """Put money into a budget; the same Idempotency-Key again changes nothing."""
    budget = budget_here(budget_id)
    key = _required_key()
    uow = current_house().uow
    uow.run(top_up, budget_id=budget.id, amount_micros=micros(body.amount), key=key, note=body.note)
    return _balance(budget.id)


@budgets.post("/budgets/<int:budget_id>/bonuses")
@allow(*MANAGERS)
@takes_header({**KEY_PARAMETER, "required": True})
@budgets.input(RewardIn, arg_name="body")
@budgets.output(RewardOut, status_code=201)
def pay_bonus(budget_id: int, *, body: RewardIn) -> RewardOut:
    """Pay a worker a bonus; the same Idempotency-Key again pays nothing."""
    return _reward(budget_id, TransferKind.BONUS, body)


@budgets.post("/budgets/<int:budget_id>/adjustments")
@allow(*MANAGERS)
@takes_header({**KEY_PARAMETER, "required": True})
@budgets.input(RewardIn, arg_name="body")
@budgets.output(RewardOut, status_code=201)
def pay_adjustment(budget_id: int, *, body: RewardIn) -> RewardOut:
    """Make good to a worker what was paid too little; the same Idempotency-Key again pays nothing."""
    return _reward(budget_id, TransferKind.ADJUSTMENT, body)


@budgets.post("/budgets/<int:budget_id>/clawbacks")
@allow(*MANAGERS)
@takes_header({**KEY_PARAMETER, "required": True})
@budgets.input(RewardIn, arg_name="body")
@budgets.output(RewardOut, status_code=201)
def take_back(budget_id: int, *, body: RewardIn) -> RewardOut:
    """Take back what a worker was paid too much and no payout holds; the same Idempotency-Key again takes nothing."""
    asked = Clawback(
        worker_id=body.worker_id,
        amount_micros=micros(body.amount),
        reason=body.reason,
        batch_id=body.batch_id,
        taken_by=current_actor().account_id,
    )
    budget = budget_here(budget_id)
    done = current_house().uow.run(claw_back, budget_id=budget.id, asked=asked, key=_required_key())
    return _rewarded(done, worker_id=body.worker_id)


@budgets.get("/budgets/<int:budget_id>/cost")
@allow(*MANAGERS)
@budgets.output(CostOut)
def show_cost(budget_id: int) -> CostOut:
    """Show what was spent from a budget, by what it bought."""
    budget = budget_here(budget_id)
    cost = current_house().uow.read(cost_of_budget, budget_id=budget.id)
    return CostOut.model_validate({"currency": budget.currency, **cost_units(cost)})


@budgets.get("/budgets/<int:budget_id>/charges")
@allow(*MANAGERS)
@gives("text/csv")
@budgets.input(ChargesQuery, location="query", arg_name="wanted")
def export_charges(budget_id: int, *, wanted: ChargesQuery) -> Response:
    """Take out what was charged, by day, batch and kind, in the FinOps FOCUS 1.2 format."""
    budget = budget_here(budget_id)
    response = Response(_charge_lines(current_house().uow, budget_id=budget.id), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="budget-{budget.id}-{wanted.format}.csv"'
    return response


def _page_of_budgets(session: Session, *, organisation_id: int, page: PageQuery) -> BudgetsOut:
    query = select(BudgetRow).where(
        BudgetRow.organisation_id == organisation_id, BudgetRow.id > (id_after(page.after) or 0)
    )
    found = session.scalars(query.order_by(BudgetRow.id).limit(page.limit + 1)).all()
    rows, more = first_rows(found, limit=page.limit)
    alerts = alerts_of(session, budget_ids=[row.id for row in rows])
    shown = [_shown(budget_balance(session, budget_id=row.id), alerts[row.id]) for row in rows]
    return BudgetsOut(budgets=shown, after=str(rows[-1].id) if more else None)


def _required_key() -> str:
    key = idempotency_key()
    if key is None:
        raise bad_field("Idempotency-Key", expected="this header, with a key of your own for each payment", found="")
    return key


def _reward(budget_id: int, kind: TransferKind, body: RewardIn) -> RewardOut:
    given = Reward(
        kind=kind,
        worker_id=body.worker_id,
        amount_micros=micros(body.amount),
        reason=body.reason,
        batch_id=body.batch_id,
    )
    done = current_house().uow.run(reward, budget_id=budget_here(budget_id).id, given=given, key=_required_key())
    return _rewarded(done, worker_id=body.worker_id)


def _rewarded(done: TransferRow, *, worker_id: int) -> RewardOut:
    return RewardOut(
        id=done.id,
        kind=done.kind,
        worker_id=worker_id,
        amount=units(done.amount_micros),
        currency=done.currency,
        reason=done.note or "",
        created_at=done.created_at,
    )


def _charge_lines(uow: UnitOfWork, *, budget_id: int) -> Iterator[str]:
    with uow.reading() as session:
        yield from csv_lines(focus_rows(session, budget_id=budget_id), columns=FOCUS_COLUMNS)


def _balance(budget_id: int) -> BudgetOut:
    return current_house().uow.read(_read_budget, budget_id=budget_id)


def _read_budget(session: Session, *, budget_id: int) -> BudgetOut:
    alerts = alerts_of(session, budget_ids=[budget_id])
    return _shown(budget_balance(session, budget_id=budget_id), alerts[budget_id])


def _shown(balance: BudgetBalance, alerts: Sequence[Alert]) -> BudgetOut:
    return BudgetOut(
        id=balance.budget_id,
        name=balance.name,
        currency=balance.currency,
        topped_up=units(balance.topped_up_micros),
        spent=units(balance.spent_micros),
        reserved=units(balance.reserved_micros),
        available=units(balance.available_micros),
        alerts=[
            AlertOut(
                percent=one.percent,
                used=units(one.used_micros),
                topped_up=units(one.topped_up_micros),
                created_at=one.created_at,
            )
            for one in alerts
        ],
    )
