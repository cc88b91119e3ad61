"""Stopping: a task that has all its answers is settled, or given a further place, by what the last pass knew.

That takes what was said of this task and nothing else, so it is done at once, beside the submit. The whole of a
project is weighed anew (`agreeing`) when the answers have grown by a tenth, when something was taken back, and at the
end of a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.labels import best
from crowd_hitl.domain.pools import PoolPolicy
from crowd_hitl.domain.ports import OverlapPolicy, Plugins
from crowd_hitl.domain.tasks import Next, OverlapRule, TaskState, next_step
from crowd_hitl.services.settling_tasks import Decision, close_if_done, write_decisions
from crowd_hitl.services.snapshots import Kept, read_snapshot
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRow, QuestionVersionRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

AT_ONCE = 200
# (worker, class) of each answer to an item; None where one says that the item cannot be answered.
Votes = list[tuple[int, str] | None]


@dataclass(frozen=True)
class Ready:
    """What can be decided of a batch's full tasks, and how many only a pass can decide."""

    field: str
    decisions: Sequence[Decision]
    left: int


def stop_asking(uow: UnitOfWork, *, batch_id: int, plugins: Plugins) -> bool:
    """Decide the batch's full tasks one by one; False when a pass over all of it is due."""
    while True:
        ready = uow.read(read_ready, batch_id=batch_id, plugins=plugins)
        if ready is None:
            return False
        if not ready.decisions:
            return not ready.left
        uow.run(write_decisions, batch_id=batch_id, decisions=ready.decisions, field=ready.field)
        if uow.run(close_if_done, batch_id=batch_id):
            return False  # what is known by now makes all its labels better


def read_ready(session: Session, *, batch_id: int, plugins: Plugins) -> Ready | None:
    """Decide some of the batch's full tasks; None where that takes a pass over all answers."""
    batch = session.get_one(BatchRow, batch_id)
    policy = plugins.policies[batch.overlap_policy]
    version = session.get_one(QuestionVersionRow, batch.question_version_id)
    question = plugins.questions[version.kind]
    fields = question.fields(version.spec)
    if batch.agreed_at_answer_id < 0 or isinstance(policy, PoolPolicy) or not question.is_class or len(fields) != 1:
        return None
    classes, (field,) = question.classes(version.spec), fields
    kept = read_snapshot(session, version=version, field=field, classes=classes, aggregator=batch.aggregator)
    if kept is None:
        return None
    tasks = _full_tasks(session, batch_id=batch_id)
    items = [task.item_id for task in tasks]
    votes, known = _votes(session, items, version=version, field=field), _known(session, items, field=field)
    rule = OverlapRule(batch.overlap_min, batch.overlap_max, batch.confidence_target)
    decisions = []
    for task in tasks:
        if task.is_gold:
            decisions.append(_decision(task, Next.GIVE_UP))  # it has the views that were bought
            continue
        said = [vote for vote in votes[task.item_id] if vote is not None]
        is_broken = len(said) < len(votes[task.item_id])
        if not is_broken and task.item_id not in known and min(len(said), task.answers_count) >= rule.overlap_min:
            decisions.append(_judged(task, said, kept=kept, rule=rule, policy=policy))
    return Ready(field, decisions, left=len(tasks) - len(decisions))


def _judged(
    task: TaskRow, said: Sequence[tuple[int, str]], *, kept: Kept, rule: OverlapRule, policy: OverlapPolicy
) -> Decision:
    posterior = kept.posterior(said)
    value, confidence = best(posterior, classes=list(kept.classes))
    answers = task.answers_count
    enough = policy.enough(posterior, answers=answers, confidence_target=rule.confidence_target)
    step = next_step(rule, answers=answers, confidence=confidence, enough=enough)
    return _decision(task, step, value=value, confidence=min(1.0, confidence), votes=len(said))


def _full_tasks(session: Session, *, batch_id: int) -> Sequence[TaskRow]:
    return session.scalars(
        select(TaskRow)
        .where(TaskRow.batch_id == batch_id, TaskRow.state == TaskState.FULL.value)
        .where(TaskRow.answers_count == TaskRow.overlap)
        .limit(AT_ONCE)
    ).all()


def _votes(session: Session, items: Sequence[int], *, version: QuestionVersionRow, field: str) -> Mapping[int, Votes]:
    """Read the standing answers to these items, of all batches and versions that are weighed together."""
    rows = session.execute(
        select(AnswerRow.item_id, AnswerRow.worker_id, AnswerRow.value[field].as_string(), AnswerRow.is_broken)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(QuestionVersionRow, QuestionVersionRow.id == AnswerRow.question_version_id)
        .where(QuestionVersionRow.project_id == version.project_id, QuestionVersionRow.pool == version.pool)
        .where(AnswerRow.item_id.in_(items), AssignmentRow.state.in_([state.value for state in ANSWERED]))
    )
    votes: dict[int, Votes] = {item_id: [] for item_id in items}
    for item_id, worker_id, value, is_broken in rows:
        votes[item_id].append(None if is_broken else (worker_id, value))
    return votes


def _known(session: Session, items: Sequence[int], *, field: str) -> set[int]:
    """Return those of the items whose answer is known: they are not judged by what was said."""
    found = select(GoldRow.item_id).where(GoldRow.item_id.in_(items), GoldRow.field == field, IS_TRUSTED)
    return set(session.scalars(found))


def _decision(task: TaskRow, step: Next, *, value: str = "", confidence: float = 0.0, votes: int = 0) -> Decision:
    return Decision(
        task_id=task.id,
        item_id=task.item_id,
        is_gold=task.is_gold,
        overlap=task.overlap,
        answers=task.answers_count,
        retired=False,
        step=step,
        value=value,
        confidence=confidence,
        votes=votes,
    )
