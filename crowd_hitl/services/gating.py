"""May this worker have places of this batch now, how many, and if not, why: blocks, requirements, caps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import BARRING, STANDING, AssignmentState
from crowd_hitl.domain.gates import cap_in_all
from crowd_hitl.domain.requirements import Standing, meets
from crowd_hitl.services.blocking import is_blocked, lock_worker
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.gate_rows import GrantRow, QualificationRow
from crowd_hitl.store.work_rows import WORKED, AssignmentRow, BatchRow


class Because(StrEnum):
    """What keeps a worker from a batch."""

    BLOCKED = "blocked"
    REQUIREMENT = "requirement"
    CAP = "cap"
    DAY = "day"


@dataclass(frozen=True)
class Refusal:
    """Why a worker gets no place, in words for them; `until` is set when it ends by itself."""

    because: Because
    words: str
    until: datetime | None = None

    @property
    def hides(self) -> bool:
        """Say whether the batch is not even shown: what cannot be done is no offer."""
        return self.because in (Because.BLOCKED, Because.REQUIREMENT)


@dataclass(frozen=True)
class _Cap:
    most: int
    states: Sequence[AssignmentState]
    since: datetime | None = None


def standing_of(session: Session, *, worker_id: int, project_id: int) -> Standing:
    """Read a worker's standing grants and what was measured of them in a project.

    With several fields the least accurate one counts: a worker must be good at all that is asked.
    """
    grants = session.execute(
        select(QualificationRow.name, GrantRow.value)
        .join(QualificationRow, QualificationRow.id == GrantRow.qualification_id)
        .where(GrantRow.worker_id == worker_id, GrantRow.revoked_at.is_(None))
    )
    accuracy, answers = session.execute(
        select(func.min(WorkerSkillRow.accuracy), func.max(WorkerSkillRow.answers)).where(
            WorkerSkillRow.project_id == project_id, WorkerSkillRow.worker_id == worker_id
        )
    ).one()
    return Standing(qualifications=dict(grants.all()), accuracy=accuracy, answers=answers or 0)


def places_allowed(session: Session, *, batch: BatchRow, worker_id: int, wanted: int, now: datetime) -> int:
    """Return how many of the wanted places this worker may lease now; gold counts as any other.

    With caps it locks the worker's row, so that two claims of one worker count one after the other: call
    `hold_worker` before any task is locked.
    """
    if wanted <= 0 or is_blocked(session, worker_id=worker_id, batch=batch, now=now):
        return 0
    if batch.requirement and not meets(
        standing_of(session, worker_id=worker_id, project_id=batch.project_id), batch.requirement
    ):
        return 0
    hold_worker(session, batch=batch, worker_id=worker_id)
    left = caps_left(session, batch=batch, worker_id=worker_id, now=now)
    return wanted if left is None else min(wanted, left)


def hold_worker(session: Session, *, batch: BatchRow, worker_id: int) -> None:
    """Keep this worker's other claims waiting until this transaction ends, if the batch has caps to count."""
    if _caps(batch, now=batch.published_at):
        lock_worker(session, worker_id)


def caps_left(session: Session, *, batch: BatchRow, worker_id: int, now: datetime) -> int | None:
    """Count how many further places the caps leave this worker; None when there are none."""
    left = [cap.most - _taken(session, cap, batch=batch, worker_id=worker_id) for cap in _caps(batch, now=now).values()]
    return max(0, min(left)) if left else None


def why_not(session: Session, *, batch: BatchRow, worker_id: int, now: datetime) -> Refusal | None:
    """Say in words why this worker gets no place of this batch now; None when its gate is open."""
    if is_blocked(session, worker_id=worker_id, batch=batch, now=now):
        return Refusal(Because.BLOCKED, "You are kept from this work. The reason is on your page.")
    if batch.requirement:
        standing = standing_of(session, worker_id=worker_id, project_id=batch.project_id)
        if not meets(standing, batch.requirement):
            return Refusal(Because.REQUIREMENT, "This work asks for a qualification that you do not have.")
    for because, cap in _caps(batch, now=now).items():
        if _taken(session, cap, batch=batch, worker_id=worker_id) >= cap.most:
            return _at_the_cap(because, cap, now=now)
    return None


def _at_the_cap(because: Because, cap: _Cap, *, now: datetime) -> Refusal:
    if because is Because.DAY:
        tomorrow = _midnight(now) + timedelta(days=1)
        words = f"You have done your {cap.most:,} for today. There may be more tomorrow, from 00:00 UTC."
        return Refusal(because, words, until=tomorrow)
    return Refusal(because, f"You have done your {cap.most:,}, the most that one person may do here.")


def _caps(batch: BatchRow, *, now: datetime) -> dict[Because, _Cap]:
    """List the caps of a batch: in all (places that stand) and in a day (also those whose answer was set aside)."""
    caps: dict[Because, _Cap] = {}
    # The quote counts the batch's tasks without gold, and is made anew when the batch is extended.
    in_all = cap_in_all(batch, tasks=int(batch.quote.get("tasks", 0)))
    if in_all is not None:
        caps[Because.CAP] = _Cap(in_all, STANDING)
    if batch.cap_per_day is not None:
        caps[Because.DAY] = _Cap(batch.cap_per_day, BARRING, since=_midnight(now))
    return caps


def _taken(session: Session, cap: _Cap, *, batch: BatchRow, worker_id: int) -> int:
    """Count what counts towards a cap, and no further than the cap."""
    taken = select(AssignmentRow.id).where(
        AssignmentRow.worker_id == worker_id,
        AssignmentRow.batch_id == batch.id,
        WORKED,  # written out, as the index says it
        AssignmentRow.state.in_([state.value for state in cap.states]),
    )
    if cap.since is not None:
        taken = taken.where(AssignmentRow.leased_at >= cap.since)
    return session.scalar(select(func.count()).select_from(taken.limit(cap.most).subquery())) or 0


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
