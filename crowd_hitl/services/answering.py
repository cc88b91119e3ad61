"""Taking answers: submit (idempotent, and handing out what comes next), replace within the undo window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, AssignmentState, SittingState, replaceable_until
from crowd_hitl.domain.errors import AlreadyDone, KeyReused, NotFound, TooLate, bad_field
from crowd_hitl.domain.ports import Question
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.services.assigning import BARRING, CLAIM_MAX, Offered, claim_more, lock_assignment, offered
from crowd_hitl.services.paying import look_again, settle
from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRevisionRow, AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

LONGEST_KEY = 100
LONGEST_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Receipt:
    """What a worker gets for an answer: until when it may be replaced, what it earned, and what comes next."""

    answer_id: int
    assignment_id: int
    replaceable_until: datetime
    earned_micros: int
    currency: str
    next: list[Offered]


@dataclass(frozen=True)
class Submission:
    """What a client sends: the answer, its own key for this submit, active seconds, how many places it wants next."""

    value: object
    client_key: str
    seconds: float = 0.0
    next_count: int = 0


def submit(
    session: Session,
    *,
    assignment_id: int,
    worker_id: int,
    submission: Submission,
    questions: Mapping[str, Question],
    now: datetime,
) -> Receipt:
    """Take one answer and lease the next places, in one transaction.

    The same client key again gives the same receipt; on another assignment it is KeyReused. An answer to a lapsed
    lease counts while its place is open, else TooLate. AlreadyDone when the assignment has another answer.
    """
    _check_submission(submission)
    repeated = _repeated(session, assignment_id, worker_id=worker_id, client_key=submission.client_key)
    if repeated is not None:
        return _receipt(session, repeated)
    assignment = lock_assignment(session, assignment_id, worker_id=worker_id)
    repeated = _repeated(session, assignment_id, worker_id=worker_id, client_key=submission.client_key)
    if repeated is not None:  # the same submit came twice at once, and the other one held the lock
        return _receipt(session, repeated)
    task = _lock_task(session, assignment.task_id)
    checked = _check(session, task, submission.value, questions)
    _fill_place(session, assignment, task, now=now)
    answer = AnswerRow(
        assignment_id=assignment.id,
        batch_id=assignment.batch_id,
        task_id=task.id,
        item_id=task.item_id,
        worker_id=worker_id,
        question_version_id=task.question_version_id,
        value=checked,
        client_key=submission.client_key,
        next_ids=[],
        seconds=max(0.0, min(submission.seconds, LONGEST_SECONDS)),
        submitted_at=now,
    )
    session.add(answer)
    session.flush()
    if session.get_one(BatchRow, assignment.batch_id).approval == "auto":
        settle(session, assignment=assignment, decided_by=None, now=now)
    answer.next_ids = claim_more(
        session, batch_id=assignment.batch_id, worker_id=worker_id, count=submission.next_count, now=now
    )
    session.flush()
    return _receipt(session, answer)


def replace(
    session: Session,
    *,
    answer_id: int,
    worker_id: int,
    value: object,
    questions: Mapping[str, Question],
    now: datetime,
) -> Receipt:
    """Change an answer within the undo window; what it said before is kept. TooLate after that."""
    answer = session.scalar(select(AnswerRow).where(AnswerRow.id == answer_id, AnswerRow.worker_id == worker_id))
    if answer is None:
        raise NotFound(f"You gave no answer {answer_id}.")
    assignment = lock_assignment(session, answer.assignment_id, worker_id=worker_id)
    if now > replaceable_until(answer.submitted_at) or assignment.state not in ANSWERED:
        raise TooLate("An answer can be replaced for 60 seconds. This one stands as it is.")
    checked = _check(session, session.get_one(TaskRow, answer.task_id), value, questions)
    if checked != answer.value:
        session.add(AnswerRevisionRow(answer_id=answer.id, value=answer.value, replaced_at=now))
        answer.value = checked
        look_again(session.get_one(BatchRow, answer.batch_id))  # what was agreed may rest on the old answer
        session.flush()
    return _receipt(session, answer, with_next=False)


def _check_submission(submission: Submission) -> None:
    if not 1 <= len(submission.client_key) <= LONGEST_KEY:
        raise bad_field("client_key", expected=f"1 to {LONGEST_KEY} characters", found=submission.client_key)
    if not 0 <= submission.next_count <= CLAIM_MAX:
        raise bad_field("next", expected=f"0 to {CLAIM_MAX}", found=submission.next_count)


def _repeated(session: Session, assignment_id: int, *, worker_id: int, client_key: str) -> AnswerRow | None:
    found = session.scalar(
        select(AnswerRow).where(AnswerRow.worker_id == worker_id, AnswerRow.client_key == client_key)
    )
    if found is not None and found.assignment_id != assignment_id:
        raise KeyReused("This client_key belongs to another answer of yours. Make a new one for every answer.")
    return found


def _check(session: Session, task: TaskRow, value: object, questions: Mapping[str, Question]) -> dict[str, str]:
    version = session.get_one(QuestionVersionRow, task.question_version_id)
    return questions[version.kind].check_answer(version.spec, value)


def _fill_place(session: Session, assignment: AssignmentRow, task: TaskRow, *, now: datetime) -> None:
    """Turn a held place into a filled one; a lapsed lease takes an open place again if there is one."""
    if assignment.state == AssignmentState.EXPIRED:
        if task.places_left == 0 or _has_other_voice(session, assignment):
            raise TooLate("The time for this task ran out and its place was given to somebody else.")
        last_place = task.places_left == 1
        task.places_left = TaskRow.places_left - 1
        task.state = TaskState.FULL if last_place else TaskState.OPEN
    elif assignment.state in ANSWERED or assignment.state == AssignmentState.REJECTED:
        raise AlreadyDone(f"Assignment {assignment.id} has an answer already. Claim the next task.")
    elif assignment.state != AssignmentState.LEASED:
        raise TooLate(f"Assignment {assignment.id} was {assignment.state}. Claim the next task.")
    assignment.state, assignment.ended_at = AssignmentState.SUBMITTED, now
    task.answers_count = TaskRow.answers_count + 1
    sitting = session.get_one(SittingRow, assignment.sitting_id)
    sitting.state, sitting.submitted_at = SittingState.SUBMITTED, now
    session.flush()


def _has_other_voice(session: Session, assignment: AssignmentRow) -> bool:
    standing = select(AssignmentRow.id).where(
        AssignmentRow.voice_key == assignment.voice_key,
        AssignmentRow.worker_id == assignment.worker_id,
        AssignmentRow.id != assignment.id,
        AssignmentRow.state.in_(BARRING),
    )
    return session.scalar(standing) is not None


def _lock_task(session: Session, task_id: int) -> TaskRow:
    return session.scalars(
        select(TaskRow)
        .where(TaskRow.id == task_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _receipt(session: Session, answer: AnswerRow, *, with_next: bool = True) -> Receipt:
    batch = session.get_one(BatchRow, answer.batch_id)
    return Receipt(
        answer_id=answer.id,
        assignment_id=answer.assignment_id,
        replaceable_until=replaceable_until(answer.submitted_at),
        earned_micros=batch.price_micros,
        currency=batch.currency,
        next=offered(session, assignment_ids=[int(i) for i in answer.next_ids]) if with_next else [],
    )
