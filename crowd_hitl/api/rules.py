"""Behaviour rules: list, make, try out, switch; and their hits: list, mark as looked at, lift."""

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.rules import HitOut, HitsOut, RuleIn, RuleOut, RulesOut, TrialLineOut, TrialOut
from crowd_hitl.api.scoping import project_here
from crowd_hitl.domain.rules import Rule, check_rule, measured_text, preset
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import ruling
from crowd_hitl.services.collecting import Field
from crowd_hitl.services.reporting.rules import count_hits, list_hits
from crowd_hitl.store.review_rows import RuleRow

rules = APIBlueprint("rules", __name__, url_prefix="/api/v1", tag="Rules")


@rules.get("/projects/<slug>/rules")
@allow(*MANAGERS)
@rules.output(RulesOut)
def list_rules(slug: str) -> RulesOut:
    """List the rules that look at a project: its own, and those of the whole organisation."""
    found = current_house().uow.read(_listed, field=_field(slug, everywhere=False))
    return RulesOut(rules=found)


@rules.post("/projects/<slug>/rules")
@allow(*MANAGERS)
@rules.input(RuleIn, arg_name="body")
@rules.output(RuleOut, status_code=201)
def make_rule(slug: str, *, body: RuleIn) -> RuleOut:
    """Make a behaviour rule; it looks at workers who answer from now on. Try it out first."""
    rule, field = _rule(body), _field(slug, everywhere=body.everywhere)
    row = current_house().uow.run(ruling.add_rule, field=field, rule=rule, created_by=current_actor().account_id)
    return _shown(row)


@rules.post("/projects/<slug>/rules/trial")
@allow(*MANAGERS)
@rules.input(RuleIn, arg_name="body")
@rules.output(TrialOut)
def try_rule(slug: str, *, body: RuleIn) -> TrialOut:
    """Say whom a rule would hit now, on all that is recorded. Nothing is written."""
    rule = _rule(body)
    found = current_house().uow.read(ruling.try_rule, rule=rule, field=_field(slug, everywhere=body.everywhere))
    lines = [
        TrialLineOut(
            worker_id=one.worker_id,
            measured=one.measured,
            said=measured_text(rule, measured=one.measured, evidence=one.evidence),
            answer_ids=list(one.evidence["answers"]),
        )
        for one in found
    ]
    return TrialOut(would_hit=lines)


@rules.post("/rules/<int:rule_id>/on")
@allow(*MANAGERS)
@rules.output(RuleOut)
def switch_rule_on(rule_id: int) -> RuleOut:
    """Switch a rule on; it judges what comes from now on."""
    return _switched(rule_id, on=True)


@rules.post("/rules/<int:rule_id>/off")
@allow(*MANAGERS)
@rules.output(RuleOut)
def switch_rule_off(rule_id: int) -> RuleOut:
    """Switch a rule off; what it has done stands."""
    return _switched(rule_id, on=False)


@rules.get("/projects/<slug>/rule-hits")
@allow(*MANAGERS)
@rules.input(PageQuery, location="query", arg_name="page")
@rules.output(HitsOut)
def list_rule_hits(slug: str, *, page: PageQuery) -> HitsOut:
    """List what the rules found, the newest first, with the answers that show it."""
    project = project_here(slug)
    found = current_house().uow.read(
        list_hits,
        organisation_id=project.organisation_id,
        project_id=project.id,
        after=page.after,
        limit=page.limit,
    )
    return HitsOut(hits=[HitOut.model_validate(line) for line in found.rows], after=found.after)


@rules.post("/rule-hits/<int:hit_id>/seen")
@allow(*MANAGERS)
@rules.doc(responses={204: "Marked as looked at"})
def mark_hit_seen(hit_id: int) -> ResponseReturnValue:
    """Note that somebody has looked at a hit."""
    current_house().uow.run(ruling.mark_seen, hit_id=_hit_here(hit_id), seen_by=current_actor().account_id)
    return "", 204


@rules.post("/rule-hits/<int:hit_id>/lift")
@allow(*MANAGERS)
@rules.doc(responses={204: "Lifted"})
def lift_hit(hit_id: int) -> ResponseReturnValue:
    """End the pause or block that a hit put on its worker; 409 when nothing stands any more."""
    current_house().uow.run(ruling.lift_hit, hit_id=_hit_here(hit_id), lifted_by=current_actor().account_id)
    return "", 204


def _listed(session: Session, *, field: Field) -> list[RuleOut]:
    rows = ruling.list_rules(session, field=field)
    counts = count_hits(session, rule_ids=[row.id for row in rows])
    return [_shown(row, hits=counts.get(row.id, (0, 0))) for row in rows]


def _rule(body: RuleIn) -> Rule:
    if body.preset is not None:
        return preset(body.preset, everywhere=body.everywhere)
    return check_rule(
        name=body.name or "",
        collector=body.collector or "",
        condition=body.condition,
        action=body.action,
        everywhere=body.everywhere,
    )


def _field(slug: str, *, everywhere: bool) -> Field:
    project = project_here(slug)
    return Field(organisation_id=project.organisation_id, project_id=None if everywhere else project.id)


def _switched(rule_id: int, *, on: bool) -> RuleOut:
    uow = current_house().uow
    row = uow.read(ruling.one_rule, organisation_id=current_actor().organisation_id, rule_id=rule_id)
    uow.run(ruling.switch, rule_id=row.id, on=on)
    return uow.read(_one, rule_id=row.id)


def _one(session: Session, *, rule_id: int) -> RuleOut:
    counts = count_hits(session, rule_ids=[rule_id])
    return _shown(session.get_one(RuleRow, rule_id), hits=counts.get(rule_id, (0, 0)))


def _hit_here(hit_id: int) -> int:
    hit = current_house().uow.read(ruling.one_hit, organisation_id=current_actor().organisation_id, hit_id=hit_id)
    return hit.id


def _shown(row: RuleRow, *, hits: tuple[int, int] = (0, 0)) -> RuleOut:
    return RuleOut(
        id=row.id,
        name=row.name,
        collector=row.collector,
        condition=row.condition,
        action=row.action,
        state=row.state,
        everywhere=row.project_id is None,
        hits=hits[0],
        unseen=hits[1],
        created_at=row.created_at,
    )
