"""What a process may remember between requests because it never changes: questions, and what an assignment asks."""

from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.orm import Session

from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AssignmentRow, TaskRow

Kept = TypeVar("Kept")
KEY = "crowd_hitl.remembered"
# Above this many, everything is forgotten and read again: simpler than knowing which are used.
REMEMBERED_MAX = 100_000

QUESTION = select(QuestionVersionRow.kind, QuestionVersionRow.spec).where(QuestionVersionRow.id == bindparam("id"))
ASKED_BY = (
    select(TaskRow.question_version_id)
    .join(AssignmentRow, AssignmentRow.task_id == TaskRow.id)
    .where(AssignmentRow.id == bindparam("id"))
)


class Asked(NamedTuple):
    """A question version: never changed once written."""

    kind: str
    spec: dict[str, Any]


class Remembered:
    """Question versions, and the version of each assignment that was handed out here.

    The unit of work gives one to all its sessions, and empties it when a transaction fails: what was read in that
    transaction may never have come to be.
    """

    def __init__(self) -> None:
        self._questions: dict[int, Asked] = {}
        self._asked_by: dict[int, int] = {}

    def question(self, connection: Connection, question_version_id: int) -> Asked:
        """Return a question version."""
        found = self._questions.get(question_version_id)
        if found is None:
            found = Asked(*connection.execute(QUESTION, {"id": question_version_id}).one())
            _keep(self._questions, question_version_id, found)
        return found

    def asked_by(self, connection: Connection, assignment_id: int) -> Asked | None:
        """Return what an assignment asks; None when there is no such assignment."""
        version_id = self._asked_by.get(assignment_id)
        if version_id is None:
            version_id = connection.scalar(ASKED_BY, {"id": assignment_id})
        return None if version_id is None else self.question(connection, version_id)

    def note(self, assignment_id: int, *, question_version_id: int) -> None:
        """Keep what an assignment that is handed out now asks."""
        _keep(self._asked_by, assignment_id, question_version_id)

    def forget(self) -> None:
        """Forget everything."""
        self._questions.clear()
        self._asked_by.clear()


class Short(NamedTuple):
    """What a service gets that is one statement: a connection, and what this process remembers."""

    connection: Connection
    memory: Remembered


def remembered(session: Session) -> Remembered:
    """Return what this session's unit of work remembers."""
    found: Remembered = session.info.setdefault(KEY, Remembered())
    return found


def _keep(memory: dict[int, Kept], key: int, value: Kept) -> None:
    if len(memory) >= REMEMBERED_MAX:
        memory.clear()
    memory[key] = value
