"""What a process may remember between requests because it never changes: questions, and what an assignment asks."""

from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, and_, bindparam, func, select
from sqlalchemy.orm import Session

from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow

Kept = TypeVar("Kept")
Key = TypeVar("Key")
KEY = "crowd_hitl.remembered"
# Above this many, everything is forgotten and read again: simpler than knowing which are used.
REMEMBERED_MAX = 100_000

QUESTION = select(QuestionVersionRow.kind, QuestionVersionRow.spec).where(QuestionVersionRow.id == bindparam("id"))
ASKED_BY = (
    select(TaskRow.question_version_id, TaskRow.batch_id)
    .join(AssignmentRow, AssignmentRow.task_id == TaskRow.id)
    .where(AssignmentRow.id == bindparam("id"))
)

GOLD_RATE = select(BatchRow.gold_rate, BatchRow.page_size).where(BatchRow.id == bindparam("id"))
SEEN_OF_GOLD = (
    select(func.coalesce(func.sum(WorkerSkillRow.gold_seen), 0), func.coalesce(func.sum(WorkerSkillRow.gold_right), 0))
    .join(
        BatchRow,
        and_(BatchRow.project_id == WorkerSkillRow.project_id, WorkerSkillRow.worker_id == bindparam("worker_id")),
    )
    .where(BatchRow.id == bindparam("batch_id"))
)


class Pace(NamedTuple):
    """What decides how often a worker meets a batch's gold.

    `given`: gold handed out here that no pass has counted yet. `dry`: for so many draws it is not looked for.
    """

    rate: float
    seen: int
    right: int
    page_size: int = 1
    given: int = 0
    dry: int = 0

    def moved_on(self, *, seen: int, right: int, given: int, dry: int) -> "Pace":
        """Return what was read anew, with what was given since; a pass counts what was answered of it."""
        uncounted = max(0, self.given - max(0, seen - self.seen))
        return self._replace(seen=seen, right=right, given=uncounted + given, dry=dry)


class Asked(NamedTuple):
    """A question version: never changed once written."""

    kind: str
    spec: dict[str, Any]


class Remembered:
    """Question versions, what each assignment that was handed out here asks, and how often workers meet gold.

    The unit of work gives one to all its sessions, and empties it when a transaction fails: what was read in that
    transaction may never have come to be.
    """

    def __init__(self) -> None:
        self._questions: dict[int, Asked] = {}
        self._asked_by: dict[int, tuple[int, int]] = {}
        self._gold_rates: dict[int, tuple[float, int]] = {}
        self._paces: dict[tuple[int, int], Pace] = {}

    def question(self, connection: Connection, question_version_id: int) -> Asked:
        """Return a question version."""
        found = self._questions.get(question_version_id)
        if found is None:
            found = Asked(*connection.execute(QUESTION, {"id": question_version_id}).one())
            _keep(self._questions, question_version_id, found)
        return found

    def asked_by(self, connection: Connection, assignment_id: int) -> Asked | None:
        """Return what an assignment asks; None when there is no such assignment."""
        found = self._found(connection, assignment_id)
        return None if found is None else self.question(connection, found[0])

    def batch_of(self, connection: Connection, assignment_id: int) -> int | None:
        """Return the batch of an assignment; None when there is no such assignment."""
        found = self._found(connection, assignment_id)
        return None if found is None else found[1]

    def note(self, assignment_id: int, *, question_version_id: int, batch_id: int) -> None:
        """Keep what an assignment that is handed out now asks."""
        _keep(self._asked_by, assignment_id, (question_version_id, batch_id))

    def pace(self, connection: Connection, *, batch_id: int, worker_id: int) -> Pace | None:
        """Return how often this worker meets gold; None in a batch that mixes none in.

        What was read once is kept until gold is handed out: what passes counted meanwhile is seen then.
        """
        known = self._gold_rates.get(batch_id)
        if known is None:
            rate, page_size = connection.execute(GOLD_RATE, {"id": batch_id}).first() or (0.0, 1)
            known = rate, page_size
            _keep(self._gold_rates, batch_id, known)
        if known[0] <= 0:
            return None
        found = self._paces.get((batch_id, worker_id))
        if found is None:
            found = Pace(known[0], *self._seen(connection, batch_id, worker_id), page_size=known[1])
            self.keep_pace(batch_id, worker_id, found)
        return found

    def read_pace(self, connection: Connection, *, batch_id: int, worker_id: int, given: int, dry: int) -> None:
        """Read it anew, as gold is handed out now (`given`), or was looked for in vain (`dry`)."""
        old = self.pace(connection, batch_id=batch_id, worker_id=worker_id)
        if old is not None:
            seen, right = self._seen(connection, batch_id, worker_id)
            self.keep_pace(batch_id, worker_id, old.moved_on(seen=seen, right=right, given=given, dry=dry))

    def keep_pace(self, batch_id: int, worker_id: int, pace: Pace) -> None:
        """Keep how often this worker meets gold."""
        _keep(self._paces, (batch_id, worker_id), pace)

    def forget(self) -> None:
        """Forget everything."""
        self._questions.clear()
        self._asked_by.clear()
        self._gold_rates.clear()
        self._paces.clear()

    def _seen(self, connection: Connection, batch_id: int, worker_id: int) -> tuple[int, int]:
        seen, right = connection.execute(SEEN_OF_GOLD, {"batch_id": batch_id, "worker_id": worker_id}).one()
        return int(seen), int(right)

    def _found(self, connection: Connection, assignment_id: int) -> tuple[int, int] | None:
        """Return question version and batch of an assignment; what others handed out is looked up."""
        found = self._asked_by.get(assignment_id)
        if found is None:
            row = connection.execute(ASKED_BY, {"id": assignment_id}).first()
            if row is None:
                return None
            found = (row[0], row[1])
            _keep(self._asked_by, assignment_id, found)
        return found


class Short(NamedTuple):
    """What a service gets that is one statement: a connection, and what this process remembers."""

    connection: Connection
    memory: Remembered


def remembered(session: Session) -> Remembered:
    """Return what this session's unit of work remembers."""
    found: Remembered = session.info.setdefault(KEY, Remembered())
    return found


def _keep(memory: dict[Key, Kept], key: Key, value: Kept) -> None:
    if len(memory) >= REMEMBERED_MAX:
        memory.clear()
    memory[key] = value
