"""What must hold of the work: overlaps, voices, answers, labels, gold; each recounted from the rows."""

from collections.abc import Iterator

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, SET_ASIDE, STANDING, AssignmentState
from crowd_hitl.domain.invariants import Problem
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import GoldRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

STANDING_VALUES = [state.value for state in STANDING]
ANSWERED_VALUES = [state.value for state in ANSWERED]


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
    answered = [*ANSWERED_VALUES, *(state.value for state in SET_ASIDE)]
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
    """No task's overlap was raised beyond what its batch allows, or what was asked for by hand."""
    rows = session.execute(
        select(TaskRow.id, TaskRow.overlap, BatchRow.overlap_max)
        .join(BatchRow, BatchRow.id == TaskRow.batch_id)
        .where(TaskRow.overlap > BatchRow.overlap_max, TaskRow.overlap > func.coalesce(TaskRow.requeued_to, 0))
    )
    for task_id, found, most in rows:
        yield Problem("terms", f"task {task_id}", f"an overlap of at most {most}", str(found))


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
