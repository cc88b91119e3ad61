"""Taking a worker's answers out, thought through before anything is done: what would flip, be asked again, and cost.

The answers are read in one snapshot, weighed anew without this worker's outside any transaction, and compared with
the labels that stand. `replacing` does what was planned here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, AssignmentState
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ports import AnswerTable, Plugins
from crowd_hitl.domain.removals import Held, LabelChange, Removal, TakenOut
from crowd_hitl.domain.tasks import BatchState, Next, RetireReason, TaskState
from crowd_hitl.services.agreeing import REFINED_BY, decide
from crowd_hitl.services.gathering import STATES, Coded, Evidence, read_evidence
from crowd_hitl.services.settling_tasks import Decision
from crowd_hitl.services.weighing import Agreed, weigh
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ProjectRow, QuestionVersionRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

# Somebody ended these on purpose, or time did: nothing is asked there again.
OVER = (RetireReason.CLOSED.value, RetireReason.DEADLINE.value, RetireReason.BROKEN.value)


@dataclass(frozen=True)
class Reading:
    """What was read of one batch; `voices` counts the active workers beside this one."""

    batch: BatchRow
    budget: BudgetRow
    evidence: Sequence[Evidence]
    held: Sequence[Held]
    voices: int
    read_at: datetime


@dataclass(frozen=True)
class BatchPlan:
    """What is to be done in one batch."""

    batch: BatchRow
    budget: BudgetRow
    taken: Sequence[TakenOut]
    labels: Sequence[LabelChange]
    rejects: bool

    @property
    def each_micros(self) -> int:
        """What one place costs."""
        return self.batch.price_micros + self.batch.fee_micros

    @property
    def cost_micros(self) -> int:
        """What is set aside anew."""
        return self.each_micros * sum(self.costs_anew(one) for one in self.taken)

    def costs_anew(self, one: TakenOut) -> bool:
        """Say whether money is set aside for an answer: what is rejected is asked again with the money it has."""
        return one.reissued and not (self.rejects and one.held.undecided)


def plan_removal(uow: UnitOfWork, *, removal: Removal, plugins: Plugins) -> list[BatchPlan]:
    """Read in one snapshot, weigh outside any transaction, and say what is to be done in each batch."""
    readings = uow.read(read_removal, removal=removal, plugins=plugins)
    taken_items = {held.item_id for reading in readings for held in reading.held}
    weighed: dict[tuple[int, str], tuple[Evidence, Agreed]] = {}
    seen: set[tuple[int, str]] = set()
    plans = []
    # the newest batch first: an item that several batches asked has the label of the last
    for reading in reversed(readings):
        decisions: list[tuple[Evidence, list[Decision]]] = []
        for evidence in reading.evidence:
            less, agreed = _without(
                evidence, worker_id=removal.worker_id, items=taken_items, plugins=plugins, weighed=weighed
            )
            decisions.append((evidence, list(decide(_lowered(less, reading), agreed, plugins=plugins))))
        labels = [
            change
            for evidence, decided in decisions
            for change in _label_changes(evidence, decided, taken_items=taken_items, seen=seen)
        ]
        short = {one.task_id for _, decided in decisions for one in decided if _is_short(one, reading.batch)}
        taken = [_taken_out(held, reading, removal, short) for held in reading.held]
        if taken or labels:
            plans.append(BatchPlan(reading.batch, reading.budget, taken, labels, removal.reject_undecided))
    return plans[::-1]


def read_removal(session: Session, *, removal: Removal, plugins: Plugins, now: datetime) -> list[Reading]:
    """Read the worker's answers that stand, and all that bears on the labels they stand behind."""
    project = session.get_one(ProjectRow, removal.project_id)
    worker = session.get(WorkerRow, removal.worker_id)
    if worker is None or worker.organisation_id != project.organisation_id:
        raise NotFound(f"There is no worker {removal.worker_id}.")
    held = _held(session, removal)
    pools = (
        select(QuestionVersionRow.pool)
        .join(BatchRow, BatchRow.question_version_id == QuestionVersionRow.id)
        .where(BatchRow.id.in_(list(held)))
    )
    batches = session.scalars(
        select(BatchRow)
        .join(QuestionVersionRow, QuestionVersionRow.id == BatchRow.question_version_id)
        .where(BatchRow.project_id == project.id, QuestionVersionRow.pool.in_(pools))
        .order_by(BatchRow.id)
    ).all()
    others = select(func.count()).where(
        WorkerRow.organisation_id == project.organisation_id, WorkerRow.state == "active", WorkerRow.id != worker.id
    )
    voices, coded = session.scalar(others) or 0, Coded()
    return [
        Reading(
            batch=batch,
            budget=session.get_one(BudgetRow, batch.budget_id),
            evidence=read_evidence(session, batch_id=batch.id, plugins=plugins, coded=coded),
            held=held.get(batch.id, []),
            voices=voices,
            read_at=now,
        )
        for batch in batches
    ]


def _held(session: Session, removal: Removal) -> dict[int, list[Held]]:
    task = TaskRow
    rows = session.execute(
        select(
            *(AssignmentRow.batch_id, AssignmentRow.id, AnswerRow.id, AssignmentRow.state, task.id, task.item_id),
            *(task.is_gold, task.overlap, task.answers_count, task.places_left),
            *(task.state, task.retire_reason, task.deadline),
        )
        .join(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
        .join(task, task.id == AssignmentRow.task_id)
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .where(AssignmentRow.worker_id == removal.worker_id, BatchRow.project_id == removal.project_id)
        .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
        .where(*([] if removal.batch_id is None else [BatchRow.id == removal.batch_id]))
        .order_by(AssignmentRow.id)
    )
    found: dict[int, list[Held]] = {}
    for batch_id, assignment_id, answer_id, state, *rest in rows:
        undecided = state == AssignmentState.SUBMITTED
        found.setdefault(batch_id, []).append(Held(assignment_id, answer_id, undecided, *rest))
    return found


def _without(
    evidence: Evidence,
    *,
    worker_id: int,
    items: set[int],
    plugins: Plugins,
    weighed: dict[tuple[int, str], tuple[Evidence, Agreed]],
) -> tuple[Evidence, Agreed]:
    """Weigh the evidence without this worker's answers to these items; batches that share answers share the result."""
    key = (id(evidence.table), evidence.aggregator)
    if key not in weighed:
        less = _less(evidence, worker_id=worker_id, items=items)
        weighed[key] = (less, weigh(less, plugins=plugins, seed=0))
    less, agreed = weighed[key]
    found = replace(evidence, table=less.table, item_ids=less.item_ids, worker_ids=less.worker_ids)
    return replace(found, is_given=less.is_given), agreed


def _less(evidence: Evidence, *, worker_id: int, items: set[int]) -> Evidence:
    """Leave the answers out and number what is left anew, as if they had never been read."""
    table = evidence.table
    item_ids, worker_ids = evidence.item_ids, evidence.worker_ids
    mine = (worker_ids == worker_id)[table.workers] if len(table.tasks) else np.zeros(0, dtype=bool)
    keep = ~(mine & np.isin(item_ids, list(items))[table.tasks]) if len(table.tasks) else mine
    kept_items, tasks = np.unique(table.tasks[keep], return_inverse=True)
    kept_workers, workers = np.unique(table.workers[keep], return_inverse=True)
    smaller = AnswerTable(
        tasks=tasks.astype(np.int32),
        workers=workers.astype(np.int32),
        labels=table.labels[keep],
        n_tasks=len(kept_items),
        n_workers=len(kept_workers),
        n_labels=table.n_labels,
        gold=None if table.gold is None else table.gold[kept_items],
    )
    return replace(
        evidence,
        table=smaller,
        is_given=evidence.is_given[kept_items],
        item_ids=item_ids[kept_items],
        worker_ids=worker_ids[kept_workers],
    )


def _lowered(evidence: Evidence, reading: Reading) -> Evidence:
    """Show the tasks whose answers are taken out as full with what is left, so that `decide` says if that is enough."""
    tasks = evidence.tasks.copy()
    taken = np.isin(tasks["id"], [held.task_id for held in reading.held])
    tasks["answers"][taken] -= 1
    tasks["overlap"][taken] = tasks["answers"][taken]
    tasks["state"][taken] = STATES.index(TaskState.FULL)
    return replace(evidence, tasks=tasks)


def _is_short(decision: Decision, batch: BatchRow) -> bool:
    return decision.answers < batch.overlap_min or decision.step == Next.ASK


def _taken_out(held: Held, reading: Reading, removal: Removal, short: set[int]) -> TakenOut:
    """Say whether the place of an answer opens again: where the task would be short of answers or of confidence."""
    batch, running = reading.batch, reading.batch.state != BatchState.CLOSED and held.state != TaskState.RETIRED
    if removal.reject_undecided and held.undecided:
        return TakenOut(held, reissued=running)  # as for every rejection
    over = (
        held.is_gold
        or held.retire_reason in OVER
        or any(moment is not None and moment <= reading.read_at for moment in (held.deadline, batch.deadline))
        # the loop has gone on without its batch
        or (batch.state == BatchState.CLOSED and batch.round_id is not None)
        or held.answers - 1 >= reading.voices
    )
    if over or not removal.replaced:
        return TakenOut(held, reissued=False)
    waiting = running and held.answers < held.overlap
    return TakenOut(held, reissued=waiting or held.task_id in short)


def _label_changes(
    evidence: Evidence, decided: Sequence[Decision], *, taken_items: set[int], seen: set[tuple[int, str]]
) -> Iterator[LabelChange]:
    """Compare what people's labels say now with what they would say; what moved by a hair is left as it is."""
    for one in decided:
        standing = evidence.label_of(one.item_id)
        if one.is_gold or standing is None or (one.item_id, evidence.field) in seen:
            continue
        seen.add((one.item_id, evidence.field))
        value, confidence, source = standing
        mine = one.item_id in taken_items
        if source != LabelSource.CONSENSUS or (not one.votes and not mine):
            continue
        moved = value != one.value or abs(confidence - one.confidence) >= REFINED_BY
        if mine or moved:
            after = one.value if one.votes else None
            yield LabelChange(
                item_id=one.item_id,
                field=evidence.field,
                before=value,
                after=after,
                confidence_before=confidence,
                confidence=one.confidence if one.votes else 0.0,
                votes=one.votes,
                target=evidence.rule.confidence_target,
                crowd_value=one.crowd_value,
                crowd_confidence=one.crowd_confidence,
                model_version_id=one.model_version_id,
            )
