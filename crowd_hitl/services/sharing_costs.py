"""What each answer cost: a sitting's pay and fee, divided evenly over its paid answers, the rest to the first."""

from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from crowd_hitl.domain.sittings import PAID_FOR
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.work_rows import AssignmentRow

PAID_FOR_VALUES = [state.value for state in PAID_FOR]


def was_paid_for() -> ColumnElement[bool]:
    """The condition on an assignment to have a share in what its sitting cost."""
    return AssignmentRow.state.in_(PAID_FOR_VALUES)


def answers_paid(sitting_id: InstrumentedAttribute[int] | InstrumentedAttribute[int | None]) -> ColumnElement[int]:
    """Count the answers that a sitting's pay is for."""
    other = aliased(AssignmentRow)
    found = select(func.count()).where(other.sitting_id == sitting_id, other.state.in_(PAID_FOR_VALUES))
    return found.scalar_subquery()


def share_of_transfer() -> ColumnElement[int]:
    """The part of a transfer (joined on its sitting) that is for one assignment; the parts add up to the whole."""
    other = aliased(AssignmentRow)
    first = (
        select(func.min(other.id))
        .where(other.sitting_id == AssignmentRow.sitting_id, other.state.in_(PAID_FOR_VALUES))
        .scalar_subquery()
    )
    answers = answers_paid(AssignmentRow.sitting_id)
    amount = TransferRow.amount_micros
    return amount // answers + case((AssignmentRow.id == first, amount % answers), else_=0)
