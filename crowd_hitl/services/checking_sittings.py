"""What must hold of sittings: what batches hold for them, and that each was paid once what its answers earn."""

from collections.abc import Iterator

from sqlalchemy import BigInteger, ColumnElement, Select, Subquery, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.ledger import AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.domain.sittings import PAID_FOR, time_pay_micros
from crowd_hitl.services.balances import account_sums
from crowd_hitl.services.settling_sittings import UNSETTLED
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

PAID_FOR_VALUES = [state.value for state in PAID_FOR]
UNSETTLED_VALUES = [state.value for state in UNSETTLED]
ASIDE_VALUES = [AssignmentState.LATE.value, AssignmentState.SOFT_REJECTED.value]


def batches_hold_what_they_owe(session: Session) -> Iterator[Problem]:
    """A batch holds the price of its open, held and unsettled places and its compensation line: no more, no less."""
    open_places = (
        select(TaskRow.batch_id, func.sum(TaskRow.places_left).label("left")).group_by(TaskRow.batch_id).subquery()
    )
    undecided = AssignmentRow.state.in_([AssignmentState.LEASED.value, AssignmentState.SUBMITTED.value])
    waits = and_(AssignmentRow.state == AssignmentState.APPROVED.value, SittingRow.state.in_(UNSETTLED_VALUES))
    unsettled = (
        select(AssignmentRow.batch_id, func.count().label("unsettled"))
        .join(SittingRow, SittingRow.id == AssignmentRow.sitting_id)
        .where(or_(undecided, waits))
        .group_by(AssignmentRow.batch_id)
        .subquery()
    )
    balances = account_sums(AccountKind.BATCH).subquery()
    places = func.coalesce(open_places.c.left, 0) + func.coalesce(unsettled.c.unsettled, 0)
    owed = places * (BatchRow.price_micros + BatchRow.fee_micros) + BatchRow.compensation_micros
    held = func.coalesce(balances.c.balance, 0)
    rows = session.execute(
        select(BatchRow.id, owed, held)
        .outerjoin(open_places, open_places.c.batch_id == BatchRow.id)
        .outerjoin(unsettled, unsettled.c.batch_id == BatchRow.id)
        .outerjoin(balances, balances.c.ref_id == BatchRow.id)
        .where(owed != held)
    )
    for batch_id, expected, found in rows:
        yield Problem("reservation", f"batch {batch_id}", units(int(expected)), units(int(found)))


def sittings_are_paid_what_they_earn(session: Session) -> Iterator[Problem]:
    """A settled sitting was paid its price for each approved answer (or kept one); any other was paid nothing."""
    answers, paid, _ = _sums()
    settled = SittingRow.state == SittingState.SETTLED.value
    price = func.coalesce(SittingRow.price_micros, BatchRow.price_micros)
    due = case((settled, func.coalesce(answers.c.paid_for, 0) * price), else_=0)
    found = func.coalesce(paid.c.amount, 0)
    rows = session.execute(
        select(SittingRow.id, due, found)
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .outerjoin(answers, answers.c.sitting_id == SittingRow.id)
        .outerjoin(paid, paid.c.sitting_id == SittingRow.id)
        .where(BatchRow.hourly_micros.is_(None), due != found)
    )
    for sitting_id, expected, actual in rows:
        yield Problem("payment", f"sitting {sitting_id}", units(int(expected)), units(int(actual)))


def hours_are_paid_as_worked(session: Session) -> Iterator[Problem]:
    """A sitting paid by time notes the active seconds of its answers, and was paid for these and no more."""
    answers, paid = _worked(), _moved(TransferKind.PAY).subquery()
    rows = session.execute(
        select(SittingRow, BatchRow, answers.c.paid_for, answers.c.seconds, func.coalesce(paid.c.amount, 0))
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .outerjoin(answers, answers.c.sitting_id == SittingRow.id)
        .outerjoin(paid, paid.c.sitting_id == SittingRow.id)
        .where(BatchRow.hourly_micros.is_not(None))
    )
    for sitting, batch, count, seconds, found in rows:
        settled = sitting.state == SittingState.SETTLED
        due = time_pay_micros(
            seconds or 0.0,
            hourly_micros=batch.hourly_micros or 0,
            answers=count or 0 if settled else 0,
            price_micros=batch.price_micros,
        )
        if due != found:
            yield Problem("payment", f"sitting {sitting.id}", units(due), units(int(found)))
        if settled and count and abs((sitting.seconds or 0.0) - (seconds or 0.0)) > 1e-6:
            yield Problem("hours", f"sitting {sitting.id}", f"{seconds} active seconds", str(sitting.seconds))


def fees_go_with_the_pay(session: Session) -> Iterator[Problem]:
    """A sitting's fee is its batch's for each answer paid at the full price, and no more than that for a lower pay."""
    answers, _, fees = _sums()
    settled = SittingRow.state == SittingState.SETTLED.value
    most = case((settled, func.coalesce(answers.c.paid_for, 0) * BatchRow.fee_micros), else_=0)
    found = func.coalesce(fees.c.amount, 0)
    full = and_(BatchRow.hourly_micros.is_(None), SittingRow.price_micros.is_(None))
    rows = session.execute(
        select(SittingRow.id, most, found)
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .outerjoin(answers, answers.c.sitting_id == SittingRow.id)
        .outerjoin(fees, fees.c.sitting_id == SittingRow.id)
        .where((found > most) | and_(full, found != most))
    )
    for sitting_id, expected, actual in rows:
        yield Problem("fee", f"sitting {sitting_id}", f"at most {units(int(expected))}", units(int(actual)))


def nothing_waits_in_what_is_settled(session: Session) -> Iterator[Problem]:
    """No undecided answer is left in a settled sitting; one that is owed holds one answer that is kept but not used."""
    waits = and_(SittingRow.state.not_in(UNSETTLED_VALUES), AssignmentRow.state == AssignmentState.SUBMITTED.value)
    owed = and_(SittingRow.state == SittingState.OWED.value, AssignmentRow.state.not_in(ASIDE_VALUES))
    rows = session.execute(
        select(AssignmentRow.id, AssignmentRow.state, SittingRow.state)
        .join(SittingRow, SittingRow.id == AssignmentRow.sitting_id)
        .where(or_(waits, owed))
    )
    for assignment_id, state, sitting_state in rows:
        expected = "a sitting that waits for it, and only late or soft-rejected answers owed"
        yield Problem("sitting", f"assignment {assignment_id}", expected, f"{state} in one that is {sitting_state}")


def sittings_end_with_their_answers(session: Session) -> Iterator[Problem]:
    """A sitting waits only for what is held or undecided (or for its hour), and one that lapsed has no answer."""
    let_go = [AssignmentState.RELEASED.value, AssignmentState.EXPIRED.value]
    at_work = [AssignmentState.LEASED.value, AssignmentState.SUBMITTED.value]
    waits = SittingRow.state.in_(UNSETTLED_VALUES)
    answered = _any_in(AssignmentRow.state.not_in(let_go))
    stuck = and_(waits, BatchRow.hourly_micros.is_(None), ~_any_in(AssignmentRow.state.in_(at_work)))
    aside = and_(waits, _any_in(AssignmentRow.state.in_([*ASIDE_VALUES, AssignmentState.REMOVED.value])))
    rows = session.execute(
        select(SittingRow.id, SittingRow.state)
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .where(or_(and_(SittingRow.state == SittingState.LAPSED.value, answered), stuck, aside))
    )
    for sitting_id, state in rows:
        yield Problem("sitting", f"sitting {sitting_id}", "one that is settled, or owed, with its last answer", state)


def _any_in(where: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(AssignmentRow.sitting_id == SittingRow.id, where).correlate(SittingRow)


def rates_are_within_the_price(session: Session) -> Iterator[Problem]:
    """No sitting pays more for an answer than its batch's price, which is what each place holds."""
    rows = session.execute(
        select(SittingRow.id, SittingRow.price_micros, BatchRow.price_micros)
        .join(BatchRow, BatchRow.id == SittingRow.batch_id)
        .where((SittingRow.price_micros > BatchRow.price_micros) | (SittingRow.price_micros <= 0))
    )
    for sitting_id, found, most in rows:
        yield Problem("rate", f"sitting {sitting_id}", f"above 0, at most {units(most)}", units(found or 0))


def _sums() -> tuple[Subquery, Subquery, Subquery]:
    """Count for each sitting the answers that are paid for; add up what was paid, and the fees."""
    answers = (
        select(AssignmentRow.sitting_id, func.count().label("paid_for"))
        .where(AssignmentRow.state.in_(PAID_FOR_VALUES))
        .group_by(AssignmentRow.sitting_id)
        .subquery()
    )
    return answers, _moved(TransferKind.PAY).subquery(), _moved(TransferKind.FEE).subquery()


def _worked() -> Subquery:
    """Count the answers paid by time, and add up their active seconds."""
    return (
        select(
            AssignmentRow.sitting_id,
            func.count().label("paid_for"),
            func.sum(AnswerRow.seconds).label("seconds"),
        )
        .join(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .where(AssignmentRow.state.in_(PAID_FOR_VALUES), BatchRow.hourly_micros.is_not(None))
        .group_by(AssignmentRow.sitting_id)
        .subquery()
    )


def _moved(kind: TransferKind) -> Select[int | None, int]:
    return (
        select(TransferRow.sitting_id, cast(func.sum(TransferRow.amount_micros), BigInteger).label("amount"))
        .where(TransferRow.kind == kind.value)
        .group_by(TransferRow.sitting_id)
    )
