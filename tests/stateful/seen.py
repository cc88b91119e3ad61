"""What is: the same facts as the model's, read from the database."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ledger import AccountKind
from crowd_hitl.services.balances import account_sums
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow
from tests.stateful.model import Facts

SHOWN = 5


def facts(session: Session) -> Facts:
    """Read everything that the model knows."""
    batches = session.execute(
        select(BatchRow.id, BatchRow.state, BatchRow.overlap_max, BatchRow.compensation_micros)
    ).all()
    held = _sums(session, AccountKind.BATCH)
    tasks = select(
        *(TaskRow.id, TaskRow.state, TaskRow.retire_reason),
        *(TaskRow.overlap, TaskRow.places_left, TaskRow.answers_count),
    )
    assignments = select(
        *(AssignmentRow.id, AssignmentRow.state, AssignmentRow.task_id, AssignmentRow.worker_id),
        *(SittingRow.id, SittingRow.state),
    ).join(SittingRow, SittingRow.id == AssignmentRow.sitting_id)
    answers = select(AnswerRow.id, AnswerRow.assignment_id, AnswerRow.worker_id, AnswerRow.value)
    payouts = select(PayoutRow.id, PayoutRow.worker_id, PayoutRow.amount_micros, PayoutRow.state, PayoutRow.paid_as)
    return {
        "state of batch": {row[0]: (row[1], row[2]) for row in batches},
        "money of batch": {row[0]: (held.get(row[0], 0), row[3]) for row in batches},
        "counters of task": {row[0]: tuple(row[1:]) for row in session.execute(tasks)},
        "state of assignment": {row[0]: tuple(row[1:]) for row in session.execute(assignments)},
        "answer": {row[0]: (row[1], row[2], row[3]["label"]) for row in session.execute(answers)},
        "money of budget": {
            row[0]: (row[1],) for row in session.execute(select(BudgetRow.id, BudgetRow.available_micros))
        },
        "money of worker": {ref: (amount,) for ref, amount in _sums(session, AccountKind.WORKER).items()},
        "mark of worker": {row[0]: (row[1],) for row in session.execute(select(WorkerRow.id, WorkerRow.state))},
        "payout": {row[0]: tuple(row[1:]) for row in session.execute(payouts)},
    }


def differences(expected: Facts, found: Facts) -> list[str]:
    """Say where the database is not as the model: a few of each kind."""
    said = []
    for name, rows in expected.items():
        there = found[name]
        wrong = [key for key in sorted({*rows, *there}) if rows.get(key) != there.get(key)]
        said += [f"{name} {key}: expected {rows.get(key)}, found {there.get(key)}" for key in wrong[:SHOWN]]
    return said


def _sums(session: Session, kind: AccountKind) -> dict[int, int]:
    return {ref_id: int(balance) for ref_id, balance in session.execute(account_sums(kind))}
