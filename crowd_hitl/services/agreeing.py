"""Agreeing: answers are read, weighed outside any transaction, and written back as labels and further places."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.labels import STRENGTH, LabelSource
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.tasks import Next, TaskState, next_step
from crowd_hitl.services.doubting import weigh_doubting
from crowd_hitl.services.gathering import SOURCES, STATES, Evidence, places_of, read_evidence
from crowd_hitl.services.hearing import write_hearing
from crowd_hitl.services.measuring import write_calibration, write_skills
from crowd_hitl.services.settling_tasks import Decision, Seen, finish_if_done, write_decisions
from crowd_hitl.services.snapshots import write_snapshot
from crowd_hitl.services.wave import Wave, plan_wave
from crowd_hitl.services.weighing import Agreed, nearness
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

CHUNK = 500
# A confidence that moved by less is not worth a write.
REFINED_BY = 0.002
# Where a policy looks at the whole batch: a share of the tasks held back, well below a wave (a twentieth).
WORTH_A_PASS = 0.02


@dataclass(frozen=True)
class AgreeReport:
    """What one pass over a batch did, in tasks: agreed, given a further place, given up, waiting for answers."""

    batch_id: int
    tasks: int
    agreed: int = 0
    opened: int = 0
    gave_up: int = 0
    out_of_budget: int = 0
    waiting: int = 0
    labels_changed: int = 0
    batch_closed: bool = False


def agree(uow: UnitOfWork, *, batch_id: int, plugins: Plugins, seed: int = 0) -> AgreeReport:
    """Weigh the project's answers and act on one batch: labels, skills, further places, retired tasks."""
    report = AgreeReport(batch_id=batch_id, tasks=0)
    for read in uow.read(read_evidence, batch_id=batch_id, plugins=plugins):
        evidence, agreed = weigh_doubting(uow, read, plugins=plugins, seed=seed)
        report = replace(report, tasks=len(evidence.tasks), waiting=_waiting(evidence))
        wave = plan_wave(evidence, agreed, plugins=plugins)
        decisions = decide(evidence, agreed, plugins=plugins, wave=wave)
        while chunk := list(islice(decisions, CHUNK)):
            counts = uow.run(write_decisions, batch_id=batch_id, decisions=chunk, field=evidence.field)
            report = _add(report, counts)
        skills = {int(w): float(s) for w, s in zip(evidence.worker_ids, agreed.skills, strict=True)}
        is_right = nearness(evidence, plugins=plugins)
        uow.run(write_skills, batch_id=batch_id, field=evidence.field, skills=skills, is_right=is_right)
        if agreed.believed is not None:
            where = {"project_id": evidence.project_id, "field": evidence.field}
            uow.run(write_calibration, **where, **vars(agreed.believed))
        uow.run(write_snapshot, evidence=evidence, agreed=agreed)
        if agreed.hearing is not None:
            uow.run(write_hearing, hearing=agreed.hearing)
        seen = Seen(evidence.seen_answer_id, mark=evidence.mark, held_back=0 if wave is None else wave.held_back)
        closed = uow.run(finish_if_done, batch_id=batch_id, seen=seen)
        report = replace(report, batch_closed=closed)
    return report


def due_batches(session: Session, *, within: Sequence[int] | None = None, limit: int = 100) -> list[int]:
    """List the batches (all, or `within` these) where a pass has something to decide, the oldest first.

    That is a task whose places are all answered; where the last pass held tasks back, when so many answers came since
    that it may find more, or none is coming; or a batch to be looked at again (closed, replaced, rejected).
    """
    full = (
        *(TaskRow.batch_id == BatchRow.id, TaskRow.state == TaskState.FULL.value),
        TaskRow.answers_count == TaskRow.overlap,
    )
    counted = select(func.count(TaskRow.id)).where(*full).correlate(BatchRow).scalar_subquery()
    newer = exists().where(AnswerRow.batch_id == BatchRow.id, AnswerRow.id > BatchRow.agreed_at_answer_id)
    undecided = exists().where(*full) & ((BatchRow.held_back == 0) | newer | (counted != BatchRow.held_back))
    due = select(BatchRow).where(or_(BatchRow.agreed_at_answer_id < 0, undecided)).order_by(BatchRow.id).limit(limit)
    found = session.scalars(due if within is None else due.where(BatchRow.id.in_(within)))
    return [batch.id for batch in found if _may_find_more(session, batch)]


def _may_find_more(session: Session, batch: BatchRow) -> bool:
    """Say whether a pass is worth its reading of all answers, in a batch where the last one held tasks back."""
    wanted = int(batch.held_back * WORTH_A_PASS)
    if wanted <= 1 or batch.agreed_at_answer_id < 0:
        return True
    newer = select(AnswerRow.id).where(AnswerRow.batch_id == batch.id, AnswerRow.id > batch.agreed_at_answer_id)
    if session.scalar(select(func.count()).select_from(newer.limit(wanted).subquery())) == wanted:
        return True
    is_open = exists().where(TaskRow.batch_id == batch.id, TaskRow.state == TaskState.OPEN.value)
    is_held = exists().where(AssignmentRow.batch_id == batch.id, AssignmentRow.state == AssignmentState.LEASED.value)
    return not session.scalar(select(is_open | is_held))


def _waiting(evidence: Evidence) -> int:
    """Count the tasks with places that are not answered yet."""
    tasks = evidence.tasks
    retired = tasks["state"] == STATES.index(TaskState.RETIRED)
    full = (tasks["state"] == STATES.index(TaskState.FULL)) & (tasks["answers"] == tasks["overlap"])
    return int(np.count_nonzero(~retired & ~full))


def decide(evidence: Evidence, agreed: Agreed, *, plugins: Plugins, wave: Wave | None = None) -> Iterator[Decision]:
    """Say what follows for those tasks of the batch where something does, and what their items' labels are so far.

    Left out are tasks that wait, and retired ones whose label stands as it is: most of a large batch. With a wave, it
    says which tasks get a further place; without one the policy is asked about each by itself.
    """
    policy = plugins.policies[evidence.policy]
    found = _first_looks(evidence, agreed)
    for at in np.flatnonzero(found.matters):
        task, row = evidence.tasks[at], found.rows[at]
        retired, full = bool(found.retired[at]), bool(found.full[at])
        step, value, confidence, votes = Next.WAIT, "", 0.0, 0
        answers = int(task["answers"])
        if row < 0 and full:
            # full all the same: everybody said that it cannot be answered
            step = next_step(evidence.rule, answers=answers, confidence=0.0, enough=False)
        elif row >= 0:
            posterior = [float(p) for p in agreed.posteriors[row]]
            value, confidence = str(agreed.values[row]), float(agreed.confidences[row])
            votes = int(found.votes[row])
            if full:
                enough = policy.enough(posterior, answers=answers, confidence_target=evidence.rule.confidence_target)
                step = next_step(evidence.rule, answers=answers, confidence=confidence, enough=enough)
                step = step if wave is None else wave.step(int(at), otherwise=step)
            if full and votes < min(answers, evidence.rule.overlap_min) and answers < evidence.rule.overlap_max:
                step = Next.ASK  # who said that it cannot be answered gave no answer: one more is asked
        if full and (task["is_gold"] or answers < evidence.rule.overlap_min):
            # gold has the views that were bought, and no label to agree on; and a task whose overlap was lowered, as
            # answers were taken out of it unreplaced, has all the answers that will come
            step = Next.GIVE_UP
        if not retired and step == Next.WAIT:
            continue
        yield Decision(
            task_id=int(task["id"]),
            item_id=int(task["item_id"]),
            is_gold=bool(task["is_gold"]),
            overlap=int(task["overlap"]),
            answers=answers,
            retired=retired,
            step=step,
            value=value,
            confidence=confidence,
            votes=votes,
            **_crowd_alone(agreed, row),
        )


def _crowd_alone(agreed: Agreed, row: int) -> dict[str, Any]:
    """Say what is to be kept of a label that the model was heard for: which model, and what people say without it."""
    if row < 0 or agreed.helped is None or agreed.alone is None or agreed.hearing is None or not agreed.helped[row]:
        return {}
    return {
        "crowd_value": str(agreed.alone.values[row]),
        "crowd_confidence": float(agreed.alone.confidences[row]),
        "model_version_id": agreed.hearing.model_version_id,
    }


@dataclass(frozen=True)
class FirstLooks:
    """What can be told of all tasks of a batch at once; `rows` are their places in the table, −1 without answers."""

    rows: NDArray[np.int64]
    votes: NDArray[np.int64]
    retired: NDArray[np.bool_]
    full: NDArray[np.bool_]
    matters: NDArray[np.bool_]


def _first_looks(evidence: Evidence, agreed: Agreed) -> FirstLooks:
    tasks, standing = evidence.tasks, evidence.standing
    rows = places_of(tasks["item_id"], evidence.item_ids)
    votes = np.bincount(evidence.table.tasks, minlength=len(evidence.item_ids))
    retired = tasks["state"] == STATES.index(TaskState.RETIRED)
    full = (tasks["state"] == STATES.index(TaskState.FULL)) & (tasks["answers"] == tasks["overlap"])
    voted = rows >= 0
    labelled = places_of(tasks["item_id"], standing["item_id"])
    stands = labelled >= 0
    same = np.zeros(len(tasks), dtype=np.bool_)
    both = np.flatnonzero(voted & stands)
    old = standing[labelled[both]]
    said = np.array([*evidence.values, None], dtype=object)[old["value"]]
    moved_by = abs(old["confidence"] - agreed.confidences[rows[both]])
    same[both] = (said == agreed.values[rows[both]]) & (moved_by < REFINED_BY)
    helped = np.zeros(len(agreed.values), dtype=np.bool_) if agreed.helped is None else agreed.helped
    same[both] &= old["is_helped"] == helped[rows[both]]
    strength = np.array([STRENGTH[source] for source in SOURCES])
    kept = np.zeros(len(tasks), dtype=np.int64)
    kept[stands] = strength[standing["source"][labelled[stands]]]
    consensual = stands & (kept == STRENGTH[LabelSource.CONSENSUS])
    # a label of people that changed or that nobody stands behind any more; or votes where there is only a weaker one
    moved = np.where(consensual, ~same | ~voted, voted & (~stands | (kept < STRENGTH[LabelSource.CONSENSUS])))
    return FirstLooks(rows, votes, retired, full, full | (retired & ~tasks["is_gold"] & moved))


def _add(report: AgreeReport, counts: Mapping[str, int]) -> AgreeReport:
    values = {name: getattr(report, name) + count for name, count in counts.items()}
    return replace(report, **values)
