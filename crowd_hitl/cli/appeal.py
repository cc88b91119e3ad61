"""`crowd-hitl appeal`: list, uphold, dismiss."""

from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.cli.frame import AsJson, DataFolder, group, put, say
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import NotFound, bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.services import appealing
from crowd_hitl.services.reporting.appeals import AppealFilter, AppealLine, list_appeals
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.review_rows import AppealRow
from crowd_hitl.store.work_rows import BatchRow

app = group("Appeals of workers against rejections.")
Number = Annotated[int, typer.Argument(metavar="APPEAL", help="The appeal's number.")]
STATES = ("open", "upheld", "dismissed", "all")


@app.command("list")
def list_some(
    state: Annotated[str, typer.Option(help="open, upheld, dismissed or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    after: Annotated[str | None, typer.Option(help="From behind this number.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List appeals in the order they are due; what is not decided by then is upheld."""
    if state not in STATES:
        raise bad_field("state", expected=" or ".join(STATES), found=state)
    with open_desk(data) as desk:
        wanted = AppealFilter(organisation_id=desk.organisation_id, state=None if state == "all" else state)
        page = desk.uow.read(list_appeals, wanted=wanted, after=after, limit=limit)
    rows = [as_row(line) for line in page.rows]
    if as_json:
        put({"appeals": rows, "after": page.after})
        return
    brief = ("appeal", "state", "due", "batch", "item", "said", "worker", "rejected_because", "says")
    show_table([{name: row[name] for name in brief} for row in rows], empty="No appeals.")
    if page.after:
        say(f"More of them: crowd-hitl appeal list --state {state} --after {page.after}")


@app.command()
def uphold(
    appeal: Number,
    reply: Annotated[str | None, typer.Option(help="What the worker is told.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take the rejection back: the answer is paid, and counts again if there is room."""
    with open_desk(data) as desk:
        row = desk.uow.read(_own, organisation_id=desk.organisation_id, appeal_id=appeal)
        desk.uow.run(appealing.uphold, appeal_id=row.id, reply=reply, decided_by=None)
        _show(desk, appeal, as_json=as_json)


@app.command()
def dismiss(
    appeal: Number,
    reply: Annotated[str, typer.Option(help="Why the rejection stands; the worker sees it.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let the rejection stand."""
    with open_desk(data) as desk:
        row = desk.uow.read(_own, organisation_id=desk.organisation_id, appeal_id=appeal)
        desk.uow.run(appealing.dismiss, appeal_id=row.id, reply=reply, decided_by=None)
        _show(desk, appeal, as_json=as_json)


def as_row(line: AppealLine) -> dict[str, Any]:
    """Show an appeal."""
    return {
        "appeal": line.id,
        "state": line.state,
        "due": line.due_at.isoformat(timespec="minutes"),
        "batch": line.batch_id,
        "answer": line.answer_id,
        "item": line.key,
        "said": line.value,
        "worker": line.worker,
        "rejected_because": line.reason,
        "says": line.appeal,
        "reply": line.reply,
        "cost": units(line.cost_micros),
        "currency": line.currency,
    }


def _own(session: Session, *, organisation_id: int, appeal_id: int) -> AppealRow:
    row = session.scalars(
        select(AppealRow)
        .join(BatchRow, BatchRow.id == AppealRow.batch_id)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .where(AppealRow.id == appeal_id, ProjectRow.organisation_id == organisation_id)
    ).first()
    if row is None:
        raise NotFound(f"There is no appeal {appeal_id}. See: crowd-hitl appeal list --state all")
    return row


def _show(desk: Desk, appeal_id: int, *, as_json: bool) -> None:
    row = desk.uow.read(_own, organisation_id=desk.organisation_id, appeal_id=appeal_id)
    shown = {"appeal": row.id, "state": row.state, "reply": row.reply}
    put(shown) if as_json else show_pairs(shown)
