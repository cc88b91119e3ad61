"""Finding what a command names: a project by its slug, a budget by name or number, a worker by login, a batch."""

from collections.abc import Mapping
from typing import TypeVar

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, NotFound, bad_field
from crowd_hitl.services.projects import project_by_slug
from crowd_hitl.store.account_rows import AccountRow, WorkerRow
from crowd_hitl.store.gate_rows import QualificationRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import BatchRow

Plugin = TypeVar("Plugin")


def one_of(field: str, name: str, known: Mapping[str, Plugin]) -> Plugin:
    """Return the plug-in of this name; BadInput lists those there are."""
    if name not in known:
        raise bad_field(field, expected="one of " + ", ".join(sorted(known)), found=name)
    return known[name]


def project_named(session: Session, *, organisation_id: int, slug: str) -> ProjectRow:
    """Find a project by its slug, or by its name; NotFound says how to list them."""
    try:
        return project_by_slug(session, organisation_id=organisation_id, slug=slug)
    except NotFound:
        query = select(ProjectRow).where(ProjectRow.organisation_id == organisation_id, ProjectRow.name == slug)
        found = session.scalars(query.limit(2)).all()
        if len(found) == 1:
            return found[0]
        raise NotFound(f"There is no project '{slug}'. See: crowd-hitl project list") from None


def budget_named(session: Session, *, organisation_id: int, name: str | None) -> BudgetRow:
    """Find a budget by name or number; without a name it is the only one there is."""
    query = select(BudgetRow).where(BudgetRow.organisation_id == organisation_id)
    if name is None:
        found = session.scalars(query.limit(2)).all()
        if len(found) == 1:
            return found[0]
        if found:
            raise BadInput("There are several budgets. Name one with --budget; see: crowd-hitl budget list")
        raise NotFound('There is no budget. Make one: crowd-hitl budget new "Main" --amount 100')
    number = int(name) if name.isdecimal() and len(name) < 19 else -1
    row = session.scalars(
        query.where(or_(BudgetRow.name == name, BudgetRow.id == number)).order_by((BudgetRow.name == name).desc())
    ).first()
    if row is None:
        raise NotFound(f"There is no budget '{name}'. See: crowd-hitl budget list")
    return row


def account_named(session: Session, *, organisation_id: int, login: str) -> AccountRow:
    """Find an account by its login."""
    row = session.scalars(
        select(AccountRow).where(AccountRow.organisation_id == organisation_id, AccountRow.login == login)
    ).first()
    if row is None:
        raise NotFound(f"There is no account '{login}'. See: crowd-hitl account list, crowd-hitl worker list")
    return row


def worker_named(session: Session, *, organisation_id: int, name: str) -> WorkerRow:
    """Find a worker by login or pseudonym."""
    row = session.scalars(
        select(WorkerRow)
        .outerjoin(AccountRow, AccountRow.id == WorkerRow.account_id)
        .where(WorkerRow.organisation_id == organisation_id)
        .where(or_(AccountRow.login == name, WorkerRow.public_id == name))
        .order_by((WorkerRow.public_id == name).desc())
    ).first()
    if row is None:
        raise NotFound(f"There is no worker '{name}'. See: crowd-hitl worker list")
    return row


def qualification_named(session: Session, *, organisation_id: int, name: str) -> QualificationRow:
    """Find a qualification by name or number."""
    number = int(name) if name.isdecimal() and len(name) < 19 else -1
    row = session.scalars(
        select(QualificationRow)
        .where(QualificationRow.organisation_id == organisation_id)
        .where(or_(QualificationRow.name == name, QualificationRow.id == number))
        .order_by((QualificationRow.name == name).desc())
    ).first()
    if row is None:
        raise NotFound(f"There is no qualification '{name}'. See: crowd-hitl qualification list")
    return row


def logins_of(session: Session, *, workers: list[WorkerRow]) -> dict[int, str]:
    """Return the logins of workers who have accounts, by worker id."""
    accounts = {worker.account_id: worker.id for worker in workers if worker.account_id is not None}
    rows = session.execute(select(AccountRow.id, AccountRow.login).where(AccountRow.id.in_(accounts)))
    return {accounts[account_id]: login for account_id, login in rows}


def batch_numbered(session: Session, *, organisation_id: int, batch_id: int) -> BatchRow:
    """Find one of the organisation's batches."""
    row = session.scalars(
        select(BatchRow)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(BatchRow.id == batch_id, ProjectRow.organisation_id == organisation_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no batch {batch_id}. See: crowd-hitl batch list PROJECT")
    return row
