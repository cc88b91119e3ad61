"""Qualifications: making them, granting and revoking (history stays), one by one or from a table."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from math import isfinite

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, FieldProblem, NotFound, bad_field
from crowd_hitl.store.account_rows import AccountRow, WorkerRow
from crowd_hitl.store.gate_rows import GrantRow, QualificationRow

NAME = re.compile(r"\w[\w .+/-]{0,79}")
DESCRIPTION_CHARACTERS_MAX = 2000
GRANT_COLUMNS = ("worker",)
CHUNK = 500
STANDS = GrantRow.revoked_at.is_(None)


@dataclass(frozen=True)
class QualificationLine:
    """One qualification and how many workers have it."""

    id: int
    name: str
    description: str | None
    holders: int
    created_at: datetime


@dataclass(frozen=True)
class GrantLine:
    """One grant: who has, or had, which qualification, with what value."""

    id: int
    qualification_id: int
    qualification: str
    worker_id: int
    worker: str
    worker_name: str
    value: float | None
    granted_by: str | None
    granted_at: datetime
    revoked_at: datetime | None


@dataclass
class GrantReport:
    """What an import of grants did; bad rows are listed, and do not keep the good ones from going in."""

    rows: int = 0
    granted: int = 0
    unchanged: int = 0
    problems: list[FieldProblem] = field(default_factory=list)


def create_qualification(
    session: Session, *, organisation_id: int, name: str, description: str | None, now: datetime
) -> QualificationRow:
    """Make a qualification; refuses a malformed name and one that is taken."""
    clean, about = name.strip(), (description or "").strip()
    if not NAME.fullmatch(clean):
        raise bad_field("name", expected="1 to 80 letters, digits, spaces and . _ + / -, a letter first", found=name)
    if len(about) > DESCRIPTION_CHARACTERS_MAX:
        expected = f"at most {DESCRIPTION_CHARACTERS_MAX} characters"
        raise bad_field("description", expected=expected, found=f"{len(about)} characters")
    taken = select(QualificationRow.id).where(
        QualificationRow.organisation_id == organisation_id, QualificationRow.name == clean
    )
    if session.scalar(taken) is not None:
        raise Conflict(f"There is a qualification '{clean}' already. Grant it, or choose another name.")
    row = QualificationRow(organisation_id=organisation_id, name=clean, description=about or None, created_at=now)
    session.add(row)
    session.flush()
    return row


def find_qualification(session: Session, *, organisation_id: int, qualification_id: int) -> QualificationRow:
    """Return one of the organisation's qualifications."""
    row = session.get(QualificationRow, qualification_id)
    if row is None or row.organisation_id != organisation_id:
        raise NotFound(f"There is no qualification {qualification_id}.")
    return row


def list_qualifications(
    session: Session, *, organisation_id: int, after: int = 0, limit: int = 100
) -> list[QualificationLine]:
    """List an organisation's qualifications in the order of their ids, from behind `after`."""
    rows = session.execute(
        select(QualificationRow, func.count(GrantRow.id))
        .outerjoin(GrantRow, and_(GrantRow.qualification_id == QualificationRow.id, STANDS))
        .where(QualificationRow.organisation_id == organisation_id, QualificationRow.id > after)
        .group_by(QualificationRow.id)
        .order_by(QualificationRow.id)
        .limit(limit)
    )
    return [QualificationLine(row.id, row.name, row.description, holders, row.created_at) for row, holders in rows]


def grant(
    session: Session,
    *,
    qualification_id: int,
    worker_id: int,
    value: float | None,
    granted_by: int | None,
    now: datetime,
) -> GrantRow:
    """Give a worker a qualification; with another value than before the old grant ends and a new one begins."""
    qualification = _lock(session, qualification_id)
    if value is not None and not isfinite(value):
        raise bad_field("value", expected="a finite number", found=value)
    worker = session.get(WorkerRow, worker_id)
    if worker is None or worker.organisation_id != qualification.organisation_id:
        raise NotFound(f"There is no worker {worker_id}.")
    standing = _standing(session, qualification_id, [worker_id]).get(worker_id)
    if standing is not None and standing.value == value:
        return standing
    if standing is not None:
        standing.revoked_at = now
        session.flush()  # the old one must end before the new one begins
    row = GrantRow(
        qualification_id=qualification_id, worker_id=worker_id, value=value, granted_by=granted_by, granted_at=now
    )
    session.add(row)
    session.flush()
    return row


def revoke(session: Session, *, qualification_id: int, worker_id: int, now: datetime) -> GrantRow:
    """Take a qualification back; places that are held may be finished. AlreadyDone when the worker has it not."""
    qualification = _lock(session, qualification_id)
    standing = _standing(session, qualification_id, [worker_id]).get(worker_id)
    if standing is None:
        raise AlreadyDone(f"This worker does not have '{qualification.name}'. Nothing was changed.")
    standing.revoked_at = now
    session.flush()
    return standing


def import_grants(
    session: Session,
    *,
    qualification_id: int,
    rows: Iterable[Mapping[str, str]],
    granted_by: int | None,
    now: datetime,
) -> GrantReport:
    """Grant from a table with the columns `worker` (login or pseudonym) and, if wanted, `value`."""
    qualification = _lock(session, qualification_id)
    report = GrantReport()
    numbered = enumerate(rows, start=2)  # line 1 is the header
    seen: set[int] = set()
    while chunk := list(islice(numbered, CHUNK)):
        report.rows += len(chunk)
        wanted = _read_chunk(session, qualification, chunk, seen=seen, report=report)
        standing = _standing(session, qualification_id, list(wanted))
        fresh = {one: value for one, value in wanted.items() if one not in standing or standing[one].value != value}
        for one in fresh.keys() & standing.keys():
            standing[one].revoked_at = now
        session.flush()  # the old ones must end before the new ones begin
        made = {"qualification_id": qualification_id, "granted_by": granted_by, "granted_at": now}
        session.add_all(GrantRow(worker_id=one, value=value, **made) for one, value in fresh.items())
        session.flush()
        report.granted += len(fresh)
        report.unchanged += len(wanted) - len(fresh)
    return report


def workers_named(session: Session, *, organisation_id: int, names: Sequence[str]) -> dict[str, int]:
    """Find workers by login or pseudonym; who is not there is not in the result. The pseudonym wins."""
    mine = WorkerRow.organisation_id == organisation_id
    by_login = select(AccountRow.login, WorkerRow.id).join(WorkerRow, WorkerRow.account_id == AccountRow.id)
    by_pseudonym = select(WorkerRow.public_id, WorkerRow.id)
    found = dict(session.execute(by_login.where(mine, AccountRow.login.in_(names))).all())
    return found | dict(session.execute(by_pseudonym.where(mine, WorkerRow.public_id.in_(names))).all())


def list_grants(
    session: Session,
    *,
    qualification_id: int | None = None,
    worker_id: int | None = None,
    ended: bool = False,
    after: int = 0,
    limit: int = 100,
) -> list[GrantLine]:
    """List the grants of a qualification, of a worker, or of both, the oldest first; `ended` shows those instead."""
    query = (
        select(GrantRow, QualificationRow.name, WorkerRow, AccountRow.login)
        .join(QualificationRow, QualificationRow.id == GrantRow.qualification_id)
        .join(WorkerRow, WorkerRow.id == GrantRow.worker_id)
        .outerjoin(AccountRow, AccountRow.id == GrantRow.granted_by)
        .where(GrantRow.id > after, ~STANDS if ended else STANDS)
    )
    if qualification_id is not None:
        query = query.where(GrantRow.qualification_id == qualification_id)
    if worker_id is not None:
        query = query.where(GrantRow.worker_id == worker_id)
    rows = session.execute(query.order_by(GrantRow.id).limit(limit))
    return [
        GrantLine(
            id=row.id,
            qualification_id=row.qualification_id,
            qualification=name,
            worker_id=worker.id,
            worker=worker.public_id,
            worker_name=worker.name,
            value=row.value,
            granted_by=login,
            granted_at=row.granted_at,
            revoked_at=row.revoked_at,
        )
        for row, name, worker, login in rows
    ]


def _read_chunk(
    session: Session,
    qualification: QualificationRow,
    chunk: Sequence[tuple[int, Mapping[str, str]]],
    *,
    seen: set[int],
    report: GrantReport,
) -> dict[int, float | None]:
    """Read rows into values by worker; what cannot be read goes into the report."""
    names = [row.get("worker", "") for _, row in chunk]
    known = workers_named(session, organisation_id=qualification.organisation_id, names=names)
    wanted: dict[int, float | None] = {}
    for number, row in chunk:
        found = _read(row, known, seen, number=number)
        if isinstance(found, FieldProblem):
            report.problems.append(found)
        else:
            wanted[found[0]] = found[1]
            seen.add(found[0])
    return wanted


def _read(
    row: Mapping[str, str], known: Mapping[str, int], seen: set[int], *, number: int
) -> tuple[int, float | None] | FieldProblem:
    name, written = row.get("worker", ""), row.get("value", "")
    worker_id = known.get(name)
    if worker_id is None:
        return FieldProblem("worker", expected="the login or pseudonym of a worker", found=f"'{name[:80]}'", row=number)
    if worker_id in seen:
        return FieldProblem("worker", expected="one row for each worker", found=f"'{name[:80]}' again", row=number)
    if not written:
        return worker_id, None
    try:
        value = float(written)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        return FieldProblem("value", expected="a number, or nothing", found=f"'{written[:80]}'", row=number)
    return worker_id, value


def _lock(session: Session, qualification_id: int) -> QualificationRow:
    """Let one change of a qualification's grants follow the other."""
    row = session.scalar(
        select(QualificationRow).where(QualificationRow.id == qualification_id).with_for_update(key_share=True)
    )
    if row is None:
        raise NotFound(f"There is no qualification {qualification_id}.")
    return row


def _standing(session: Session, qualification_id: int, worker_ids: Sequence[int]) -> dict[int, GrantRow]:
    rows = session.scalars(
        select(GrantRow)
        .where(GrantRow.qualification_id == qualification_id, GrantRow.worker_id.in_(worker_ids), STANDS)
        .execution_options(populate_existing=True)
    )
    return {row.worker_id: row for row in rows}
