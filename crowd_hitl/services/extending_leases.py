"""More time for a task at hand: a lease runs on from now, as long as it does not go on for ever."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import TooLate
from crowd_hitl.services.assigning import lock_assignment
from crowd_hitl.services.gating import hold_worker
from crowd_hitl.services.handing_out import BATCH_OF
from crowd_hitl.services.seating import take_place_again
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow

# A lease lasts so many times its first length at the most: others wait for the place.
LEASES_MAX = 4


def extend_lease(session: Session, *, assignment_id: int, worker_id: int, now: datetime) -> AssignmentRow:
    """Let a lease run for its full length from now, up to four times that in all and never past the deadline.

    A lapsed one takes its place again if that is still open. TooLate when nothing more can be given.
    """
    batch = session.scalar(BATCH_OF, {"assignment_id": assignment_id})
    if batch is not None and batch.is_special:
        hold_worker(session, batch=batch, worker_id=worker_id)  # before the assignment is locked
    assignment = lock_assignment(session, assignment_id, worker_id=worker_id)
    task, batch = session.get_one(TaskRow, assignment.task_id), session.get_one(BatchRow, assignment.batch_id)
    length = timedelta(seconds=batch.lease_seconds)
    most = assignment.leased_at + LEASES_MAX * length
    ends = min(now + length, most if task.deadline is None else min(most, task.deadline))
    if ends <= max(now, assignment.lease_ends_at):
        raise TooLate("This task cannot be held any longer. Submit your answer, or give the task back.")
    if assignment.state == AssignmentState.EXPIRED and not take_place_again(session, assignment=assignment, now=now):
        raise TooLate("The time for this task ran out and its place cannot be taken again. An answer is kept and paid.")
    if assignment.state != AssignmentState.LEASED:
        raise TooLate(f"Assignment {assignment_id} is {assignment.state}; only a leased one gets more time.")
    assignment.lease_ends_at = ends
    session.flush()
    return assignment
