"""Taking a worker's answers out: each keeps its pay, labels are agreed anew, and places open again with new money."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import BudgetTooSmall, Conflict, bad_field
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ledger import TransferKind
from crowd_hitl.domain.money import units
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.removals import Held, LabelChange, Removal, TakenOut
from crowd_hitl.domain.tasks import BatchState, TaskState, position
from crowd_hitl.services.alerting import raise_alerts
from crowd_hitl.services.paying import lock_budget, look_again, reject, reserve, settle
from crowd_hitl.services.previewing import summary
from crowd_hitl.services.publishing import lock_batch
from crowd_hitl.services.removing import BatchPlan, plan_removal
from crowd_hitl.services.seating import pay_apart
from crowd_hitl.services.settling_sittings import lock_sittings_of
from crowd_hitl.services.settling_tasks import NewLabel, withdraw, write_labels
from crowd_hitl.store.removal_rows import RemovalRow, RemovedAnswerRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow

ANSWERS_AT_ONCE = 2_000
LABELS_AT_ONCE = 500
# What changed between reading and writing is read again, so many times.
ROUNDS = 5
REASON_MIN, REASON_MAX = 10, 1_000


@dataclass(frozen=True)
class Removed:
    """What was done: answers taken out (or rejected), places opened, labels changed, money set aside by currency."""

    removed: int = 0
    rejected: int = 0
    reissued: int = 0
    flips: int = 0
    withdrawn: int = 0
    left: int = 0
    costs: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Chunk:
    """Some answers of one batch, done in one transaction; `ahead_micros` is what they and those after them cost."""

    batch_id: int
    taken: Sequence[TakenOut]
    removal: Removal
    removal_id: int | None
    removed_by: int | None
    ahead_micros: int


@dataclass(frozen=True)
class Written:
    """What one transaction did."""

    removal_id: int | None
    removed: int
    rejected: int
    reissued: int
    left: int
    cost_micros: int


def remove_answers(uow: UnitOfWork, *, removal: Removal, plugins: Plugins, removed_by: int | None) -> Removed:
    """Take a worker's answers out, as `preview_removal` says; they were paid and stay paid.

    Refuses a worker without such answers, and, before anything is changed, budgets that lack the money. A batch of
    thousands is done in several transactions, each complete in itself; what changed meanwhile is planned again.
    """
    if not REASON_MIN <= len(removal.reason.strip()) <= REASON_MAX:
        raise bad_field("reason", expected=f"{REASON_MIN} to {REASON_MAX} characters", found=removal.reason)
    plans = plan_removal(uow, removal=removal, plugins=plugins)
    _refuse(plans, removal)
    done, costs = Counter[str](), Counter[str]()
    for _ in range(ROUNDS):
        left = 0
        for plan in plans:
            left += _carry_out(uow, plan, removal, removed_by=removed_by, done=done, costs=costs)
        done["left"] = left
        if not left:
            break
        plans = plan_removal(uow, removal=removal, plugins=plugins)
    return Removed(**done, costs=dict(costs))


def _refuse(plans: Sequence[BatchPlan], removal: Removal) -> None:
    found = summary(plans, removal=removal)
    if not found.answers:
        raise Conflict("This worker has no answers here that stand. There is nothing to take out.")
    for line in found.budgets:
        if line.missing_micros:
            raise BudgetTooSmall(
                f"Asking these again needs {units(line.cost_micros)} {line.currency}; budget {line.name} has "
                f"{units(line.available_micros)} left. Top it up by {units(line.missing_micros)}, or take the answers "
                "out without replacement. Nothing was changed.",
                missing_micros=line.missing_micros,
            )


def _carry_out(
    uow: UnitOfWork,
    plan: BatchPlan,
    removal: Removal,
    *,
    removed_by: int | None,
    done: Counter[str],
    costs: Counter[str],
) -> int:
    """Do what is planned for one batch, answers first, then labels; return how many answers have to wait."""
    removal_id, left, ahead = None, 0, plan.cost_micros
    for start in range(0, len(plan.taken), ANSWERS_AT_ONCE):
        taken = plan.taken[start : start + ANSWERS_AT_ONCE]
        chunk = Chunk(plan.batch.id, taken, removal, removal_id, removed_by, ahead)
        written = uow.run(write_removed, chunk=chunk)
        removal_id, left = written.removal_id, left + written.left
        ahead -= plan.each_micros * sum(plan.costs_anew(one) for one in taken)
        done.update(removed=written.removed, rejected=written.rejected, reissued=written.reissued)
        costs[plan.batch.currency] += written.cost_micros
    if left:
        return left  # the labels are weighed anew with the plan that follows
    for start in range(0, len(plan.labels), LABELS_AT_ONCE):
        changes = plan.labels[start : start + LABELS_AT_ONCE]
        flips = uow.run(write_label_changes, batch_id=plan.batch.id, changes=changes)
        done.update(flips=flips, withdrawn=sum(change.after is None for change in changes))
    return 0


def write_removed(session: Session, *, chunk: Chunk, now: datetime) -> Written:
    """Take some answers of one batch out and reserve for the places that open; BudgetTooSmall changes nothing.

    What is not as it was read is left for a further plan.
    """
    stands = _still_as_read(session, chunk.batch_id, chunk.taken)
    taken = [one for one in chunk.taken if one.held.assignment_id in stands]
    rejects = [one for one in taken if one.held.undecided and chunk.removal.reject_undecided]
    removed = [one for one in taken if one not in rejects]
    for one in removed:
        if one.held.undecided:
            settle(session, assignment=stands[one.held.assignment_id], decided_by=chunk.removed_by, now=now)
    pay_apart(session, [stands[one.held.assignment_id] for one in removed], now=now)
    batch = lock_batch(session, chunk.batch_id)
    reissued = [one for one in removed if one.reissued]
    cost = len(reissued) * (batch.price_micros + batch.fee_micros)
    _refuse_too_little(session, batch, ahead_micros=chunk.ahead_micros)
    reserve(session, batch=batch, amount_micros=cost, kind=TransferKind.EXTEND, now=now)
    removal_id = _write_rows(session, chunk, removed, now=now)
    for one in removed:
        stands[one.held.assignment_id].state = AssignmentState.REMOVED
    _free_places(session, batch, removed, now=now)
    for one in rejects:
        reason, by = chunk.removal.reason, chunk.removed_by
        reject(session, answer_id=one.held.answer_id, reason=reason, decided_by=by, now=now)
    if taken:
        look_again(batch)
    session.flush()
    if cost:
        raise_alerts(session, budget_id=batch.budget_id, now=now)
    opened = len(reissued) + sum(one.reissued for one in rejects)
    return Written(removal_id, len(removed), len(rejects), opened, len(chunk.taken) - len(taken), cost)


def write_label_changes(session: Session, *, batch_id: int, changes: Sequence[LabelChange], now: datetime) -> int:
    """Write labels as they were weighed without the answers that are out; return how many got another value."""
    batch = session.get_one(BatchRow, batch_id)
    labels = [
        NewLabel(
            item_id=change.item_id,
            field=change.field,
            value=change.after,
            confidence=change.confidence,
            source=LabelSource.CONSENSUS,
            votes=change.votes,
            aggregator=batch.aggregator,
            batch_id=batch.id,
            round_id=batch.round_id,
            crowd_value=change.crowd_value,
            crowd_confidence=change.crowd_confidence,
            model_version_id=change.model_version_id,
        )
        for change in changes
        if change.after is not None
    ]
    flips = write_labels(session, project_id=batch.project_id, labels=labels, now=now)
    withdraw(session, [change.item_id for change in changes if change.after is None], now=now)
    return flips


def _still_as_read(session: Session, batch_id: int, taken: Sequence[TakenOut]) -> dict[int, AssignmentRow]:
    """Lock sittings, assignments, the batch and tasks, as others do, and return what is as it was read, by id."""
    wanted = {one.held.assignment_id: one.held for one in taken}
    lock_sittings_of(session, list(wanted))
    assignments = session.scalars(
        select(AssignmentRow)
        .where(AssignmentRow.id.in_(list(wanted)))
        .order_by(AssignmentRow.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).all()
    lock_batch(session, batch_id)
    rows = session.execute(
        select(
            *(TaskRow.id, TaskRow.overlap, TaskRow.answers_count, TaskRow.places_left),
            *(TaskRow.state, TaskRow.retire_reason),
        )
        .where(TaskRow.id.in_([held.task_id for held in wanted.values()]))
        .order_by(TaskRow.id)
        .with_for_update(key_share=True)
    )
    tasks = {task_id: tuple(rest) for task_id, *rest in rows}
    return {
        row.id: row
        for row in assignments
        if row.state == (AssignmentState.SUBMITTED if wanted[row.id].undecided else AssignmentState.APPROVED)
        and tasks[row.task_id] == _task_as_read(wanted[row.id])
    }


def _task_as_read(held: Held) -> tuple[int, int, int, str, str | None]:
    return held.overlap, held.answers, held.places_left, held.state, held.retire_reason


def _refuse_too_little(session: Session, batch: BatchRow, *, ahead_micros: int) -> None:
    """Refuse to start on a batch whose budget no longer has what all of it needs: somebody else drew on it."""
    if not ahead_micros:
        return
    budget = lock_budget(session, batch.budget_id)
    missing = ahead_micros - budget.available_micros
    if missing > 0:
        raise BudgetTooSmall(
            f"Budget {budget.name} was drawn on meanwhile and lacks {units(missing)} {budget.currency} for batch "
            f"{batch.id}. What was done before stands; top it up and ask for the same again.",
            missing_micros=missing,
        )


def _write_rows(session: Session, chunk: Chunk, removed: Sequence[TakenOut], *, now: datetime) -> int | None:
    removal_id = chunk.removal_id
    if removal_id is None and removed:
        row = RemovalRow(
            worker_id=chunk.removal.worker_id,
            batch_id=chunk.batch_id,
            reason=chunk.removal.reason.strip(),
            removed_by=chunk.removed_by,
            removed_at=now,
        )
        session.add(row)
        session.flush()
        removal_id = row.id
    session.add_all(
        RemovedAnswerRow(removal_id=removal_id, assignment_id=one.held.assignment_id, reissued=one.reissued)
        for one in removed
    )
    return removal_id


def _free_places(session: Session, batch: BatchRow, removed: Sequence[TakenOut], *, now: datetime) -> None:
    """Open the places that are asked again, in a batch that had ended too; lower the overlap of the other tasks."""
    fewer = TaskRow.answers_count - 1
    lowered = [one.held.task_id for one in removed if not one.reissued]
    opened = [one.held.task_id for one in removed if one.reissued]
    if lowered:
        _change(session, lowered, {"answers_count": fewer, "overlap": TaskRow.overlap - 1})
    if opened:
        values = {
            "answers_count": fewer,
            "places_left": TaskRow.places_left + 1,
            "state": TaskState.OPEN.value,
            "retire_reason": None,
            # one behind the other: a bookmark passes over those that share a position
            "pos": position(now) + TaskRow.id - min(opened),
        }
        _change(session, opened, values)
        if batch.state == BatchState.CLOSED:
            batch.state, batch.closed_at = BatchState.OPEN, None


def _change(session: Session, task_ids: Sequence[int], values: Mapping[str, object]) -> None:
    session.execute(
        update(TaskRow).where(TaskRow.id.in_(task_ids)).values(values).execution_options(synchronize_session=False)
    )
