"""Behaviour rules: made, switched, tried out, and applied to workers who gave something new; hits looked at, undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import AlreadyDone, Conflict, NotFound
from crowd_hitl.domain.rules import Rule, action_text, ends_at, is_met, reason_text
from crowd_hitl.services.blocking import Placed, block, lift
from crowd_hitl.services.collecting import Field, Since, collect, newest_id, workers_with_news
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.review_rows import RuleHitRow, RuleRow
from crowd_hitl.store.unit_of_work import UnitOfWork

WORKERS_AT_ONCE = 100
RULES_MAX = 100
TRIED_MAX = 500


@dataclass(frozen=True)
class Found:
    """One worker who meets a rule's condition: what was measured, and the evidence."""

    worker_id: int
    measured: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class Look:
    """What one look at some workers found; `more_after` is the worker behind whom to go on, None when it was all."""

    seen_id: int
    until_id: int
    found: Sequence[Found]
    more_after: int | None


def add_rule(session: Session, *, field: Field, rule: Rule, created_by: int | None, now: datetime) -> RuleRow:
    """Make a (checked) rule; it looks at workers who answer from now on, and then at what they answered before, too.

    Refuses a second rule of the same name and more than 100.
    """
    names = session.scalars(select(RuleRow.name).where(RuleRow.organisation_id == field.organisation_id, _of(field)))
    taken = list(names)
    if rule.name in taken:
        raise Conflict(f"There is a rule '{rule.name}' already. Switch it on or off, or choose another name.")
    if len(taken) >= RULES_MAX:
        raise Conflict(f"There are {RULES_MAX} rules here already; more are not looked at.")
    row = RuleRow(
        organisation_id=field.organisation_id,
        project_id=field.project_id,
        name=rule.name,
        collector=rule.collector,
        condition=dict(rule.condition),
        action=dict(rule.action),
        state="on",
        seen_answer_id=newest_id(session, rule=rule),
        created_by=created_by,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return row


def list_rules(session: Session, *, field: Field) -> list[RuleRow]:
    """List the rules that look at a project: its own, and those of the whole organisation."""
    here = RuleRow.project_id.is_(None) | (RuleRow.project_id == field.project_id)
    rows = session.scalars(
        select(RuleRow).where(RuleRow.organisation_id == field.organisation_id, here).order_by(RuleRow.id)
    )
    return list(rows)


def one_rule(session: Session, *, organisation_id: int, rule_id: int) -> RuleRow:
    """Find a rule of this organisation; NotFound when there is none."""
    found = session.get(RuleRow, rule_id)
    if found is None or found.organisation_id != organisation_id:
        raise NotFound(f"There is no rule {rule_id}.")
    return found


def switch(session: Session, *, rule_id: int, on: bool, now: datetime) -> RuleRow:
    """Switch a rule on or off; what came while it was off is not judged by itself."""
    row = _lock(session, rule_id)
    if on and row.state == "off":
        row.seen_answer_id = newest_id(session, rule=rule_of(row))
    row.state = "on" if on else "off"
    session.flush()
    return row


def rule_of(row: RuleRow) -> Rule:
    """Return the rule that a row holds."""
    return Rule(row.name, row.collector, row.condition, row.action)


def field_of(row: RuleRow) -> Field:
    """Return where a row's rule looks."""
    return Field(organisation_id=row.organisation_id, project_id=row.project_id)


def try_rule(session: Session, *, rule: Rule, field: Field) -> list[Found]:
    """Say whom a rule would hit now, on all that is recorded; nothing is written."""
    until, after, found = newest_id(session, rule=rule), 0, list[Found]()
    while len(found) < TRIED_MAX:
        workers = workers_with_news(
            session, rule=rule, field=field, between=(0, until), after=after, limit=WORKERS_AT_ONCE
        )
        found += _judge(session, rule=rule, field=field, since=dict.fromkeys(workers, Since()))
        if len(workers) < WORKERS_AT_ONCE:
            break
        after = workers[-1]
    return found[:TRIED_MAX]


def apply_rules(uow: UnitOfWork) -> int:
    """Let every rule look at the workers who gave something new; return how many hits that made."""
    return sum(apply_rule(uow, rule_id=rule_id) for rule_id in uow.read(rules_on))


def apply_rule(uow: UnitOfWork, *, rule_id: int) -> int:
    """Let one rule look at the workers who gave something new, some at a time; return how many hits that made."""
    hits, after, until = 0, 0, None
    while True:
        look = uow.read(look_at, rule_id=rule_id, until_id=until, after=after)
        hits += uow.run(write_hits, rule_id=rule_id, look=look)
        if look.more_after is None:
            return hits
        after, until = look.more_after, look.until_id


def rules_on(session: Session) -> list[int]:
    """List the rules that are switched on."""
    return list(session.scalars(select(RuleRow.id).where(RuleRow.state == "on").order_by(RuleRow.id)))


def due_rules(session: Session) -> list[int]:
    """List the rules that are switched on and have something new to look at."""
    rows = session.scalars(select(RuleRow).where(RuleRow.state == "on").order_by(RuleRow.id))
    return [row.id for row in rows if newest_id(session, rule=rule_of(row)) > row.seen_answer_id]


def look_at(session: Session, *, rule_id: int, until_id: int | None, after: int) -> Look:
    """Judge the next workers who gave something new since the rule's mark."""
    row = session.get_one(RuleRow, rule_id)
    rule, field = rule_of(row), field_of(row)
    until = newest_id(session, rule=rule) if until_id is None else until_id
    workers = workers_with_news(
        session, rule=rule, field=field, between=(row.seen_answer_id, until), after=after, limit=WORKERS_AT_ONCE
    )
    found = _judge(session, rule=rule, field=field, since=_since(session, rule_id=rule_id, worker_ids=workers))
    more = workers[-1] if len(workers) == WORKERS_AT_ONCE else None
    return Look(seen_id=row.seen_answer_id, until_id=until, found=found, more_after=more)


def write_hits(session: Session, *, rule_id: int, look: Look, now: datetime) -> int:
    """Note what a look found and act on it; with the last look the rule's mark moves on.

    Does nothing when the rule was switched off meanwhile, or another process has looked as far.
    """
    row = _lock(session, rule_id)
    if row.state != "on" or row.seen_answer_id != look.seen_id:
        return 0
    known = _since(session, rule_id=rule_id, worker_ids=[found.worker_id for found in look.found])
    fresh = [found for found in look.found if found.evidence["last"] > known[found.worker_id].last_id]
    for found in fresh:
        placed = _act(session, row, found, now=now)
        session.add(
            RuleHitRow(
                rule_id=row.id,
                worker_id=found.worker_id,
                project_id=row.project_id,
                measured=found.measured,
                evidence=dict(found.evidence),
                action=row.action["do"],
                block_id=None if placed is None else placed.id,
                found_at=now,
            )
        )
    if look.more_after is None:
        row.seen_answer_id = look.until_id
    session.flush()
    return len(fresh)


def mark_seen(session: Session, *, hit_id: int, seen_by: int | None, now: datetime) -> RuleHitRow:
    """Note that somebody has looked at a hit; a second look changes nothing."""
    hit = _lock_hit(session, hit_id)
    if hit.seen_at is None:
        hit.seen_at, hit.seen_by = now, seen_by
        session.flush()
    return hit


def lift_hit(session: Session, *, hit_id: int, lifted_by: int | None, now: datetime) -> RuleHitRow:
    """Undo what a hit put on its worker, and note that it was looked at; AlreadyDone when nothing stands any more."""
    hit = mark_seen(session, hit_id=hit_id, seen_by=lifted_by, now=now)
    if hit.block_id is None:
        raise AlreadyDone("This hit only flagged the worker: there is no pause or block to lift.")
    lift(session, block_id=hit.block_id, lifted_by=lifted_by, now=now)
    return hit


def one_hit(session: Session, *, organisation_id: int, hit_id: int) -> RuleHitRow:
    """Find a hit of one of this organisation's rules; NotFound when there is none."""
    found = session.get(RuleHitRow, hit_id)
    if found is None or session.get_one(RuleRow, found.rule_id).organisation_id != organisation_id:
        raise NotFound(f"There is no hit {hit_id}.")
    return found


def _act(session: Session, row: RuleRow, found: Found, *, now: datetime) -> WorkerBlockRow | None:
    if row.action["do"] == "flag":
        return None
    rule = rule_of(row)
    reason = reason_text(rule, measured=found.measured, evidence=found.evidence)
    placed = Placed(
        worker_id=found.worker_id,
        kind=row.action["do"],
        reason=f"{reason[0].upper()}{reason[1:]} ({action_text(row.action)})",
        project_id=row.project_id if row.action["scope"] == "project" else None,
        ends_at=ends_at(row.action, now=now),
        rule_id=row.id,
    )
    return block(session, placed=placed, now=now)


def _judge(session: Session, *, rule: Rule, field: Field, since: Mapping[int, Since]) -> list[Found]:
    found = []
    for worker_id, start in since.items():
        collected = collect(session, rule=rule, field=field, worker_id=worker_id, since=start)
        if collected is not None and is_met(rule.condition, collected[0].value):
            measured, last_id = collected
            found.append(Found(worker_id, measured.value, measured.evidence(last_id=last_id)))
    return found


def _since(session: Session, *, rule_id: int, worker_ids: Sequence[int]) -> dict[int, Since]:
    """Return, by worker, what their last hit of this rule left behind."""
    hits = session.execute(
        select(RuleHitRow.worker_id, RuleHitRow.evidence)
        .where(RuleHitRow.rule_id == rule_id, RuleHitRow.worker_id.in_(worker_ids))
        .order_by(RuleHitRow.id)
    )
    known = {worker_id: Since(last_id=found["last"], day=found.get("day", "")) for worker_id, found in hits}
    return {worker_id: known.get(worker_id, Since()) for worker_id in worker_ids}


def _of(field: Field) -> Any:
    return RuleRow.project_id.is_(None) if field.project_id is None else RuleRow.project_id == field.project_id


def _lock(session: Session, rule_id: int) -> RuleRow:
    return session.scalars(
        select(RuleRow)
        .where(RuleRow.id == rule_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def _lock_hit(session: Session, hit_id: int) -> RuleHitRow:
    return session.scalars(
        select(RuleHitRow)
        .where(RuleHitRow.id == hit_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()
