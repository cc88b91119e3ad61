"""`crowd-hitl labels`: list, show one item's label with its votes and versions."""

from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.cli.finding import project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.money import units
from crowd_hitl.services.reporting.items import ItemHistory, item_history
from crowd_hitl.services.reporting.labels import LabelFilter, count_labels, list_labels
from crowd_hitl.services.reporting.projects import ProjectHead, project_head
from crowd_hitl.store.project_rows import ItemRow

app = group("Labels: what the answers agree on.")
Slug = Annotated[str, typer.Argument(metavar="PROJECT")]


@app.command("list")
def list_some(
    project: Slug,
    source: Annotated[str | None, typer.Option(help="consensus, model, expert, gold or imported.")] = None,
    below: Annotated[float | None, typer.Option(help="Only those less sure than this.")] = None,
    words: Annotated[str, typer.Option(help="Only items whose key or text has this.")] = "",
    unsure_first: Annotated[bool, typer.Option("--unsure-first", help="The least sure first.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    after: Annotated[str | None, typer.Option(help="From behind this place, as the page before gave it.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List labels with confidence, votes and cost."""
    wanted = LabelFilter(source=source, below=below, words=words, unsure_first=unsure_first)
    with open_desk(data) as desk:
        head = _head(desk, project)
        count = desk.uow.read(count_labels, project=head, wanted=wanted)
        page = desk.uow.read(list_labels, project=head, wanted=wanted, after=after, limit=limit)
    rows = [
        {
            "key": line.key,
            "label": line.value,
            "confidence": line.confidence,
            "source": line.source,
            "votes": len(line.votes),
            "cost": units(line.cost_micros),
            "version": line.version,
        }
        for line in page.rows
    ]
    if as_json:
        put({"project": head.slug, "count": count, "labels": rows, "after": page.after})
    else:
        show_table(rows, title=f"{count} labels", empty="No labels yet.")


@app.command()
def show(
    project: Slug,
    key: Annotated[str, typer.Argument(metavar="ITEMKEY", help="Your own key of the item.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show one item: its label, every vote, what happened to it and what it cost."""
    with open_desk(data) as desk:
        head = _head(desk, project)
        item_id = desk.uow.read(_item_id, project_id=head.id, key=key)
        shown = _as_json(desk.uow.read(item_history, project=head, item_id=item_id))
    if as_json:
        put(shown)
        return
    show_pairs({name: value for name, value in shown.items() if name not in ("votes", "history")})
    show_table(shown["votes"], title="Votes", empty="No votes yet.")
    show_table(shown["history"], title="History")


def _head(desk: Desk, slug: str) -> ProjectHead:
    row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
    return desk.uow.read(project_head, organisation_id=desk.organisation_id, slug=row.slug)


def _item_id(session: Session, *, project_id: int, key: str) -> int:
    found = session.scalar(select(ItemRow.id).where(ItemRow.project_id == project_id, ItemRow.key == key))
    if found is None:
        raise NotFound(f"This project has no item with the key '{key}'.")
    return found


def _as_json(item: ItemHistory) -> dict[str, Any]:
    label = item.label
    return {
        "key": item.key,
        "text": item.text,
        "label": label.value if label is not None else None,
        "confidence": label.confidence if label is not None else None,
        "source": label.source if label is not None else None,
        "version": label.version if label is not None else None,
        "gold": item.gold,
        "cost": units(item.cost_micros),
        "votes": [
            {"worker": vote.worker, "value": vote.value, "state": vote.state, "simulated": vote.simulated}
            for vote in item.votes
        ],
        "history": [
            {
                "at": event.at.isoformat(timespec="seconds"),
                "what": event.kind,
                "who": event.who or None,
                "value": event.value or None,
                "confidence": event.confidence,
                "cost": units(event.cost_micros),
            }
            for event in item.events
        ],
    }
