"""Counting, in SQL, those who could take a place of a project or batch: active, not blocked, requirement met."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, and_, exists, func, not_, or_, select, true
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import BARRING
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.gates import Gate, check_gate, describe_requirement
from crowd_hitl.domain.requirements import named_qualifications
from crowd_hitl.services.blocking import ACTIVE, holds, reaches
from crowd_hitl.store.account_rows import WorkerRow, WorkerSkillRow
from crowd_hitl.store.gate_rows import GrantRow, QualificationRow, WorkerBlockRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow


def able_workers(
    session: Session,
    *,
    project_id: int,
    now: datetime,
    batch_id: int | None = None,
    requirement: Mapping[str, Any] | None = None,
) -> int:
    """Count those who may answer a project's tasks, or those of one batch of it."""
    able = select(func.count()).where(
        WorkerRow.organisation_id == _organisation_of(project_id),
        WorkerRow.state == ACTIVE,
        ~_kept_away(true(), project_id=project_id, batch_id=batch_id, now=now),
        requirement_in_sql(requirement, project_id=project_id),
    )
    return session.scalar(able) or 0


def somebody_is_free(batch: BatchRow, *, now: datetime) -> ColumnElement[bool]:
    """Say in SQL that somebody could take a place of the (outer) task: able, and not heard on its item yet.

    Who is kept away for a time, or paused for a person to look, is waited for: what is retired stays retired.
    """
    barred = (
        exists()
        .where(AssignmentRow.voice_key == TaskRow.voice_key, AssignmentRow.worker_id == WorkerRow.id)
        .where(AssignmentRow.state.in_([state.value for state in BARRING]))
        .correlate(TaskRow, WorkerRow)  # said aloud: two levels up is beyond what is guessed
    )
    for_good = and_(WorkerBlockRow.kind == "block", WorkerBlockRow.ends_at.is_(None))
    marked = exists().where(WorkerBlockRow.worker_id == WorkerRow.id, holds(now), WorkerBlockRow.project_id.is_(None))
    free = exists().where(
        WorkerRow.organisation_id == _organisation_of(batch.project_id),
        or_(WorkerRow.state == ACTIVE, marked),
        ~_kept_away(for_good, project_id=batch.project_id, batch_id=batch.id, now=now),
        requirement_in_sql(batch.requirement, project_id=batch.project_id),
        ~barred,
    )
    return free.correlate(TaskRow)


def refuse_unusable(session: Session, *, project_id: int, gate: Gate) -> None:
    """Refuse a gate that is malformed or names a qualification that the organisation does not have."""
    check_gate(gate)
    organisation_id = session.get_one(ProjectRow, project_id).organisation_id
    known = set(
        session.scalars(select(QualificationRow.name).where(QualificationRow.organisation_id == organisation_id))
    )
    unknown = sorted(named_qualifications(gate.requirement) - known)
    if unknown:
        listed = "one of " + ", ".join(sorted(known)) if known else "a qualification; there is none yet, make it first"
        raise bad_field("requirement", expected=listed, found=", ".join(unknown))


def refuse_too_few(session: Session, *, project_id: int, gate: Gate, overlap_min: int, now: datetime) -> None:
    """Refuse to ask each item of more workers than there are, or than meet the requirement."""
    workers = able_workers(session, project_id=project_id, now=now)
    if overlap_min > workers:
        expected = f"at most {workers}, the number of active workers"
        raise bad_field("overlap_min", expected=expected, found=overlap_min)
    if not gate.requirement:
        return
    able = able_workers(session, project_id=project_id, requirement=gate.requirement, now=now)
    if overlap_min > able:
        asked = describe_requirement(gate.requirement)
        expected = f"at most {able}: only {able} of {workers} active workers meet this requirement ({asked})"
        raise bad_field("overlap_min", expected=expected, found=overlap_min)


def requirement_in_sql(requirement: Mapping[str, Any] | None, *, project_id: int) -> ColumnElement[bool]:
    """Write a (checked) requirement as a condition on the worker; it says what `meets` says of their standing."""
    if not requirement:
        return true()
    if "all" in requirement:
        return and_(*(requirement_in_sql(part, project_id=project_id) for part in requirement["all"]))
    if "any" in requirement:
        return or_(*(requirement_in_sql(part, project_id=project_id) for part in requirement["any"]))
    if "not" in requirement:
        return not_(requirement_in_sql(requirement["not"], project_id=project_id))
    if "has" in requirement:
        granted = exists().where(
            GrantRow.worker_id == WorkerRow.id,
            GrantRow.revoked_at.is_(None),
            GrantRow.qualification_id == QualificationRow.id,
            QualificationRow.name == requirement["has"],
        )
        return granted.where(GrantRow.value >= requirement["min"]) if "min" in requirement else granted
    skill = exists().where(WorkerSkillRow.project_id == project_id, WorkerSkillRow.worker_id == WorkerRow.id)
    enough = skill.where(WorkerSkillRow.answers >= requirement.get("answers_min", 0))
    return and_(enough, ~skill.where(WorkerSkillRow.accuracy < requirement["skill_min"]))


def _organisation_of(project_id: int) -> ScalarSelect[int]:
    return select(ProjectRow.organisation_id).where(ProjectRow.id == project_id).scalar_subquery()


def _kept_away(
    which: ColumnElement[bool], *, project_id: int, batch_id: int | None, now: datetime
) -> ColumnElement[bool]:
    blocked: ColumnElement[bool] = exists().where(
        WorkerBlockRow.worker_id == WorkerRow.id,
        holds(now),
        reaches(project_id=project_id, batch_id=batch_id),
        which,
    )
    return blocked
