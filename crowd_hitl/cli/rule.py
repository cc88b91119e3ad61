"""`crowd-hitl rule`: add, list, test, on, off, hits, seen, lift."""

import json
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from crowd_hitl.cli.finding import project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_table
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.rules import PRESETS, Rule, action_text, check_rule, limit_text, measured_text, preset
from crowd_hitl.services.collecting import Field
from crowd_hitl.services.previewing import worker_of
from crowd_hitl.services.reporting.rules import count_hits, list_hits
from crowd_hitl.services.ruling import (
    Found,
    add_rule,
    lift_hit,
    list_rules,
    mark_seen,
    one_hit,
    one_rule,
    rule_of,
    switch,
    try_rule,
)
from crowd_hitl.store.review_rows import RuleRow

app = group("Behaviour rules: what is collected of each worker, the condition, and what is done.")
HITS_SHOWN = 50
Project = Annotated[str, typer.Argument(help="The project's slug.")]
Preset = Annotated[str | None, typer.Option("--preset", help="One of " + ", ".join(PRESETS) + ".")]
Text = Annotated[
    str | None,
    typer.Option("--rule", metavar="JSON", help='{"name", "collector", "condition": {…}, "action": {…}}'),
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="Look at all projects of the organisation.")]
Number = Annotated[int, typer.Argument(help="The rule's number; see: crowd-hitl rule list")]
Hit = Annotated[int, typer.Argument(help="The hit's number; see: crowd-hitl rule hits")]


@app.command()
def add(
    project: Project,
    preset: Preset = None,
    rule: Text = None,
    everywhere: Everywhere = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Add a rule: a preset, or your own as JSON. It looks at workers who answer from now on."""
    checked = _rule(preset, rule, everywhere=everywhere)
    with open_desk(data) as desk:
        field = _field(desk, project, everywhere=everywhere)
        row = desk.uow.run(add_rule, field=field, rule=checked, created_by=None)
    _show([_line(row)], as_json=as_json)


@app.command("list")
def list_all(project: Project, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the rules that look at a project."""
    with open_desk(data) as desk:
        lines = desk.uow.read(_lines, field=_field(desk, project))
    _show(lines, as_json=as_json, empty=f"No rules yet. Add one: crowd-hitl rule add {project} --preset too-fast")


@app.command()
def test(
    project: Project,
    preset: Preset = None,
    rule: Text = None,
    number: Annotated[int | None, typer.Option(help="A rule that there is, by its number.")] = None,
    everywhere: Everywhere = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say whom a rule would hit now, on all that is recorded. Nothing is written."""
    with open_desk(data) as desk:
        field = _field(desk, project, everywhere=everywhere)
        if number is None:
            checked = _rule(preset, rule, everywhere=everywhere)
        else:
            row = desk.uow.read(one_rule, organisation_id=desk.organisation_id, rule_id=number)
            checked = rule_of(row)
        lines = desk.uow.read(_trial, rule=checked, field=field)
    if as_json:
        put({"would_hit": lines})
    else:
        shown = [{name: value for name, value in line.items() if name != "answers"} for line in lines]
        title = f"Would {action_text(checked.action)}"
        show_table(shown, title=title, empty=f"Nobody: no worker is {limit_text(checked)}.")


@app.command()
def on(number: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Switch a rule on; it judges what comes from now on."""
    _switch(number, data=data, as_json=as_json, on=True)


@app.command()
def off(number: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Switch a rule off; what it has done stands."""
    _switch(number, data=data, as_json=as_json, on=False)


@app.command()
def hits(
    project: Project,
    after: Annotated[str | None, typer.Option(help="The cursor that the list before gave.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List what the rules found, the newest first."""
    with open_desk(data) as desk:
        field = _field(desk, project)
        page = desk.uow.read(
            list_hits,
            organisation_id=desk.organisation_id,
            project_id=field.project_id,
            after=after,
            limit=HITS_SHOWN,
        )
    lines = [
        {
            "hit": one.id,
            "rule": one.rule,
            "worker": one.worker,
            "measured": one.said,
            "action": one.action + ("" if one.action == "flag" else ", stands" if one.stands else ", over"),
            "found_at": one.found_at.isoformat(timespec="minutes"),
            "looked_at": one.seen_at is not None,
        }
        for one in page.rows
    ]
    if as_json:
        put({"hits": lines, "after": page.after})
    else:
        show_table(lines, empty="Nothing was found.")


@app.command()
def seen(hit: Hit, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Note that you have looked at a hit."""
    with open_desk(data) as desk:
        desk.uow.read(one_hit, organisation_id=desk.organisation_id, hit_id=hit)
        desk.uow.run(mark_seen, hit_id=hit, seen_by=None)
    _done({"hit": hit, "looked_at": True}, f"Hit {hit} is marked as looked at.", as_json=as_json)


@app.command()
def lift(hit: Hit, data: DataFolder = None, as_json: AsJson = False) -> None:
    """End the pause or block that a hit put on its worker."""
    with open_desk(data) as desk:
        desk.uow.read(one_hit, organisation_id=desk.organisation_id, hit_id=hit)
        desk.uow.run(lift_hit, hit_id=hit, lifted_by=None)
    _done({"hit": hit, "lifted": True}, f"Hit {hit}: the worker may work again.", as_json=as_json)


def _switch(number: int, *, data: Any, as_json: bool, on: bool) -> None:
    with open_desk(data) as desk:
        desk.uow.read(one_rule, organisation_id=desk.organisation_id, rule_id=number)
        row = desk.uow.run(switch, rule_id=number, on=on)
    _show([_line(row)], as_json=as_json)


def _rule(name: str | None, text: str | None, *, everywhere: bool) -> Rule:
    if (name is None) == (text is None):
        raise bad_field("rule", expected="--preset or --rule, one of them", found="both" if name else "neither")
    if name is not None:
        return preset(name, everywhere=everywhere)
    try:
        found = json.loads(text or "")
    except json.JSONDecodeError as error:
        raise bad_field("rule", expected=f"JSON ({error.msg} at character {error.pos})", found=text) from error
    parts = {"name", "collector", "condition", "action"}
    if not isinstance(found, dict) or set(found) != parts:
        raise bad_field("rule", expected="an object with " + ", ".join(sorted(parts)), found=text)
    return check_rule(**found, everywhere=everywhere)


def _field(desk: Desk, project: str, *, everywhere: bool = False) -> Field:
    row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=project)
    return Field(organisation_id=desk.organisation_id, project_id=None if everywhere else row.id)


def _lines(session: Session, *, field: Field) -> list[dict[str, Any]]:
    rows = list_rules(session, field=field)
    counts = count_hits(session, rule_ids=[row.id for row in rows])
    return [_line(row, hits=counts.get(row.id, (0, 0))) for row in rows]


def _line(row: RuleRow, *, hits: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    rule = rule_of(row)
    return {
        "rule": row.id,
        "name": row.name,
        "state": row.state,
        "collector": row.collector,
        "when": limit_text(rule),
        "then": action_text(rule.action),
        "everywhere": row.project_id is None,
        "hits": hits[0],
        "not_looked_at": hits[1],
    }


def _trial(session: Session, *, rule: Rule, field: Field) -> list[dict[str, Any]]:
    found: list[Found] = try_rule(session, rule=rule, field=field)
    return [
        {
            "worker": worker_of(session, organisation_id=field.organisation_id, worker_id=one.worker_id).public_id,
            "measured": measured_text(rule, measured=one.measured, evidence=one.evidence),
            "answers": list(one.evidence["answers"]),
        }
        for one in found
    ]


def _show(lines: list[dict[str, Any]], *, as_json: bool, empty: str = "No rules yet.") -> None:
    if as_json:
        put({"rules": lines})
    else:
        show_table(lines, empty=empty)


def _done(made: dict[str, Any], said: str, *, as_json: bool) -> None:
    if as_json:
        put(made)
    else:
        typer.echo(said)
