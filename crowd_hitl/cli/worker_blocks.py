"""`crowd-hitl worker block`, `pause`, `lift`, `blocks`: keeping a worker from work, and letting them in again."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from crowd_hitl.cli.finding import batch_numbered, project_named, worker_named
from crowd_hitl.cli.frame import AsJson, DataFolder, put
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import BadInput, NotFound
from crowd_hitl.services import blocking
from crowd_hitl.services.blocking import Kind, Placed
from crowd_hitl.services.reporting.blocks import BlockLine, list_blocks, one_block
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow

Worker = Annotated[str, typer.Argument(metavar="WORKER", help="A login or pseudonym.")]
Reason = Annotated[str, typer.Option(help="Why; the worker reads it.")]
Project = Annotated[str | None, typer.Option(help="Only in this project.")]
Batch = Annotated[int | None, typer.Option(help="Only in this batch.")]
Hours = Annotated[float | None, typer.Option(min=0.01, max=87_600, help="For so long; empty: until it is lifted.")]


def block(
    worker: Worker,
    reason: Reason,
    project: Project = None,
    batch: Batch = None,
    hours: Hours = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Keep a worker from a batch, a project or all work. What they hold they may finish, and are paid for."""
    with open_desk(data) as desk:
        placed = _placed(desk, worker, kind="block", reason=reason, scope=(project, batch))
        _place(desk, placed, hours=hours, as_json=as_json)


def pause(
    worker: Worker,
    reason: Reason,
    project: Project = None,
    batch: Batch = None,
    hours: Hours = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a worker wait while somebody looks; tasks that only they could do wait for them."""
    with open_desk(data) as desk:
        placed = _placed(desk, worker, kind="pause", reason=reason, scope=(project, batch))
        _place(desk, placed, hours=hours, as_json=as_json)


def lift(
    number: Annotated[int, typer.Argument(metavar="BLOCK", help="The number of the block or pause.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Let a worker in again before the time is over."""
    with open_desk(data) as desk:
        desk.uow.read(_own, organisation_id=desk.organisation_id, block_id=number)
        desk.uow.run(blocking.lift, block_id=number, lifted_by=None)
        _show(desk, number, as_json=as_json)


def blocks(
    worker: Annotated[str | None, typer.Argument(metavar="WORKER", help="A login or pseudonym; empty: all.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Also those that have ended.")] = False,
    after: Annotated[str | None, typer.Option(help="Where the list before ended.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List who is kept from what, why and until when; the newest first."""
    with open_desk(data) as desk:
        organisation_id = desk.organisation_id
        row = None if worker is None else desk.uow.read(worker_named, organisation_id=organisation_id, name=worker)
        page = desk.uow.read(
            list_blocks,
            organisation_id=organisation_id,
            worker_id=None if row is None else row.id,
            standing=not ended,
            after=after,
        )
    rows = [_as_row(line) for line in page.rows]
    if as_json:
        put({"blocks": rows, "after": page.after})
    else:
        show_table(rows, empty="Nobody is kept from anything.")


def _placed(desk: Desk, worker: str, *, kind: Kind, reason: str, scope: tuple[str | None, int | None]) -> Placed:
    project, batch = scope
    organisation_id = desk.organisation_id
    if project is not None and batch is not None:
        raise BadInput("Name --project or --batch, not both: a batch belongs to its project.")
    who = desk.uow.read(worker_named, organisation_id=organisation_id, name=worker)
    project_id = batch_id = None
    if project is not None:
        project_id = desk.uow.read(project_named, organisation_id=organisation_id, slug=project).id
    if batch is not None:
        batch_id = desk.uow.read(batch_numbered, organisation_id=organisation_id, batch_id=batch).id
    return Placed(worker_id=who.id, kind=kind, reason=reason, project_id=project_id, batch_id=batch_id)


def _place(desk: Desk, placed: Placed, *, hours: float | None, as_json: bool) -> None:
    _show(desk, desk.uow.run(_block, placed=placed, hours=hours), as_json=as_json)


def _block(session: Session, *, placed: Placed, hours: float | None, now: datetime) -> int:
    ends_at = None if hours is None else now + timedelta(hours=hours)
    return blocking.block(session, placed=replace(placed, ends_at=ends_at), now=now).id


def _own(session: Session, *, organisation_id: int, block_id: int) -> None:
    row = session.get(WorkerBlockRow, block_id)
    if row is None or session.get_one(WorkerRow, row.worker_id).organisation_id != organisation_id:
        raise NotFound(f"There is no block {block_id}. See: crowd-hitl worker blocks")


def _show(desk: Desk, block_id: int, *, as_json: bool) -> None:
    row = _as_row(desk.uow.read(one_block, block_id=block_id))
    if as_json:
        put(row)
    else:
        show_pairs(row)


def _as_row(line: BlockLine) -> dict[str, Any]:
    return {
        "block": line.id,
        "worker": line.worker,
        "name": line.worker_name,
        "kind": line.kind,
        "where": line.where,
        "reason": line.reason,
        "since": line.starts_at.isoformat(timespec="seconds"),
        "ends": None if line.ends_at is None else line.ends_at.isoformat(timespec="seconds"),
        "ended": None if line.ended_at is None else line.ended_at.isoformat(timespec="seconds"),
    }
