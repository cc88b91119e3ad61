"""`crowd-hitl batch review` and `requeue`: what waits for a decision, many approvals, further answers for tasks."""

from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from crowd_hitl.cli.finding import batch_numbered
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.money import units
from crowd_hitl.services import requeueing, reviewing
from crowd_hitl.services.reporting.projects import project_head
from crowd_hitl.services.reporting.reviews import QueueFilter, ReviewLine, count_waiting, review_queue
from crowd_hitl.services.requeueing import Requeue, RequeueQuote
from crowd_hitl.services.reviewing import Wanted
from crowd_hitl.store.project_rows import ProjectRow

Number = Annotated[int, typer.Argument(metavar="BATCH", help="The batch's number.")]
BRIEF = ("answer", "item", "said", "gold", "others", "worker", "seconds")


def review(
    batch: Number,
    approve_all: Annotated[bool, typer.Option("--approve-all", help="Approve and pay all that is listed.")] = False,
    by_policy: Annotated[
        bool, typer.Option("--by-policy", help="Apply the batch's review policy now, as `serve` does by itself.")
    ] = False,
    worker: Annotated[str | None, typer.Option(help="Only this worker's answers, by pseudonym.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="List at most so many.")] = 50,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the answers that wait for a decision, or approve them."""
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        wanted = QueueFilter(batch_id=row.id, worker=worker)
        if by_policy or approve_all:
            approved = reviewing.review_due(desk.uow, batch_id=row.id) if by_policy else 0
            if approve_all:
                approved += reviewing.approve_many(
                    desk.uow, batch_id=row.id, wanted=Wanted(worker=worker), decided_by=None
                )
            shown = {"batch": row.id, "approved": approved}
            put(shown) if as_json else show_pairs(shown)
            return

        def read(session: Session) -> tuple[list[ReviewLine], int]:
            slug = session.get_one(ProjectRow, row.project_id).slug
            head = project_head(session, organisation_id=desk.organisation_id, slug=slug)
            page = review_queue(session, project=head, wanted=wanted, limit=limit)
            return list(page.rows), count_waiting(session, project=head, wanted=wanted)

        lines, waiting = desk.uow.read(read)
    rows = [as_row(line) for line in lines]
    if as_json:
        put({"batch": row.id, "waiting": waiting, "answers": rows})
        return
    show_table([{name: one[name] for name in BRIEF} for one in rows], empty="No answer waits for a decision.")
    if rows:
        say(f"{waiting} wait. Approve them: crowd-hitl batch review {row.id} --approve-all")


def requeue(
    batch: Number,
    task: Annotated[list[int] | None, typer.Option(help="A task's number; may be given again.")] = None,
    item: Annotated[list[str] | None, typer.Option(help="An item's key; may be given again.")] = None,
    answers: Annotated[int, typer.Option(min=1, help="So many more answers for each.")] = 1,
    quote: Annotated[bool, typer.Option("--quote", help="Only say what it will cost.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before the money is reserved.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put tasks back to work for further answers, whatever state they are in; the cost is shown first."""
    wanted = Requeue(answers=answers, task_ids=tuple(task or ()), item_keys=tuple(item or ()))
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        quoted = desk.uow.read(requeueing.quote_requeue, batch_id=row.id, requeue=wanted)
        if not quote and not yes:
            if as_json:
                raise BadInput("With --json nobody can be asked: say --yes to reserve the money, or --quote to see it.")
            cost = f"{units(quoted.reserve_micros)} {quoted.currency}"
            if not typer.confirm(f"Ask for {quoted.answers} more answers for {cost}?", err=True):
                raise typer.Exit(1)
        if not quote:
            quoted = desk.uow.run(requeueing.requeue_tasks, batch_id=row.id, requeue=wanted)
    shown = {"batch": row.id, "done": not quote, **quote_row(quoted)}
    put(shown) if as_json else show_pairs(shown)


def quote_row(quoted: RequeueQuote) -> dict[str, Any]:
    """Show what further answers cost, amounts in currency units."""
    return {
        "tasks": quoted.tasks,
        "answers": quoted.answers,
        "reserve": units(quoted.reserve_micros),
        "budget_lacks": units(quoted.missing_micros),
        "currency": quoted.currency,
    }


def as_row(line: ReviewLine) -> dict[str, Any]:
    """Show an answer that waits."""
    return {
        "answer": line.answer_id,
        "item": line.key,
        "said": f"broken: {line.broken}" if line.broken else line.value,
        "gold": line.gold,
        "others": ", ".join(vote.value for vote in line.others),
        "worker": line.worker,
        "seconds": round(line.seconds, 1),
        "submitted_at": line.submitted_at.isoformat(),
        "approves_at": line.approves_at.isoformat() if line.approves_at else None,
        "cost": units(line.cost_micros),
        "currency": line.currency,
    }
