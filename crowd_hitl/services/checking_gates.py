"""What must hold of gates: the mark in a worker's row is what stands on them; grants stay within the organisation."""

from collections.abc import Iterator

from sqlalchemy import case, exists, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.invariants import Problem
from crowd_hitl.services.blocking import ACTIVE, MARKS
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import GrantRow, QualificationRow, WorkerBlockRow
from crowd_hitl.store.project_rows import ProjectRow


def workers_are_marked(session: Session) -> Iterator[Problem]:
    """A worker's state is the hardest of the blocks on all their work that nobody lifted and that did not lapse."""
    everywhere = WorkerBlockRow.project_id.is_(None) & WorkerBlockRow.lifted_at.is_(None)
    hardest = (
        select(func.max(case((WorkerBlockRow.kind == "block", 2), else_=1)))
        .where(WorkerBlockRow.worker_id == WorkerRow.id, everywhere)
        .scalar_subquery()
    )
    expected = case((hardest == 2, MARKS["block"]), (hardest == 1, MARKS["pause"]), else_=ACTIVE)
    for worker_id, state, wanted in session.execute(
        select(WorkerRow.id, WorkerRow.state, expected).where(WorkerRow.state != expected)
    ):
        yield Problem("worker state", f"worker {worker_id}", wanted, state)


def gates_stay_within_the_organisation(session: Session) -> Iterator[Problem]:
    """A worker has qualifications, and is blocked from projects, of their own organisation only."""
    granted = (
        select(GrantRow.id)
        .join(QualificationRow, QualificationRow.id == GrantRow.qualification_id)
        .join(WorkerRow, WorkerRow.id == GrantRow.worker_id)
        .where(QualificationRow.organisation_id != WorkerRow.organisation_id)
    )
    for grant_id in session.scalars(granted):
        yield Problem("grant", f"grant {grant_id}", "a worker of its organisation", "another's")
    own = exists().where(
        WorkerRow.id == WorkerBlockRow.worker_id, WorkerRow.organisation_id == ProjectRow.organisation_id
    )
    foreign = select(WorkerBlockRow.id).join(ProjectRow, ProjectRow.id == WorkerBlockRow.project_id).where(~own)
    for block_id in session.scalars(foreign):
        yield Problem("block", f"block {block_id}", "a worker of its project's organisation", "another's")
