"""What must hold of answers that were taken out: each is accounted for by one removal of its worker and batch."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.removal_rows import RemovalRow, RemovedAnswerRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow


def removed_answers_are_accounted_for(session: Session) -> Iterator[Problem]:
    """An assignment is removed exactly while a removal of its worker and batch says so."""
    line, removal = RemovedAnswerRow, RemovalRow
    own = and_(removal.worker_id == AssignmentRow.worker_id, removal.batch_id == AssignmentRow.batch_id)
    lines = (
        select(AssignmentRow.id.label("assignment_id"), func.sum(case((own, 1), else_=-1)).label("lines"))
        .join(line, line.assignment_id == AssignmentRow.id)
        .join(removal, removal.id == line.removal_id)
        .where(line.restored_at.is_(None))
        .group_by(AssignmentRow.id)
        .subquery()
    )
    found = func.coalesce(lines.c.lines, 0)
    expected = case((AssignmentRow.state == AssignmentState.REMOVED.value, 1), else_=0)
    rows = session.execute(
        select(AssignmentRow.id, expected, found)
        .outerjoin(lines, lines.c.assignment_id == AssignmentRow.id)
        .where(expected != found)
    )
    for assignment_id, wanted, actual in rows:
        yield Problem("removal", f"assignment {assignment_id}", f"{wanted} removal of its own", str(actual))


def reissued_places_were_reserved(session: Session) -> Iterator[Problem]:
    """A batch was extended by at least what its reissued places cost: none was opened with money already paid out."""
    reissued = (
        select(RemovalRow.batch_id, func.count().label("places"))
        .join(RemovedAnswerRow, RemovedAnswerRow.removal_id == RemovalRow.id)
        .where(RemovedAnswerRow.reissued.is_(True))
        .group_by(RemovalRow.batch_id)
        .subquery()
    )
    extended = (
        select(TransferRow.batch_id, func.sum(TransferRow.amount_micros).label("extended"))
        .where(TransferRow.kind == TransferKind.EXTEND.value)
        .group_by(TransferRow.batch_id)
        .subquery()
    )
    cost = reissued.c.places * (BatchRow.price_micros + BatchRow.fee_micros)
    found = func.coalesce(extended.c.extended, 0)
    rows = session.execute(
        select(BatchRow.id, cost, found)
        .join(reissued, reissued.c.batch_id == BatchRow.id)
        .outerjoin(extended, extended.c.batch_id == BatchRow.id)
        .where(found < cost)
    )
    for batch_id, expected, actual in rows:
        yield Problem("removal", f"batch {batch_id}", f"at least {units(int(expected))}", units(int(actual)))
