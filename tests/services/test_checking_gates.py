"""The checks of gates find what was planted, and nothing where all is right."""

from sqlalchemy.orm import Session

from crowd_hitl.services.blocking import Placed, block, lapse_blocks
from crowd_hitl.services.checking import check
from crowd_hitl.store.account_rows import OrganisationRow, WorkerRow
from crowd_hitl.store.gate_rows import GrantRow, QualificationRow, WorkerBlockRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, a_site, later, problems


def test_a_mark_that_nothing_stands_behind_is_found_and_one_that_is_missing_too(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    for worker_id in site.workers[:2]:
        placed = Placed(worker_id=worker_id, kind="block", reason="Too fast.", ends_at=later(60))
        site.uow.run(block, placed=placed, now=NOON)
    assert problems(site) == []

    def plant(session: Session) -> None:
        session.get_one(WorkerRow, site.workers[0]).state = "active"
        session.get_one(WorkerRow, site.workers[2]).state = "paused"

    site.uow.run(plant)
    found = problems(site)
    assert len(found) == 2 and all("worker state" in line for line in found)
    site.uow.run(lapse_blocks, now=later(60))
    assert len(problems(site)) == 1


def test_grants_and_blocks_across_organisations_are_found(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)

    def plant(session: Session) -> None:
        other = OrganisationRow(name="Other", created_at=NOON)
        session.add(other)
        session.flush()
        stranger = WorkerRow(
            organisation_id=other.id,
            channel="inhouse",
            public_id="X1",
            name="X",
            simulated=False,
            state="active",
            created_at=NOON,
        )
        qualification = QualificationRow(organisation_id=site.organisation_id, name="spanish", created_at=NOON)
        session.add_all([stranger, qualification])
        session.flush()
        session.add(GrantRow(qualification_id=qualification.id, worker_id=stranger.id, granted_at=NOON))
        session.add(
            WorkerBlockRow(worker_id=stranger.id, project_id=site.project_id, kind="pause", reason="?", starts_at=NOON)
        )

    site.uow.run(plant)
    assert sorted(problem.rule for problem in site.uow.read(check)) == ["block", "grant"]
