"""Previewing a removal: "blocking W1 flips 37 labels, reissues 52 answers, costs 4.10 USD"; nothing is changed."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.removals import BudgetLine, Example, Removal, RemovalPreview
from crowd_hitl.services.removing import BatchPlan, plan_removal
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork

EXAMPLES = 10


def preview_removal(uow: UnitOfWork, *, removal: Removal, plugins: Plugins) -> RemovalPreview:
    """Say what taking a worker's answers out would do; nothing is changed."""
    plans = plan_removal(uow, removal=removal, plugins=plugins)
    examples = uow.read(_examples, plans=plans)
    return summary(plans, removal=removal, examples=examples)


def worker_of(session: Session, *, organisation_id: int, worker_id: int) -> WorkerRow:
    """Find a worker of this organisation; NotFound when there is none."""
    found = session.get(WorkerRow, worker_id)
    if found is None or found.organisation_id != organisation_id:
        raise NotFound(f"There is no worker {worker_id}.")
    return found


def summary(plans: Sequence[BatchPlan], *, removal: Removal, examples: Sequence[Example] = ()) -> RemovalPreview:
    """Count what the plans would do."""
    taken = [one for plan in plans for one in plan.taken]
    labels = [change for plan in plans for change in plan.labels]
    lines: dict[int, BudgetLine] = {}
    for plan in plans:
        budget = plan.budget
        line = lines.get(budget.id, BudgetLine(budget.id, budget.name, budget.currency, 0, budget.available_micros))
        lines[budget.id] = replace(line, cost_micros=line.cost_micros + plan.cost_micros)
    return RemovalPreview(
        worker_id=removal.worker_id,
        answers=len(taken),
        undecided=sum(one.held.undecided for one in taken),
        flips=sum(change.flips for change in labels),
        withdrawn=sum(change.after is None for change in labels),
        below_target=sum(change.confidence < change.target <= change.confidence_before for change in labels),
        reissued=sum(one.reissued for one in taken),
        not_reissued=sum(not one.reissued for one in taken),
        budgets=[line for line in lines.values() if line.cost_micros],
        examples=examples,
    )


def _examples(session: Session, *, plans: Sequence[BatchPlan]) -> list[Example]:
    """Show some of the labels that change: flips, the surest first, then those withdrawn."""
    changes = [change for plan in plans for change in plan.labels if change.flips or change.after is None]
    changes.sort(key=lambda change: (change.after is None, -change.confidence_before, change.item_id))
    shown = changes[:EXAMPLES]
    items = {
        item.id: item
        for item in session.scalars(select(ItemRow).where(ItemRow.id.in_([change.item_id for change in shown])))
    }
    return [
        Example(
            item_id=change.item_id,
            key=items[change.item_id].key,
            text=items[change.item_id].text,
            field=change.field,
            before=change.before,
            after=change.after,
            confidence_before=change.confidence_before,
            confidence=change.confidence,
        )
        for change in shown
    ]
