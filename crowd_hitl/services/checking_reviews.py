"""What must hold of decisions: appeals, broken items, and what is owed; each looked up from the rows."""

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import SET_ASIDE, AssignmentState, SittingState
from crowd_hitl.domain.invariants import Problem
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.work_rows import AssignmentRow, SittingRow, TaskRow


def appeals_follow_their_answers(session: Session) -> Iterator[Problem]:
    """An open appeal is against a rejection that stands, by the worker who was rejected; an upheld one ended it."""
    rejected = AssignmentRow.state == AssignmentState.REJECTED.value
    rows = session.execute(
        select(AppealRow.id, AppealRow.state, AssignmentRow.state)
        .join(AssignmentRow, AssignmentRow.id == AppealRow.assignment_id)
        .where(
            ((AppealRow.state == "open") & ~rejected)
            | ((AppealRow.state == "upheld") & rejected)
            | (AppealRow.worker_id != AssignmentRow.worker_id)
        )
    )
    for appeal_id, state, found in rows:
        yield Problem("appeal", f"appeal {appeal_id}", f"{state}, of the worker who was rejected", found)


def broken_items_are_not_asked(session: Session) -> Iterator[Problem]:
    """No place is open on an item that workers found broken."""
    rows = session.execute(
        select(TaskRow.id, TaskRow.places_left)
        .join(ItemRow, ItemRow.id == TaskRow.item_id)
        .where(ItemRow.broken_at.is_not(None), TaskRow.places_left > 0)
    )
    for task_id, found in rows:
        yield Problem("broken", f"task {task_id}", "no open place: its item is broken", str(found))


def owed_means_not_used(session: Session) -> Iterator[Problem]:
    """Only for answers that are kept and not used may pay be owed."""
    unused = [state.value for state in SET_ASIDE]
    rows = session.execute(
        select(SittingRow.id, AssignmentRow.state)
        .join(AssignmentRow, AssignmentRow.sitting_id == SittingRow.id)
        .where(SittingRow.state == SittingState.OWED.value, AssignmentRow.state.not_in(unused))
    )
    for sitting_id, found in rows:
        yield Problem("owed", f"sitting {sitting_id}", "an answer that is kept and not used", found)
