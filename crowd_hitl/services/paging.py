"""Taking a page: the answers of one sitting together, in one request that also leases the next page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import replaceable_until
from crowd_hitl.domain.errors import NotFound, TooLate, bad_field
from crowd_hitl.domain.ports import FittedQuestion, Question
from crowd_hitl.domain.sittings import PAGE_TASKS_MAX
from crowd_hitl.services.answering import LONGEST_SECONDS, Receipt, Submission, check_submission, submit
from crowd_hitl.services.assigning import lease_more
from crowd_hitl.services.mixing import gold_among, lease_after
from crowd_hitl.services.showing import Offered, offered, show
from crowd_hitl.store.hot_path.finding import hot_path
from crowd_hitl.store.hot_path.remembered import Short
from crowd_hitl.store.hot_path.shapes import PageAnswer, PageFilled, PageTaken, Wanted
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow


@dataclass(frozen=True)
class PagePart:
    """One answer of a page, and its active seconds."""

    assignment_id: int
    value: object
    seconds: float = 0.0


@dataclass(frozen=True)
class PageSubmission:
    """What a client sends: the answers, its own key for this submit, and whether it wants the next page (not 0)."""

    parts: Sequence[PagePart]
    client_key: str
    next_count: int = 0


@dataclass(frozen=True)
class AnswerTaken:
    """One answer of a page that was taken, and until when it may be replaced; a `late` one is kept, not used."""

    answer_id: int
    assignment_id: int
    replaceable_until: datetime
    late: bool = False


@dataclass(frozen=True)
class PageReceipt:
    """What a worker gets for a page; what cannot be taken any more is not among the answers.

    `full_in`: the batch, if a task has all its answers now and they may be enough.
    """

    answers: list[AnswerTaken]
    earned_micros: int
    currency: str
    next: list[Offered]
    full_in: int | None = None


def submit_page_at_once(
    short: Short,
    *,
    sitting_id: int,
    worker_id: int,
    submission: PageSubmission,
    questions: Mapping[str, Question],
    now: datetime,
) -> PageReceipt | None:
    """Do what `submit_page` does for a whole page on a lease; None, and nothing changed, in all other cases."""
    _check(submission)
    answers = []
    for part in submission.parts:
        asked = short.memory.asked_by(short.connection, part.assignment_id)
        if asked is None or isinstance(questions[asked.kind], FittedQuestion):
            return None
        value = questions[asked.kind].check_answer(asked.spec, part.value)
        seconds = max(0.0, min(part.seconds, LONGEST_SECONDS))
        answers.append(PageAnswer(part.assignment_id, value, _key(submission, part), seconds))
    filled = PageFilled(sitting_id, worker_id, answers, submission.next_count, now)
    taken = _fill(short, filled)
    if taken is None:
        return None
    until = replaceable_until(now)
    return PageReceipt(
        answers=[AnswerTaken(taken.answer_ids[part.assignment_id], part.assignment_id, until) for part in answers],
        earned_micros=taken.earned_micros,
        currency=taken.currency,
        next=[show(short, place) for place in taken.next],
        full_in=taken.full_in,
    )


def _fill(short: Short, filled: PageFilled) -> PageTaken | None:
    """Take a page and lease the next one: with gold, if some is drawn, in a statement of its own."""
    hot, first = hot_path(short.connection), filled.answers[0].assignment_id
    batch_id = short.memory.batch_of(short.connection, first) if filled.next_count else None
    if batch_id is None:
        return hot.fill_page(short.connection, filled)
    wanted = Wanted(batch_id, filled.worker_id, filled.next_count, filled.now)
    gold = gold_among(short, wanted, seed=filled.sitting_id)
    taken = hot.fill_page(short.connection, filled._replace(next_count=0) if gold else filled)
    if taken is None or not gold:
        return taken
    # what came next is kept once, with the first answer
    keeper = min(taken.answer_ids.values())
    return taken._replace(next=lease_after(short, wanted, gold=gold, answer_id=keeper, seed=filled.sitting_id))


def submit_page(
    session: Session,
    *,
    sitting_id: int,
    worker_id: int,
    submission: PageSubmission,
    questions: Mapping[str, Question],
    now: datetime,
) -> PageReceipt:
    """Take the answers of a sitting, all of them or some, and lease the next page once it is complete.

    The same client key again gives the same receipt. What was answered or let go is left out; TooLate when all was.
    NotFound for what is not of this worker's sitting.
    """
    _check(submission)
    sitting = session.get(SittingRow, sitting_id)
    if sitting is None or sitting.worker_id != worker_id:
        raise NotFound(f"You hold no sitting {sitting_id}.")
    repeated = _repeated(session, worker_id, submission)
    receipts = _take_each(session, sitting, submission, repeated=repeated, questions=questions, now=now)
    if repeated:
        fresh = offered(session, assignment_ids=[int(id_) for answer in repeated for id_ in answer.next_ids])
    elif submission.next_count:
        batch = session.get_one(BatchRow, sitting.batch_id)
        fresh = lease_more(session, batch=batch, worker_id=worker_id, count=submission.next_count, now=now)
        first = session.get_one(AnswerRow, min(receipt.answer_id for receipt in receipts))
        first.next_ids = [offer.assignment_id for offer in fresh]
        session.flush()
    else:
        fresh = []
    return PageReceipt(
        answers=[AnswerTaken(one.answer_id, one.assignment_id, one.replaceable_until, one.late) for one in receipts],
        earned_micros=sum(receipt.earned_micros for receipt in receipts),
        currency=receipts[0].currency,
        next=fresh,
    )


def _take_each(
    session: Session,
    sitting: SittingRow,
    submission: PageSubmission,
    *,
    repeated: Sequence[AnswerRow],
    questions: Mapping[str, Question],
    now: datetime,
) -> list[Receipt]:
    """Submit the answers one by one, in the order of their tasks: the order in which locks are taken everywhere."""
    of_sitting = select(AssignmentRow.id, AssignmentRow.task_id).where(AssignmentRow.sitting_id == sitting.id)
    tasks = dict(session.execute(of_sitting).all())
    # what came late or was decided apart has a sitting of its own by now: sent again, it is still of this page
    tasks |= {answer.assignment_id: answer.task_id for answer in repeated}
    receipts: dict[int, Receipt] = {}
    late: TooLate | None = None
    for part in sorted(submission.parts, key=lambda one: tasks.get(one.assignment_id, 0)):
        if part.assignment_id not in tasks:
            raise NotFound(f"Assignment {part.assignment_id} is not of sitting {sitting.id}.")
        try:
            receipts[part.assignment_id] = submit(
                session,
                assignment_id=part.assignment_id,
                worker_id=sitting.worker_id,
                submission=Submission(part.value, _key(submission, part), part.seconds),
                questions=questions,
                now=now,
            )
        except TooLate as error:
            late = error
    if late is not None and not receipts:
        raise late
    return [receipts[part.assignment_id] for part in submission.parts if part.assignment_id in receipts]


def _check(submission: PageSubmission) -> None:
    check_submission(submission.client_key, submission.next_count)
    ids = [part.assignment_id for part in submission.parts]
    if not 1 <= len(ids) <= PAGE_TASKS_MAX:
        raise bad_field("answers", expected=f"1 to {PAGE_TASKS_MAX} answers", found=len(ids))
    if len(set(ids)) < len(ids):
        raise bad_field("answers", expected="each assignment once", found=ids)


def _key(submission: PageSubmission, part: PagePart | PageAnswer) -> str:
    """Name one answer of a page: the page's key may be as long as any, and this one is longer."""
    return f"{submission.client_key}:{part.assignment_id}"


def _repeated(session: Session, worker_id: int, submission: PageSubmission) -> Sequence[AnswerRow]:
    """Find what an earlier request with the same key has left."""
    keys = [_key(submission, part) for part in submission.parts]
    return session.scalars(
        select(AnswerRow).where(AnswerRow.worker_id == worker_id, AnswerRow.client_key.in_(keys)).order_by(AnswerRow.id)
    ).all()
