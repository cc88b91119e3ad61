"""Budgets and top-ups."""

from apiflask import APIBlueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.api.describing import takes_header
from crowd_hitl.api.keys import KEY_PARAMETER, idempotency_key
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.budgets import BudgetIn, BudgetOut, BudgetsOut, TopUpIn
from crowd_hitl.api.scoping import budget_here
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros, units
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.balances import BudgetBalance, budget_balance
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.reporting.pages import first_rows, id_after
from crowd_hitl.store.money_rows import BudgetRow

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
    return _shown(uow.read(budget_balance, budget_id=row.id))


@budgets.get("/budgets/<int:budget_id>")
@allow(*MANAGERS)
@budgets.output(BudgetOut)
def show_budget(budget_id: int) -> BudgetOut:
    """Show a budget: what was put in, spent, reserved, and what is left."""
    return _shown(current_house().uow.read(budget_balance, budget_id=budget_here(budget_id).id))


@budgets.post("/budgets/<int:budget_id>/top-ups")
@allow(*MANAGERS)
@takes_header({**KEY_PARAMETER, "required": True})
@budgets.input(TopUpIn, arg_name="body")
@budgets.output(BudgetOut, status_code=201)
def put_money_in(budget_id: int, *, body: TopUpIn) -> BudgetOut:
    """Put money into a budget; the same Idempotency-Key again changes nothing."""
    budget = budget_here(budget_id)
    key = idempotency_key()
    if key is None:
        raise bad_field("Idempotency-Key", expected="this header, with a key of your own for each top-up", found="")
    uow = current_house().uow
    uow.run(top_up, budget_id=budget.id, amount_micros=micros(body.amount), key=key, note=body.note)
    return _shown(uow.read(budget_balance, budget_id=budget.id))


def _page_of_budgets(session: Session, *, organisation_id: int, page: PageQuery) -> BudgetsOut:
    query = select(BudgetRow).where(
        BudgetRow.organisation_id == organisation_id, BudgetRow.id > (id_after(page.after) or 0)
    )
    found = session.scalars(query.order_by(BudgetRow.id).limit(page.limit + 1)).all()
    rows, more = first_rows(found, limit=page.limit)
    shown = [_shown(budget_balance(session, budget_id=row.id)) for row in rows]
    return BudgetsOut(budgets=shown, after=str(rows[-1].id) if more else None)


def _shown(balance: BudgetBalance) -> BudgetOut:
    return BudgetOut(
        id=balance.budget_id,
        name=balance.name,
        currency=balance.currency,
        topped_up=units(balance.topped_up_micros),
        spent=units(balance.spent_micros),
        reserved=units(balance.reserved_micros),
        available=units(balance.available_micros),
    )
