"""Taking answers: submit (idempotent, and handing out what comes next), replace within the undo window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, BARRING, AssignmentState, replaceable_until
from crowd_hitl.domain.errors import AlreadyDone, KeyReused, NotFound, TooLate, bad_field
from crowd_hitl.domain.ports import Question
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.services.assigning import CLAIM_MAX, Offered, beside, lock_assignment, offered, show
from crowd_hitl.services.breaking import broken_value, lock_for_broken, note_broken
from crowd_hitl.services.gating import caps_left, hold_worker, places_allowed
from crowd_hitl.services.paying import look_again
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Asked, Short, remembered
from crowd_hitl.store.hot_path.shapes import Filled
from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRevisionRow, AnswerRow, AssignmentRow, BatchRow, TaskRow

LONGEST_KEY = 100
LONGEST_SECONDS = 24 * 3600.0
# The batch of an assignment, if a claim of it needs more than the hot path checks.
OF_SPECIAL = (BatchRow.is_special.is_(True), AssignmentRow.id == bindparam("assignment_id"))
SPECIAL = select(BatchRow).join(AssignmentRow, AssignmentRow.batch_id == BatchRow.id).where(*OF_SPECIAL)
SPECIAL_ID = select(BatchRow.id).join(AssignmentRow, AssignmentRow.batch_id == BatchRow.id).where(*OF_SPECIAL)


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
    """What a client sends: the answer, its own key for this submit, active seconds, how many places it wants next.

    `broken` says, instead of an answer, why the item itself cannot be answered.
    """

    value: object
    client_key: str
    seconds: float = 0.0
    next_count: int = 0
    broken: str | None = None


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
    special = session.scalar(SPECIAL, {"assignment_id": assignment_id})
    if special is not None:
        hold_worker(session, batch=special, worker_id=worker_id)  # before any assignment or task is locked
    assignment = lock_assignment(session, assignment_id, worker_id=worker_id)
    repeated = _repeated(session, assignment_id, worker_id=worker_id, client_key=submission.client_key)
    if repeated is not None:  # the same submit came twice at once, and the other one held the lock
        return _receipt(session, repeated)
    asked = remembered(session).asked_by(session.connection(), assignment_id)
    assert asked is not None, "the assignment was found"
    if submission.broken is None:
        checked = _check(asked, submission.value, questions)
    else:
        checked = broken_value(submission.broken)
        lock_for_broken(session, task_id=assignment.task_id)
    _make_answerable(session, assignment, special=special, now=now)
    filled = _filled(assignment_id, worker_id, submission, checked, now=now)
    if special is not None:
        wanted = places_allowed(session, batch=special, worker_id=worker_id, wanted=filled.next_count, now=now)
        filled = filled._replace(next_count=wanted)
    receipt = _fill(beside(session), filled)
    assert receipt is not None, "the assignment is locked and leased"
    if submission.broken is not None:
        note_broken(session, answer_id=receipt.answer_id, now=now)
    return receipt


def submit_at_once(
    short: Short,
    *,
    assignment_id: int,
    worker_id: int,
    submission: Submission,
    questions: Mapping[str, Question],
    now: datetime,
) -> Receipt | None:
    """Do what `submit` does for a leased assignment; None, and nothing changed, for a repeat or a lapsed lease.

    None also for an item that cannot be answered: that may retire its tasks.
    """
    _check_submission(submission)
    if submission.broken is not None:
        return None
    asked = short.memory.asked_by(short.connection, assignment_id)
    if asked is None or short.connection.scalar(SPECIAL_ID, {"assignment_id": assignment_id}) is not None:
        return None
    checked = _check(asked, submission.value, questions)
    return _fill(short, _filled(assignment_id, worker_id, submission, checked, now=now))


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
    version = session.get_one(QuestionVersionRow, answer.question_version_id)
    checked = _check(Asked(version.kind, version.spec), value, questions)
    if checked != answer.value:
        session.add(AnswerRevisionRow(answer_id=answer.id, value=answer.value, replaced_at=now))
        answer.value, answer.is_broken = checked, False
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


def _check(asked: Asked, value: object, questions: Mapping[str, Question]) -> dict[str, Any]:
    return questions[asked.kind].check_answer(asked.spec, value)


def _filled(
    assignment_id: int, worker_id: int, submission: Submission, checked: dict[str, Any], *, now: datetime
) -> Filled:
    return Filled(
        assignment_id=assignment_id,
        worker_id=worker_id,
        value=checked,
        client_key=submission.client_key,
        seconds=max(0.0, min(submission.seconds, LONGEST_SECONDS)),
        next_count=submission.next_count,
        now=now,
    )


def _fill(short: Short, filled: Filled) -> Receipt | None:
    taken = hot_path(short.connection).fill(short.connection, filled)
    if taken is None:
        return None
    return Receipt(
        answer_id=taken.answer_id,
        assignment_id=filled.assignment_id,
        replaceable_until=replaceable_until(filled.now),
        earned_micros=taken.earned_micros,
        currency=taken.currency,
        next=[show(short, place) for place in taken.next],
    )


def _make_answerable(session: Session, assignment: AssignmentRow, *, special: BatchRow | None, now: datetime) -> None:
    """Refuse what cannot be answered; a lapsed lease takes an open place again if there is one."""
    if assignment.state == AssignmentState.LEASED:
        return
    if assignment.state in ANSWERED or assignment.state == AssignmentState.REJECTED:
        raise AlreadyDone(f"Assignment {assignment.id} has an answer already. Claim the next task.")
    if assignment.state != AssignmentState.EXPIRED:
        raise TooLate(f"Assignment {assignment.id} was {assignment.state}. Claim the next task.")
    task = _lock_task(session, assignment.task_id)
    if task.places_left == 0 or _has_other_voice(session, assignment):
        raise TooLate("The time for this task ran out and its place was given to somebody else.")
    if special is not None and caps_left(session, batch=special, worker_id=assignment.worker_id, now=now) == 0:
        raise TooLate("The time for this task ran out, and you have since done the most that one person may do here.")
    last_place = task.places_left == 1
    task.places_left = TaskRow.places_left - 1
    task.state = TaskState.FULL if last_place else TaskState.OPEN
    assignment.state = AssignmentState.LEASED


def _has_other_voice(session: Session, assignment: AssignmentRow) -> bool:
    standing = select(AssignmentRow.id).where(
        AssignmentRow.voice_key == assignment.voice_key,
        AssignmentRow.worker_id == assignment.worker_id,
        AssignmentRow.id != assignment.id,
        AssignmentRow.state.in_([state.value for state in BARRING]),
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
