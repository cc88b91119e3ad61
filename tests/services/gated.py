"""Builders for tests of gates: qualifications by hand, skills by hand, and who is handed a place."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.services.assigning import claim
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.gate_rows import GrantRow, QualificationRow
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, Site


def has(site: Site, name: str, *, worker: int | None = None, value: float | None = None) -> None:
    """Make a qualification, if it is new, and give it to a worker."""

    def write(session: Session) -> None:
        row = session.scalar(select(QualificationRow).where(QualificationRow.name == name))
        if row is None:
            row = QualificationRow(organisation_id=site.organisation_id, name=name, created_at=NOON)
            session.add(row)
            session.flush()
        if worker is not None:
            worker_id = site.workers[worker]
            session.add(GrantRow(qualification_id=row.id, worker_id=worker_id, value=value, granted_at=NOON))

    site.uow.run(write)


def is_skilled(site: Site, *, worker: int, accuracy: float, answers: int, field: str = "label") -> None:
    """Write what was measured of a worker in the site's project."""

    def write(session: Session) -> None:
        session.add(
            WorkerSkillRow(
                project_id=site.project_id,
                worker_id=site.workers[worker],
                field=field,
                accuracy=accuracy,
                answers=answers,
                updated_at=NOON,
            )
        )

    site.uow.run(write)


def claimed(site: Site, batch: BatchRow, worker: int = 0, *, count: int = 1, at: datetime = NOON) -> list[Offered]:
    """Let a worker claim places."""
    return site.uow.run(claim, batch_id=batch.id, worker_id=site.workers[worker], count=count, now=at)
