"""Proving the books: every derived counter and every invariant, recounted from the rows. It changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import String, and_, case, cast, func, literal, select
from sqlalchemy.orm import Session, aliased

from crowd_hitl.domain.assignments import ANSWERED, STANDING, AssignmentState
from crowd_hitl.domain.ledger import EARNING, ROUTES, AccountKind, TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.services.balances import account_sums
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow, LedgerAccountRow, TransferRow
from crowd_hitl.store.payout_rows import PayoutLineRow, PayoutRow
from crowd_hitl.store.project_rows import GoldRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

STANDING_VALUES = [state.value for state in STANDING]
ANSWERED_VALUES = [state.value for state in ANSWERED]
# More of one kind would only repeat the news.
SHOWN_PER_RULE = 50


@dataclass(frozen=True)
class Problem:
    """One thing that is not as it must be."""

    rule: str
    subject: str
    expected: str
    found: str


def check(session: Session) -> list[Problem]:
    """Run every rule over the whole store and return what is wrong; an empty list means that the books are right."""
    problems: list[Problem] = []
    for rule in RULES:
        for count, problem in enumerate(rule(session)):
            if count == SHOWN_PER_RULE:
                break
            problems.append(problem)
    return problems


def overlap_is_kept(session: Session) -> Iterator[Problem]:
    """No task has more standing answers than its overlap, and its counters are what a recount gives."""
    held = func.sum(case((AssignmentRow.state == AssignmentState.LEASED.value, 1), else_=0))
    answers = func.sum(case((AssignmentRow.state.in_(ANSWERED_VALUES), 1), else_=0))
    counts = (
        select(AssignmentRow.task_id, held.label("held"), answers.label("answers"))
        .group_by(AssignmentRow.task_id)
        .subquery()
    )
    held_now, answers_now = func.coalesce(counts.c.held, 0), func.coalesce(counts.c.answers, 0)
    rows = session.execute(
        select(TaskRow, held_now, answers_now)
        .outerjoin(counts, counts.c.task_id == TaskRow.id)
        .where(
            (TaskRow.answers_count != answers_now)
            | (answers_now > TaskRow.overlap)
            | (TaskRow.places_left + held_now + answers_now != TaskRow.overlap)
        )
    )
    for task, held_count, answer_count in rows:
        yield Problem(
            rule="overlap",
            subject=f"task {task.id}",
            expected=f"places left + held + answers = overlap {task.overlap}, answers {task.answers_count}",
            found=f"{task.places_left} left, {held_count} held, {answer_count} answers",
        )


def voices_are_single(session: Session) -> Iterator[Problem]:
    """Nobody has two standing voices on one item and question version."""
    rows = session.execute(
        select(AssignmentRow.voice_key, AssignmentRow.worker_id, func.count())
        .where(AssignmentRow.state.in_(STANDING_VALUES))
        .group_by(AssignmentRow.voice_key, AssignmentRow.worker_id)
        .having(func.count() > 1)
    )
    for key, worker_id, count in rows:
        yield Problem("voice", f"worker {worker_id} on {key}", "1 standing assignment", str(count))


def answers_match_assignments(session: Session) -> Iterator[Problem]:
    """Every answered assignment has its answer, and every answer an assignment that was answered."""
    answered = [*ANSWERED_VALUES, AssignmentState.REJECTED.value]
    missing = (
        select(AssignmentRow.id)
        .outerjoin(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
        .where(AssignmentRow.state.in_(answered), AnswerRow.id.is_(None))
    )
    for assignment_id in session.scalars(missing):
        yield Problem("answers", f"assignment {assignment_id}", "an answer", "none")
    stray = (
        select(AnswerRow.id, AssignmentRow.state)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AssignmentRow.state.not_in(answered))
    )
    for answer_id, state in session.execute(stray):
        yield Problem("answers", f"answer {answer_id}", "an assignment that was answered", state)


def transfers_follow_their_routes(session: Session) -> Iterator[Problem]:
    """Money only moves between the kinds of account its kind allows, in one currency."""
    source, target = aliased(LedgerAccountRow), aliased(LedgerAccountRow)
    right = [
        and_(TransferRow.kind == kind.value, source.kind == start.value, target.kind == end.value)
        for kind, (start, end) in ROUTES.items()
    ]
    same = and_(TransferRow.currency == source.currency, TransferRow.currency == target.currency)
    allowed = case((and_(same, case(*((rule, True) for rule in right), else_=False)), True), else_=False)
    rows = session.execute(
        select(TransferRow, source.kind, target.kind)
        .join(source, source.id == TransferRow.from_id)
        .join(target, target.id == TransferRow.to_id)
        .where(allowed.is_(False))
    )
    for transfer, start, end in rows:
        yield Problem("route", f"transfer {transfer.id}", f"the route of {transfer.kind}", f"{start} → {end}")


def budgets_add_up(session: Session) -> Iterator[Problem]:
    """A budget's counter is what its ledger account holds, and never below nothing."""
    balances = account_sums(AccountKind.BUDGET).subquery()
    rows = session.execute(
        select(BudgetRow, func.coalesce(balances.c.balance, 0))
        .outerjoin(balances, balances.c.ref_id == BudgetRow.id)
        .where((func.coalesce(balances.c.balance, 0) != BudgetRow.available_micros) | (BudgetRow.available_micros < 0))
    )
    for budget, balance in rows:
        yield Problem("budget", f"budget {budget.id}", units(int(balance)), units(budget.available_micros))


def batches_hold_what_they_owe(session: Session) -> Iterator[Problem]:
    """A batch holds exactly the price of its open, held and undecided places: no more, no less."""
    owed_places = (
        select(
            TaskRow.batch_id,
            func.sum(TaskRow.places_left).label("left"),
        )
        .group_by(TaskRow.batch_id)
        .subquery()
    )
    undecided = (
        select(AssignmentRow.batch_id, func.count().label("undecided"))
        .where(AssignmentRow.state.in_([AssignmentState.LEASED.value, AssignmentState.SUBMITTED.value]))
        .group_by(AssignmentRow.batch_id)
        .subquery()
    )
    balances = account_sums(AccountKind.BATCH).subquery()
    places = func.coalesce(owed_places.c.left, 0) + func.coalesce(undecided.c.undecided, 0)
    owed = places * (BatchRow.price_micros + BatchRow.fee_micros)
    held = func.coalesce(balances.c.balance, 0)
    rows = session.execute(
        select(BatchRow.id, owed, held)
        .outerjoin(owed_places, owed_places.c.batch_id == BatchRow.id)
        .outerjoin(undecided, undecided.c.batch_id == BatchRow.id)
        .outerjoin(balances, balances.c.ref_id == BatchRow.id)
        .where(owed != held)
    )
    for batch_id, expected, found in rows:
        yield Problem("reservation", f"batch {batch_id}", units(int(expected)), units(int(found)))


def approved_means_paid(session: Session) -> Iterator[Problem]:
    """Every approved assignment was paid its batch's price once, and nothing else was paid."""
    paid = (
        select(TransferRow.sitting_id, func.sum(TransferRow.amount_micros).label("paid"))
        .where(TransferRow.kind == TransferKind.PAY.value)
        .group_by(TransferRow.sitting_id)
        .subquery()
    )
    approved = AssignmentRow.state == AssignmentState.APPROVED.value
    due = case((approved, BatchRow.price_micros), else_=0)
    found = func.coalesce(paid.c.paid, 0)
    rows = session.execute(
        select(AssignmentRow.id, due, found)
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .outerjoin(paid, paid.c.sitting_id == AssignmentRow.sitting_id)
        .where(due != found)
    )
    for assignment_id, expected, actual in rows:
        yield Problem("payment", f"assignment {assignment_id}", units(int(expected)), units(int(actual)))


def answers_are_whose_they_say(session: Session) -> Iterator[Problem]:
    """An answer names the worker, task and item of its assignment, and an assignment the voice of its task."""
    rows = session.execute(
        select(AnswerRow.id, AssignmentRow.id)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(TaskRow, TaskRow.id == AssignmentRow.task_id)
        .where(
            (AnswerRow.worker_id != AssignmentRow.worker_id)
            | (AnswerRow.task_id != AssignmentRow.task_id)
            | (AnswerRow.item_id != TaskRow.item_id)
            | (AnswerRow.batch_id != TaskRow.batch_id)
            | (AssignmentRow.voice_key != TaskRow.voice_key)
        )
    )
    for answer_id, assignment_id in rows:
        yield Problem("identity", f"answer {answer_id}", f"what assignment {assignment_id} names", "something else")


def overlap_is_within_the_terms(session: Session) -> Iterator[Problem]:
    """No task's overlap was raised beyond what its batch allows."""
    rows = session.execute(
        select(TaskRow.id, TaskRow.overlap, BatchRow.overlap_max)
        .join(BatchRow, BatchRow.id == TaskRow.batch_id)
        .where(TaskRow.overlap > BatchRow.overlap_max)
    )
    for task_id, found, most in rows:
        yield Problem("terms", f"task {task_id}", f"an overlap of at most {most}", str(found))


def pay_reaches_its_worker(session: Session) -> Iterator[Problem]:
    """Pay goes from the sitting's batch to the sitting's worker, and every transfer's batch is the one it names."""
    source, target = aliased(LedgerAccountRow), aliased(LedgerAccountRow)
    rows = session.execute(
        select(TransferRow.id)
        .join(source, source.id == TransferRow.from_id)
        .join(target, target.id == TransferRow.to_id)
        .outerjoin(SittingRow, SittingRow.id == TransferRow.sitting_id)
        .where(
            ((TransferRow.kind == TransferKind.PAY.value) & (target.ref_id != SittingRow.worker_id))
            | ((source.kind == "batch") & (source.ref_id != TransferRow.batch_id))
            | ((target.kind == "batch") & (target.ref_id != TransferRow.batch_id))
        )
    )
    for transfer_id in rows.scalars():
        yield Problem("payee", f"transfer {transfer_id}", "its own batch and worker", "another's")


def labels_are_single(session: Session) -> Iterator[Problem]:
    """One current label for each item and field."""
    rows = session.execute(
        select(LabelRow.item_id, LabelRow.field, func.count())
        .where(LabelRow.state == "current")
        .group_by(LabelRow.item_id, LabelRow.field)
        .having(func.count() > 1)
    )
    for item_id, field, count in rows:
        yield Problem("label", f"item {item_id} {field}", "1 current label", str(count))


def gold_views_are_counted(session: Session) -> Iterator[Problem]:
    """The views reserved of each gold item are the overlaps of its gold tasks, or more where places were given up."""
    rows = session.execute(
        select(GoldRow.id, GoldRow.views_reserved, func.coalesce(func.sum(TaskRow.overlap), 0))
        .outerjoin(TaskRow, and_(TaskRow.item_id == GoldRow.item_id, TaskRow.is_gold.is_(True)))
        .group_by(GoldRow.id, GoldRow.views_reserved)
        .having(func.coalesce(func.sum(TaskRow.overlap), 0) > GoldRow.views_reserved)
    )
    for gold_id, reserved, used in rows:
        yield Problem("gold", f"gold {gold_id}", f"at most {reserved} views", str(used))


def retired_tasks_have_no_places(session: Session) -> Iterator[Problem]:
    """A retired task says why, and hands out nothing."""
    rows = session.scalars(
        select(TaskRow).where(
            TaskRow.state == TaskState.RETIRED.value, (TaskRow.places_left != 0) | TaskRow.retire_reason.is_(None)
        )
    )
    for task in rows:
        yield Problem("retired", f"task {task.id}", "no places, and a reason", f"{task.places_left} places")


def payouts_add_up(session: Session) -> Iterator[Problem]:
    """A payout's earnings are its lines, all of them earned by its worker in its currency."""
    own = and_(LedgerAccountRow.ref_id == PayoutRow.worker_id, LedgerAccountRow.currency == PayoutRow.currency)
    right = and_(own, LedgerAccountRow.kind == AccountKind.WORKER, TransferRow.kind.in_(EARNING))
    lines = func.coalesce(func.sum(case((right, TransferRow.amount_micros), else_=0)), 0)
    wrong = func.coalesce(func.sum(case((right, 0), (TransferRow.id.is_(None), 0), else_=1)), 0)
    rows = session.execute(
        select(PayoutRow.id, PayoutRow.earned_micros, lines, wrong)
        .outerjoin(PayoutLineRow, PayoutLineRow.payout_id == PayoutRow.id)
        .outerjoin(TransferRow, TransferRow.id == PayoutLineRow.transfer_id)
        .outerjoin(LedgerAccountRow, LedgerAccountRow.id == TransferRow.to_id)
        .group_by(PayoutRow.id, PayoutRow.earned_micros)
        .having((PayoutRow.earned_micros != lines) | (wrong > 0))
    )
    for payout_id, earned, found, strange in rows:
        yield Problem("payout", f"payout {payout_id}", units(int(earned)), f"{units(int(found))}, {strange} strange")


def payouts_leave_the_ledger_once(session: Session) -> Iterator[Problem]:
    """Money left the ledger for a worker exactly as the paid payouts say."""
    paid = case((PayoutRow.state == "paid", PayoutRow.amount_micros), else_=0)
    rows = session.execute(
        select(PayoutRow.id, paid, func.coalesce(TransferRow.amount_micros, 0))
        .outerjoin(TransferRow, TransferRow.business_key == literal("payout:") + cast(PayoutRow.id, String))
        .where(paid != func.coalesce(TransferRow.amount_micros, 0))
    )
    for payout_id, expected, found in rows:
        yield Problem("paid out", f"payout {payout_id}", units(int(expected)), units(int(found)))
    counted = select(func.count()).where(PayoutRow.state == "paid").scalar_subquery()
    moved = session.scalar(select(func.count() - counted).where(TransferRow.kind == TransferKind.PAYOUT))
    if moved:
        yield Problem("paid out", "the ledger", "one transfer for each paid payout", f"{moved} more")


RULES: tuple[Callable[[Session], Iterator[Problem]], ...] = (
    overlap_is_kept,
    voices_are_single,
    answers_match_assignments,
    transfers_follow_their_routes,
    budgets_add_up,
    batches_hold_what_they_owe,
    approved_means_paid,
    answers_are_whose_they_say,
    overlap_is_within_the_terms,
    pay_reaches_its_worker,
    labels_are_single,
    gold_views_are_counted,
    retired_tasks_have_no_places,
    payouts_add_up,
    payouts_leave_the_ledger_once,
)
