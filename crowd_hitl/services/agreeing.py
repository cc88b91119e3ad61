"""Agreeing: answers are read, weighed outside any transaction, and written back as labels and further places."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.labels import STRENGTH, LabelSource, best
from crowd_hitl.domain.ports import AnswerTable, Consensus, Plugins
from crowd_hitl.domain.tasks import Next, OverlapRule, TaskState, next_step
from crowd_hitl.services.settling_tasks import Decision, finish_if_done, write_decisions, write_skills
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import GoldRow, QuestionVersionRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

# Answers to one field of a question, coded once for all batches that are read in one snapshot, by pool and field.
Coded = dict[tuple[int, str], tuple[list[int], list[int], AnswerTable]]
CHUNK = 500
# A confidence that moved by less is not worth a write.
REFINED_BY = 0.002


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


@dataclass(frozen=True)
class Evidence:
    """All answers to one field of a project's question, coded, with the tasks of the batch that is looked at."""

    batch_id: int
    project_id: int
    field: str
    rule: OverlapRule
    aggregator: str
    policy: str
    classes: Sequence[str]
    item_ids: Sequence[int]
    worker_ids: Sequence[int]
    table: AnswerTable
    tasks: Sequence[tuple[int, int, bool, int, int, str]]
    standing: Mapping[int, tuple[str, float, str]]
    seen_answer_id: int
    mark: int


def agree(uow: UnitOfWork, *, batch_id: int, plugins: Plugins, seed: int = 0) -> AgreeReport:
    """Weigh the project's answers and act on one batch: labels, skills, further places, retired tasks."""
    report = AgreeReport(batch_id=batch_id, tasks=0)
    for evidence in uow.read(read_evidence, batch_id=batch_id, plugins=plugins):
        consensus = weigh(evidence, plugins=plugins, seed=seed)
        every = list(decide(evidence, consensus, plugins=plugins))
        report = replace(report, tasks=len(every), waiting=sum(d.step == Next.WAIT and not d.retired for d in every))
        decisions = [decision for decision in every if _changes_something(decision, evidence)]
        for start in range(0, len(decisions), CHUNK):
            chunk = decisions[start : start + CHUNK]
            counts = uow.run(write_decisions, batch_id=batch_id, decisions=chunk, field=evidence.field)
            report = _add(report, counts)
        skills = dict(zip(evidence.worker_ids, (float(s) for s in consensus.skills), strict=True))
        uow.run(write_skills, batch_id=batch_id, field=evidence.field, skills=skills)
        closed = uow.run(finish_if_done, batch_id=batch_id, seen_answer_id=evidence.seen_answer_id, mark=evidence.mark)
        report = replace(report, batch_closed=closed)
    return report


def due_batches(session: Session, *, within: Sequence[int] | None = None, limit: int = 100) -> list[int]:
    """List the batches (all, or `within` these) where a pass has something to decide, the oldest first.

    That is a task whose places are all answered, or a batch to be looked at again (closed, replaced, rejected).
    """
    undecided = exists().where(
        TaskRow.batch_id == BatchRow.id,
        TaskRow.state == TaskState.FULL.value,
        TaskRow.answers_count == TaskRow.overlap,
    )
    due = select(BatchRow.id).where(or_(BatchRow.agreed_at_answer_id < 0, undecided)).order_by(BatchRow.id).limit(limit)
    return list(session.scalars(due if within is None else due.where(BatchRow.id.in_(within))))


def read_evidence(session: Session, *, batch_id: int, plugins: Plugins, coded: Coded | None = None) -> list[Evidence]:
    """Read what bears on a batch: every standing answer of the project to a compatible question version.

    Who reads several batches of one snapshot passes the same `coded`, so that the answers are read once.
    """
    coded = {} if coded is None else coded
    batch = session.get(BatchRow, batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    version = session.get_one(QuestionVersionRow, batch.question_version_id)
    question = plugins.questions[version.kind]
    tasks = session.execute(
        select(TaskRow.id, TaskRow.item_id, TaskRow.is_gold, TaskRow.overlap, TaskRow.answers_count, TaskRow.state)
        .where(TaskRow.batch_id == batch_id)
        .order_by(TaskRow.id)
    )
    tasks_list = tasks.all()
    newest = session.scalar(select(func.max(AnswerRow.id)).where(AnswerRow.batch_id == batch_id)) or 0
    found = []
    for field in question.fields(version.spec):
        classes = list(question.classes(version.spec))
        item_ids, worker_ids, table = _coded(session, version, field=field, classes=classes, coded=coded)
        found.append(
            Evidence(
                batch_id=batch_id,
                project_id=batch.project_id,
                field=field,
                rule=OverlapRule(batch.overlap_min, batch.overlap_max, batch.confidence_target),
                aggregator=batch.aggregator,
                policy=batch.overlap_policy,
                classes=classes,
                item_ids=item_ids,
                worker_ids=worker_ids,
                table=table,
                tasks=tasks_list,
                standing=_standing(session, batch_id=batch_id, field=field),
                seen_answer_id=newest,
                mark=batch.agreed_at_answer_id,
            )
        )
    return found


def weigh(evidence: Evidence, *, plugins: Plugins, seed: int) -> Consensus:
    """Let the batch's aggregator weigh the evidence."""
    table = evidence.table
    if not len(table.tasks):  # a batch that was closed before anybody answered
        return Consensus(posteriors=np.empty((0, table.n_labels)), skills=np.empty(0))
    return plugins.aggregators[evidence.aggregator].aggregate(table, seed=seed)


def _changes_something(decision: Decision, evidence: Evidence) -> bool:
    """Leave out tasks that wait, and retired ones whose label stands as it is: most of a large batch."""
    if not decision.retired:
        return decision.step != Next.WAIT
    if decision.is_gold:
        return False
    standing = evidence.standing.get(decision.item_id)
    if standing is None:
        return decision.votes > 0
    value, confidence, source = standing
    if source != LabelSource.CONSENSUS:
        return decision.votes > 0 and STRENGTH[LabelSource(source)] < STRENGTH[LabelSource.CONSENSUS]
    return value != decision.value or abs(confidence - decision.confidence) >= REFINED_BY or not decision.votes


def decide(evidence: Evidence, consensus: Consensus, *, plugins: Plugins) -> Iterator[Decision]:
    """Say for every task of the batch what follows, and what its item's label is so far."""
    policy = plugins.policies[evidence.policy]
    rows = {item_id: row for row, item_id in enumerate(evidence.item_ids)}
    votes = np.bincount(evidence.table.tasks, minlength=len(evidence.item_ids))
    for task_id, item_id, is_gold, overlap, answers, state in evidence.tasks:
        row = rows.get(item_id)
        full = state == TaskState.FULL and answers == overlap
        if row is None:
            step, value, confidence, vote_count = Next.WAIT, "", 0.0, 0
        else:
            posterior = [float(p) for p in consensus.posteriors[row]]
            value, confidence = best(posterior, classes=evidence.classes)
            vote_count = int(votes[row])
            enough = policy.enough(posterior, answers=answers, confidence_target=evidence.rule.confidence_target)
            step = (
                next_step(evidence.rule, answers=answers, confidence=confidence, enough=enough) if full else Next.WAIT
            )
        if full and (is_gold or answers < evidence.rule.overlap_min):
            # gold has the views that were bought, and no label to agree on; and a task whose overlap was lowered, as
            # answers were taken out of it unreplaced, has all the answers that will come
            step = Next.GIVE_UP
        yield Decision(
            task_id=task_id,
            item_id=item_id,
            is_gold=is_gold,
            overlap=overlap,
            answers=answers,
            retired=state == TaskState.RETIRED,
            step=step,
            value=value,
            confidence=min(1.0, confidence),
            votes=vote_count,
        )


def _coded(
    session: Session, version: QuestionVersionRow, *, field: str, classes: Sequence[str], coded: Coded
) -> tuple[list[int], list[int], AnswerTable]:
    key = (version.pool, field)
    if key not in coded:
        gold = _gold(session, version, field)
        coded[key] = _code(_answers(session, version), field=field, classes=classes, gold=gold)
    return coded[key]


def _answers(session: Session, version: QuestionVersionRow) -> list[tuple[int, int, dict[str, str]]]:
    rows = session.execute(
        select(AnswerRow.item_id, AnswerRow.worker_id, AnswerRow.value)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(QuestionVersionRow, QuestionVersionRow.id == AnswerRow.question_version_id)
        .where(QuestionVersionRow.project_id == version.project_id, QuestionVersionRow.pool == version.pool)
        .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
        .order_by(AnswerRow.id)
        .execution_options(yield_per=10_000)
    )
    return [(item_id, worker_id, value) for item_id, worker_id, value in rows]


def _standing(session: Session, *, batch_id: int, field: str) -> dict[int, tuple[str, float, str]]:
    rows = session.execute(
        select(LabelRow.item_id, LabelRow.value, LabelRow.confidence, LabelRow.source)
        .join(TaskRow, TaskRow.item_id == LabelRow.item_id)
        .where(TaskRow.batch_id == batch_id, LabelRow.field == field, LabelRow.state == "current")
    )
    return {item_id: (value, confidence, source) for item_id, value, confidence, source in rows}


def _gold(session: Session, version: QuestionVersionRow, field: str) -> dict[int, str]:
    rows = session.execute(
        select(GoldRow.item_id, GoldRow.value).where(GoldRow.project_id == version.project_id, GoldRow.field == field)
    )
    return dict(rows.all())


def _code(
    rows: Sequence[tuple[int, int, Mapping[str, str]]],
    *,
    field: str,
    classes: Sequence[str],
    gold: Mapping[int, str],
) -> tuple[list[int], list[int], AnswerTable]:
    """Turn rows into integer codes; items and workers are numbered by id, so nothing depends on arrival."""
    codes = {name: code for code, name in enumerate(classes)}
    item_ids = sorted({item_id for item_id, _, _ in rows})
    worker_ids = sorted({worker_id for _, worker_id, _ in rows})
    items = {item_id: code for code, item_id in enumerate(item_ids)}
    workers = {worker_id: code for code, worker_id in enumerate(worker_ids)}
    table = AnswerTable(
        tasks=np.array([items[item_id] for item_id, _, _ in rows], dtype=np.int32),
        workers=np.array([workers[worker_id] for _, worker_id, _ in rows], dtype=np.int32),
        labels=np.array([codes[value[field]] for _, _, value in rows], dtype=np.int32),
        n_tasks=len(item_ids),
        n_workers=len(worker_ids),
        n_labels=len(classes),
        gold=np.array([codes.get(gold.get(item_id, ""), -1) for item_id in item_ids], dtype=np.int32),
    )
    return item_ids, worker_ids, table


def _add(report: AgreeReport, counts: Mapping[str, int]) -> AgreeReport:
    values = {name: getattr(report, name) + count for name, count in counts.items()}
    return replace(report, **values)
