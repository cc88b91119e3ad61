"""Finds what a path names, within the actor's organisation: what belongs to another is not there (404)."""

from typing import TypeVar

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.edge.auth import current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.projects import project_by_slug
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.work_rows import AnswerRow, BatchRow

Found = TypeVar("Found")


def project_here(slug: str) -> ProjectRow:
    """Return the project of this slug; NotFound if the actor's organisation has none."""
    organisation_id = current_actor().organisation_id
    return current_house().uow.read(project_by_slug, organisation_id=organisation_id, slug=slug)


def batch_here(batch_id: int) -> BatchRow:
    """Return the batch; NotFound if it is not one of the actor's organisation."""
    query = select(BatchRow).join(ProjectRow, ProjectRow.id == BatchRow.project_id)
    query = query.where(BatchRow.id == batch_id, ProjectRow.organisation_id == current_actor().organisation_id)
    found: BatchRow = current_house().uow.read(_only, query=query, missing=f"There is no batch {batch_id}.")
    return found


def budget_here(budget_id: int) -> BudgetRow:
    """Return the budget; NotFound if it is not one of the actor's organisation."""
    organisation_id = current_actor().organisation_id
    query = select(BudgetRow).where(BudgetRow.id == budget_id, BudgetRow.organisation_id == organisation_id)
    found: BudgetRow = current_house().uow.read(_only, query=query, missing=f"There is no budget {budget_id}.")
    return found


def answer_here(answer_id: int) -> AnswerRow:
    """Return the answer; NotFound if it was not given to the actor's organisation."""
    query = (
        select(AnswerRow)
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(AnswerRow.id == answer_id, ProjectRow.organisation_id == current_actor().organisation_id)
    )
    found: AnswerRow = current_house().uow.read(_only, query=query, missing=f"There is no answer {answer_id}.")
    return found


def worker_here(worker_id: int) -> WorkerRow:
    """Return the worker; NotFound if it is not one of the actor's organisation."""
    query = select(WorkerRow).where(
        WorkerRow.id == worker_id, WorkerRow.organisation_id == current_actor().organisation_id
    )
    found: WorkerRow = current_house().uow.read(_only, query=query, missing=f"There is no worker {worker_id}.")
    return found


def block_here(block_id: int) -> WorkerBlockRow:
    """Return the block; NotFound if its worker is not one of the actor's organisation."""
    query = select(WorkerBlockRow).join(WorkerRow, WorkerRow.id == WorkerBlockRow.worker_id)
    query = query.where(WorkerBlockRow.id == block_id, WorkerRow.organisation_id == current_actor().organisation_id)
    found: WorkerBlockRow = current_house().uow.read(_only, query=query, missing=f"There is no block {block_id}.")
    return found


def item_here(item_id: int) -> ItemRow:
    """Return the item; NotFound if it is not one of the actor's organisation."""
    query = select(ItemRow).join(ProjectRow, ProjectRow.id == ItemRow.project_id)
    query = query.where(ItemRow.id == item_id, ProjectRow.organisation_id == current_actor().organisation_id)
    found: ItemRow = current_house().uow.read(_only, query=query, missing=f"There is no item {item_id}.")
    return found


def gold_here(gold_id: int) -> GoldRow:
    """Return the known answer; NotFound if it is not one of the actor's organisation."""
    query = select(GoldRow).join(ProjectRow, ProjectRow.id == GoldRow.project_id)
    query = query.where(GoldRow.id == gold_id, ProjectRow.organisation_id == current_actor().organisation_id)
    found: GoldRow = current_house().uow.read(_only, query=query, missing=f"There is no known answer {gold_id}.")
    return found


def appeal_here(appeal_id: int) -> AppealRow:
    """Return the appeal; NotFound if it was not made to the actor's organisation."""
    query = (
        select(AppealRow)
        .join(BatchRow, BatchRow.id == AppealRow.batch_id)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(AppealRow.id == appeal_id, ProjectRow.organisation_id == current_actor().organisation_id)
    )
    found: AppealRow = current_house().uow.read(_only, query=query, missing=f"There is no appeal {appeal_id}.")
    return found


def _only(session: Session, *, query: Select[Found], missing: str) -> Found:
    found: Found | None = session.scalars(query).first()
    if found is None:
        raise NotFound(missing)
    return found
