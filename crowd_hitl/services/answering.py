"""Taking answers: submit (idempotent, and handing out what comes next), replace within the undo window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED, SET_ASIDE, AssignmentState, SittingState, replaceable_until
from crowd_hitl.domain.errors import AlreadyDone, KeyReused, NotFound, TooLate, bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import FittedQuestion, Question
from crowd_hitl.services.assigning import CLAIM_MAX, lock_assignment
from crowd_hitl.services.breaking import broken_value, lock_for_broken, note_broken
from crowd_hitl.services.gating import hold_worker
from crowd_hitl.services.handing_out import BATCH_OF
from crowd_hitl.services.mixing import gold_among, lease_after
from crowd_hitl.services.paying import look_again
from crowd_hitl.services.seating import is_plain, take_place_again
from crowd_hitl.services.showing import Offered, beside, offered, show
from crowd_hitl.services.taking import earned_micros, take, take_late
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Asked, Short, remembered
from crowd_hitl.store.hot_path.shapes import Filled, Wanted
from crowd_hitl.store.project_rows import ItemRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRevisionRow, AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

LONGEST_KEY = 100
# What is kept is longer: of a page each answer has the page's key and its own number.
LONGEST_PART_KEY = LONGEST_KEY + 20
LONGEST_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class Receipt:
    """What a worker gets for an answer: until when it may be replaced, what it earned, and what comes next.

    A `late` one is kept and paid, and not used; `owed` says that the line that pays it is used up for now. `full_in`:
    the batch, if its task has all its answers now and they may be enough.
    """

    answer_id: int
    assignment_id: int
    replaceable_until: datetime
    earned_micros: int
    currency: str
    next: list[Offered]
    late: bool = False
    owed: bool = False
    full_in: int | None = None


@dataclass(frozen=True)
class Submission:
    """What a client sends: the answer, its own key for this submit, active seconds, how many places it wants next.

    `broken` says instead of an answer why the item cannot be answered.
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
    lease counts while its place is open, else it is late: kept, and paid from the compensation line. AlreadyDone when
    the assignment has another answer.
    """
    check_submission(submission.client_key, submission.next_count, longest=LONGEST_PART_KEY)
    repeated = _repeated(session, assignment_id, worker_id=worker_id, client_key=submission.client_key)
    if repeated is not None:
        return _receipt(session, repeated)
    batch = session.scalar(BATCH_OF, {"assignment_id": assignment_id})
    if batch is not None and batch.is_special:
        hold_worker(session, batch=batch, worker_id=worker_id)  # before any assignment or task is locked
    assignment = lock_assignment(session, assignment_id, worker_id=worker_id)
    repeated = _repeated(session, assignment_id, worker_id=worker_id, client_key=submission.client_key)
    if repeated is not None:  # the same submit came twice at once, and the other one held the lock
        return _receipt(session, repeated)
    assert batch is not None, "the assignment was found"
    checked = _checked(session, assignment, submission, questions)
    in_time = _make_answerable(session, assignment, batch, now=now)
    filled = _filled(assignment_id, worker_id, submission, checked, now=now)._replace(in_service=True)
    receipt = _taken(session, assignment, batch, filled, in_time=in_time)
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

    None also for what a statement does not settle: one answer of a page, a special batch, an item that cannot be
    answered, an answer that has to fit the item.
    """
    check_submission(submission.client_key, submission.next_count)
    if submission.broken is not None:
        return None
    asked = short.memory.asked_by(short.connection, assignment_id)
    if asked is None:
        return None
    if isinstance(questions[asked.kind], FittedQuestion):
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
    asked = Asked(version.kind, version.spec)
    checked = _check(asked, value, questions)
    _check_fit(session, answer.item_id, asked, checked, questions)
    if checked != answer.value:
        session.add(AnswerRevisionRow(answer_id=answer.id, value=answer.value, replaced_at=now))
        answer.value, answer.is_broken = checked, False
        look_again(session.get_one(BatchRow, answer.batch_id))  # what was agreed may rest on the old answer
        session.flush()
    return _receipt(session, answer, with_next=False)


def check_submission(client_key: str, next_count: int, *, longest: int = LONGEST_KEY) -> None:
    """Refuse a key that cannot be kept, and a wish for more places than are handed out at once."""
    if not 1 <= len(client_key) <= longest:
        raise bad_field("client_key", expected=f"1 to {longest} characters", found=client_key)
    if not 0 <= next_count <= CLAIM_MAX:
        raise bad_field("next", expected=f"0 to {CLAIM_MAX}", found=next_count)


def _repeated(session: Session, assignment_id: int, *, worker_id: int, client_key: str) -> AnswerRow | None:
    found = session.scalar(
        select(AnswerRow).where(AnswerRow.worker_id == worker_id, AnswerRow.client_key == client_key)
    )
    if found is not None and found.assignment_id != assignment_id:
        raise KeyReused("This client_key belongs to another answer of yours. Make a new one for every answer.")
    return found


def _check(asked: Asked, value: object, questions: Mapping[str, Question]) -> dict[str, Any]:
    return questions[asked.kind].check_answer(asked.spec, value)


def _checked(
    session: Session, assignment: AssignmentRow, submission: Submission, questions: Mapping[str, Question]
) -> dict[str, Any]:
    if submission.broken is not None:
        value = broken_value(submission.broken)
        lock_for_broken(session, task_id=assignment.task_id)
        return value
    asked = remembered(session).asked_by(session.connection(), assignment.id)
    assert asked is not None, "the assignment was found"
    checked = _check(asked, submission.value, questions)
    _check_fit(session, session.get_one(TaskRow, assignment.task_id).item_id, asked, checked, questions)
    return checked


def _check_fit(
    session: Session, item_id: int, asked: Asked, checked: Mapping[str, Any], questions: Mapping[str, Question]
) -> None:
    question = questions[asked.kind]
    if isinstance(question, FittedQuestion):
        item = session.get_one(ItemRow, item_id)
        question.check_fit(asked.spec, checked, Content(key=item.key, text=item.text, data=item.data))


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
    """Take an answer and lease what comes next: of that, what is drawn to be gold, in a statement of its own."""
    wanted = _next_wanted(short, filled)
    gold = 0 if wanted is None else gold_among(short, wanted, seed=filled.assignment_id)
    taken = hot_path(short.connection).fill(short.connection, filled._replace(next_count=0) if gold else filled)
    if taken is None:
        return None
    places = taken.next
    if gold and wanted is not None:
        places = lease_after(short, wanted, gold=gold, answer_id=taken.answer_id, seed=filled.assignment_id)
    return Receipt(
        answer_id=taken.answer_id,
        assignment_id=filled.assignment_id,
        replaceable_until=replaceable_until(filled.now),
        earned_micros=taken.earned_micros,
        currency=taken.currency,
        next=[show(short, place) for place in places],
        full_in=taken.full_in,
    )


def _next_wanted(short: Short, filled: Filled) -> Wanted | None:
    batch_id = short.memory.batch_of(short.connection, filled.assignment_id) if filled.next_count else None
    if batch_id is None:
        return None
    return Wanted(batch_id, filled.worker_id, filled.next_count, filled.now, in_service=filled.in_service)


def _taken(session: Session, assignment: AssignmentRow, batch: BatchRow, filled: Filled, *, in_time: bool) -> Receipt:
    """Take an answer by the statement of the hot path where that does, else step by step."""
    if in_time and is_plain(batch):
        receipt = _fill(beside(session), filled)
        assert receipt is not None, "the assignment is locked and leased"
        return receipt
    keep = take if in_time else take_late
    return _receipt(session, keep(session, assignment=assignment, filled=filled))


def _make_answerable(session: Session, assignment: AssignmentRow, batch: BatchRow, *, now: datetime) -> bool:
    """Refuse what cannot be answered; a lapsed lease takes an open place again.

    False when that place is gone: for as long as a lease lasts, the answer is late then. TooLate after that.
    """
    if assignment.state == AssignmentState.LEASED:
        return True
    if assignment.state in ANSWERED or assignment.state in SET_ASIDE:
        raise AlreadyDone(f"Assignment {assignment.id} has an answer already. Claim the next task.")
    if assignment.state != AssignmentState.EXPIRED:
        raise TooLate(f"Assignment {assignment.id} was {assignment.state}. Claim the next task.")
    if take_place_again(session, assignment=assignment, now=now):
        return True
    if assignment.ended_at is not None and now > assignment.ended_at + timedelta(seconds=batch.lease_seconds):
        raise TooLate("The time for this task ran out long ago, and its place is gone. Claim the next task.")
    return False


def _receipt(session: Session, answer: AnswerRow, *, with_next: bool = True) -> Receipt:
    batch = session.get_one(BatchRow, answer.batch_id)
    assignment = session.get_one(AssignmentRow, answer.assignment_id)
    sitting = session.get_one(SittingRow, assignment.sitting_id)
    return Receipt(
        answer_id=answer.id,
        assignment_id=answer.assignment_id,
        replaceable_until=replaceable_until(answer.submitted_at),
        earned_micros=earned_micros(batch, sitting, seconds=answer.seconds),
        currency=batch.currency,
        next=offered(session, assignment_ids=[int(i) for i in answer.next_ids]) if with_next else [],
        late=assignment.state == AssignmentState.LATE,
        owed=sitting.state == SittingState.OWED,
    )
