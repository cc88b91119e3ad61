"""Qualifications: granted, changed, revoked; their history stays; from a table the good rows go in."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, BadInput, Conflict, NotFound
from crowd_hitl.services.gating import standing_of
from crowd_hitl.services.qualifying import (
    create_qualification,
    grant,
    import_grants,
    list_grants,
    list_qualifications,
    revoke,
)
from crowd_hitl.store.account_rows import OrganisationRow, WorkerRow
from crowd_hitl.store.gate_rows import GrantRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import NOON, Site, a_site, later
from tests.services.test_interleavings import at_once


def a_qualification(site: Site, name: str = "spanish") -> int:
    return site.uow.run(
        create_qualification, organisation_id=site.organisation_id, name=name, description=" Reads it. ", now=NOON
    ).id


def give(site: Site, qualification_id: int, *, worker: int = 0, value: float | None = None, at: float = 0) -> None:
    site.uow.run(
        grant,
        qualification_id=qualification_id,
        worker_id=site.workers[worker],
        value=value,
        granted_by=None,
        now=later(at),
    )


def values(site: Site, worker: int = 0) -> dict[str, float | None]:
    found = site.uow.read(standing_of, worker_id=site.workers[worker], project_id=site.project_id)
    return dict(found.qualifications)


def test_a_grant_with_another_value_ends_the_old_one_and_begins_a_new_one(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    spanish = a_qualification(site)
    give(site, spanish, value=70)
    give(site, spanish, value=70, at=5)
    give(site, spanish, value=90, at=10)

    (now_stands,) = site.uow.read(list_grants, worker_id=site.workers[0])
    (ended,) = site.uow.read(list_grants, qualification_id=spanish, ended=True)
    assert (now_stands.value, ended.value, ended.revoked_at) == (90, 70, later(10))
    assert values(site) == {"spanish": 90}
    site.uow.run(revoke, qualification_id=spanish, worker_id=site.workers[0], now=later(20))
    assert values(site) == {}
    with pytest.raises(AlreadyDone):
        site.uow.run(revoke, qualification_id=spanish, worker_id=site.workers[0], now=later(20))
    assert [line.holders for line in site.uow.read(list_qualifications, organisation_id=site.organisation_id)] == [0]


def test_the_same_grant_twice_at_once_is_one_grant(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    spanish = a_qualification(site)
    found = at_once(*[lambda v=v: give(site, spanish, value=v) for v in (1.0, 2.0, 1.0, 2.0)])

    assert found == [None] * 4
    assert len(site.uow.read(list_grants, qualification_id=spanish)) == 1


def test_what_cannot_be_is_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    spanish = a_qualification(site)
    with pytest.raises(Conflict):
        a_qualification(site)
    for name in ("", "{json}", "a" * 81, " \n"):
        with pytest.raises(BadInput):
            a_qualification(site, name)
    with pytest.raises(BadInput):
        give(site, spanish, value=float("nan"))

    def a_stranger(session: Session) -> int:
        other = OrganisationRow(name="Other", created_at=NOON)
        session.add(other)
        session.flush()
        worker = WorkerRow(
            organisation_id=other.id,
            channel="inhouse",
            public_id="X1",
            name="X",
            simulated=False,
            state="active",
            created_at=NOON,
        )
        session.add(worker)
        session.flush()
        return worker.id

    stranger = site.uow.run(a_stranger)
    with pytest.raises(NotFound):
        site.uow.run(grant, qualification_id=spanish, worker_id=stranger, value=None, granted_by=None, now=NOON)


def test_good_rows_of_a_table_go_in_and_bad_ones_are_listed(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    spanish = a_qualification(site)
    give(site, spanish, worker=0, value=70)
    give(site, spanish, worker=1, value=5)
    rows = [
        {"worker": "W1", "value": "70"},
        {"worker": "W2", "value": "8.5"},
        {"worker": "W3", "value": ""},
        {"worker": "W3", "value": "2"},
        {"worker": "nobody", "value": "2"},
        {"worker": "W4", "value": "many"},
        {"value": "1"},
    ]
    report = site.uow.run(import_grants, qualification_id=spanish, rows=rows, granted_by=None, now=later(9))

    assert (report.rows, report.granted, report.unchanged) == (7, 2, 1)
    assert [(problem.row, problem.field) for problem in report.problems] == [
        (5, "worker"),
        (6, "worker"),
        (7, "value"),
        (8, "worker"),
    ]
    assert [values(site, worker).get("spanish", "none") for worker in range(4)] == [70, 8.5, None, "none"]

    def history(session: Session) -> int:
        return len(session.scalars(select(GrantRow.id)).all())

    assert site.uow.read(history) == 4
