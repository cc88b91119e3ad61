"""What behaviour rules found, for the people who look at it: the newest first."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.rules import measured_text
from crowd_hitl.services.reporting.pages import PAGE_ROWS, Page, first_rows, id_after
from crowd_hitl.services.ruling import rule_of
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.review_rows import RuleHitRow, RuleRow


@dataclass(frozen=True)
class HitLine:
    """One hit as a list shows it: who, what was measured, what was done, and whether that still stands."""

    id: int
    rule_id: int
    rule: str
    worker_id: int
    worker: str
    simulated: bool
    measured: float
    said: str
    action: str
    answers: list[int]
    found_at: datetime
    seen_at: datetime | None
    ends_at: datetime | None
    stands: bool


def list_hits(
    session: Session,
    *,
    organisation_id: int,
    project_id: int,
    now: datetime,
    after: str | None = None,
    limit: int = PAGE_ROWS,
) -> Page[HitLine]:
    """List the hits of the rules that look at a project, the newest first."""
    query = (
        select(RuleHitRow, RuleRow, WorkerRow, WorkerBlockRow)
        .join(RuleRow, RuleRow.id == RuleHitRow.rule_id)
        .join(WorkerRow, WorkerRow.id == RuleHitRow.worker_id)
        .outerjoin(WorkerBlockRow, WorkerBlockRow.id == RuleHitRow.block_id)
        .where(RuleRow.organisation_id == organisation_id)
        .where(RuleRow.project_id.is_(None) | (RuleRow.project_id == project_id))
        .order_by(RuleHitRow.id.desc())
        .limit(limit + 1)
    )
    before = id_after(after)
    if before is not None:
        query = query.where(RuleHitRow.id < before)
    rows, more = first_rows(session.execute(query).all(), limit=limit)
    lines = [_line(hit, rule, worker, placed, now=now) for hit, rule, worker, placed in rows]
    return Page(rows=lines, after=str(lines[-1].id) if more else None)


def count_hits(session: Session, *, rule_ids: list[int]) -> dict[int, tuple[int, int]]:
    """Count each rule's hits, and those that nobody has looked at."""
    rows = session.execute(
        select(RuleHitRow.rule_id, func.count(), func.count() - func.count(RuleHitRow.seen_at))
        .where(RuleHitRow.rule_id.in_(rule_ids))
        .group_by(RuleHitRow.rule_id)
    )
    return {rule_id: (int(hits), int(unseen)) for rule_id, hits, unseen in rows}


def _line(
    hit: RuleHitRow, rule: RuleRow, worker: WorkerRow, placed: WorkerBlockRow | None, *, now: datetime
) -> HitLine:
    stands = placed is not None and placed.lifted_at is None and (placed.ends_at is None or placed.ends_at > now)
    return HitLine(
        id=hit.id,
        rule_id=rule.id,
        rule=rule.name,
        worker_id=worker.id,
        worker=worker.public_id,
        simulated=worker.simulated,
        measured=hit.measured,
        said=measured_text(rule_of(rule), measured=hit.measured, evidence=hit.evidence),
        action=hit.action,
        answers=[int(answer_id) for answer_id in hit.evidence.get("answers", [])],
        found_at=hit.found_at,
        seen_at=hit.seen_at,
        ends_at=None if placed is None else placed.ends_at,
        stands=stands,
    )
