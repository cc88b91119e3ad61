"""`crowd-hitl batch`: quote, publish, list, show, pause, resume, close, agree; more in `batch_left` and `batch_pay`."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from random import Random, SystemRandom
from typing import Annotated, Any

import typer

from crowd_hitl.cli import batch_left, reviewing
from crowd_hitl.cli.batch_pay import CompensationShare, Hourly, PageSize, Rates, compensate, pay_row
from crowd_hitl.cli.finding import batch_numbered, project_named
from crowd_hitl.cli.frame import AsJson, DataFolder, group, put, say
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.cli.terms import as_request, typed_terms
from crowd_hitl.domain.gates import Gate, describe_requirement, warn_of_caps
from crowd_hitl.domain.money import units
from crowd_hitl.domain.quotes import COMPENSATION_SHARE, Quote
from crowd_hitl.services import agreeing, publishing
from crowd_hitl.services.eligible import able_workers
from crowd_hitl.services.reporting.batches import BatchLine, list_batches, one_batch
from crowd_hitl.store.work_rows import BatchRow

app = group("Batches: items put to workers, with a price and a budget.")
app.command()(batch_left.extend)
app.command()(batch_left.forecast)
app.command()(reviewing.review)
app.command()(reviewing.requeue)
app.command()(compensate)
MOST_LISTED = 1_000
Slug = Annotated[str, typer.Argument(metavar="PROJECT")]
Number = Annotated[int, typer.Argument(metavar="BATCH", help="The batch's number.")]
Budget = Annotated[str | None, typer.Option(help="Its name or number; may be left out when there is one.")]
Price = Annotated[str, typer.Option(help="What one answer earns, such as 0.05.")]
OverlapMin = Annotated[int, typer.Option(help="So many workers answer each item at first.")]
OverlapMax = Annotated[int | None, typer.Option(help="At most so many, when they disagree; empty: overlap-min.")]
Confidence = Annotated[float, typer.Option(help="A label this sure needs no further answer.")]
GoldRate = Annotated[float, typer.Option(help="The share of items with known answers mixed in, 0 to 0.5.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Ask at most so many items.")]
Name = Annotated[str | None, typer.Option(help="What it is called.")]
Lease = Annotated[int, typer.Option(help="How long a worker may hold a task.")]
Deadline = Annotated[datetime | None, typer.Option(help="No task is handed out after it (UTC).")]
Aggregator = Annotated[
    str | None, typer.Option(help="How answers become a label.", show_default="what is usual for the question")
]
Requires = Annotated[
    str | None, typer.Option(metavar="NAME|JSON", help="Only workers with this qualification, or who meet this JSON.")
]
Cap = Annotated[int | None, typer.Option(help="The most one worker may answer here.")]
CapShare = Annotated[float | None, typer.Option(help="The largest share of the items one worker may answer, to 1.")]
CapPerDay = Annotated[int | None, typer.Option(help="The most one worker may take in a day (UTC).")]
Approval = Annotated[
    str, typer.Option(help="auto pays at once, manual waits for you; or after_delay, by_gold, by_sample.")
]
Review = Annotated[str | None, typer.Option(help='What the approval needs, as JSON: {"rate": 0.1, "hours": 72}.')]
Policy = Annotated[str, typer.Option(help="When a task has answers enough: posterior or fixed.")]


@app.command()
def quote(
    project: Slug,
    price: Price = "0.05",
    budget: Budget = None,
    overlap_min: OverlapMin = 3,
    overlap_max: OverlapMax = None,
    confidence: Confidence = 0.95,
    gold_rate: GoldRate = 0.0,
    limit: Limit = None,
    requires: Requires = None,
    cap: Cap = None,
    cap_share: CapShare = None,
    cap_per_day: CapPerDay = None,
    page_size: PageSize = 1,
    hourly: Hourly = None,
    rate: Rates = None,
    compensation_share: CompensationShare = COMPENSATION_SHARE,
    channel: Annotated[str, typer.Option(help="Whose fees are counted: inhouse or mturk.")] = "inhouse",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Price a batch without publishing it."""
    terms = typed_terms(locals())  # every option that is a term
    with open_desk(data) as desk:
        row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=project)
        request = as_request(desk, terms, budget=budget, project_id=row.id)
        quoted = desk.uow.read(publishing.quote_batch, project_id=row.id, request=request)
        able = desk.uow.read(able_workers, project_id=row.id, requirement=request.requirement)
    shown = {"project": row.slug, **quote_row(quoted), "workers_able": able, **gate_row(request)}
    places = publishing.first_places(quoted, request)
    warning = warn_of_caps(request, tasks=quoted.tasks, places=places, able=able)
    if as_json:
        put({**shown, "warning": warning})
        return
    show_pairs(shown)
    if warning is not None:
        say(warning)


@app.command()
def publish(
    project: Slug,
    price: Price = "0.05",
    budget: Budget = None,
    name: Name = None,
    overlap_min: OverlapMin = 3,
    overlap_max: OverlapMax = None,
    confidence: Confidence = 0.95,
    gold_rate: GoldRate = 0.0,
    limit: Limit = None,
    lease_seconds: Lease = 900,
    deadline: Deadline = None,
    priority: Annotated[int, typer.Option(help="Higher is handed out first.")] = 0,
    aggregator: Aggregator = None,
    policy: Policy = "posterior",
    requires: Requires = None,
    cap: Cap = None,
    cap_share: CapShare = None,
    cap_per_day: CapPerDay = None,
    approval: Approval = "auto",
    review: Review = None,
    page_size: PageSize = 1,
    hourly: Hourly = None,
    rate: Rates = None,
    compensation_share: CompensationShare = COMPENSATION_SHARE,
    seed: Annotated[int | None, typer.Option(help="Fixes the order of the tasks.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Reserve the money and put the items out to the workers."""
    terms = typed_terms(locals())  # every option that is a term
    with open_desk(data) as desk:
        row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=project)
        request = as_request(desk, terms, budget=budget, project_id=row.id)
        asked = {"project_id": row.id, "request": request, "random": _random(seed)}
        _show(desk, desk.uow.run(publishing.publish_batch, **asked), as_json=as_json)


@app.command("list")
def list_all(project: Slug, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List a project's batches, the newest first."""
    with open_desk(data) as desk:
        row = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=project)
        page = desk.uow.read(list_batches, project_id=row.id, limit=MOST_LISTED)
    if as_json:
        put({"project": row.slug, "batches": [as_row(line) for line in page.rows]})
    else:
        brief = ("batch", "name", "state", "tasks", "agreed", "answers", "spent", "reserved", "currency")
        rows = [{name: as_row(line)[name] for name in brief} for line in page.rows]
        show_table(rows, empty=f"No batches yet. Publish one: crowd-hitl batch publish {project} --price 0.05")


@app.command()
def show(batch: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show a batch: terms, progress and money."""
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        _show(desk, row, as_json=as_json)


@app.command()
def pause(batch: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Hand out no more places; what is leased may be finished."""
    _move(batch, publishing.pause_batch, data=data, as_json=as_json)


@app.command()
def resume(batch: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Hand out places again."""
    _move(batch, publishing.resume_batch, data=data, as_json=as_json)


@app.command()
def close(batch: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """End a batch; what it does not need goes back to the budget."""
    _move(batch, publishing.close_batch, data=data, as_json=as_json)


@app.command()
def agree(batch: Number, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Weigh the answers now: labels, further places, tasks that are done (`serve` does so by itself)."""
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        report = asdict(agreeing.agree(desk.uow, batch_id=row.id, plugins=desk.plugins))
    if as_json:
        put(report)
    else:
        show_pairs(report)


def quote_row(quoted: Quote) -> dict[str, Any]:
    """Show a quote, amounts in currency units."""
    return {
        "tasks": quoted.tasks,
        "gold_places": quoted.gold_places,
        "expected_answers": round(quoted.expected_answers, 1),
        "minimum": units(quoted.minimum_micros),
        "expected": units(quoted.expected_micros),
        "maximum": units(quoted.maximum_micros),
        "gold": units(quoted.gold_micros),
        "late_answers": units(quoted.compensation_micros),
        "fees": units(quoted.fees_micros),
        "reserve": units(quoted.reserve_micros),
        "currency": quoted.currency,
    }


def gate_row(gate: Gate) -> dict[str, Any]:
    """Show who may work, and how much one worker may answer; nothing where nothing is asked."""
    shown: dict[str, Any] = {
        "requires": describe_requirement(gate.requirement) if gate.requirement else None,
        "cap": gate.cap_answers,
        "cap_share": gate.cap_share,
        "cap_per_day": gate.cap_per_day,
    }
    return {name: value for name, value in shown.items() if value is not None}


def as_row(line: BatchLine) -> dict[str, Any]:
    """Show a batch, amounts in currency units."""
    progress, money = line.progress, line.money
    return {
        "batch": line.id,
        "name": line.name,
        "purpose": line.purpose,
        "state": line.state,
        "round": line.round_number,
        "tasks": progress.tasks,
        "agreed": progress.agreed,
        "gave_up": progress.gave_up,
        "gold_tasks": progress.gold_tasks,
        "answers": progress.places_filled,
        "places_open": progress.places_open,
        "places_held": progress.places_held,
        "price": units(line.price_micros),
        **pay_row(line),
        "overlap_min": line.overlap_min,
        "overlap_max": line.overlap_max,
        "confidence_target": line.confidence_target,
        "spent": units(money.spent_micros),
        "reserved": units(money.held_micros),
        "returned": units(money.released_micros),
        "currency": line.currency,
        "cost_per_label": None if line.per_agreed_label_micros is None else units(round(line.per_agreed_label_micros)),
        "published_at": line.published_at.isoformat(),
        "deadline": line.deadline.isoformat() if line.deadline else None,
        **gate_row(line.gate),
    }


def _random(seed: int | None) -> Random:
    return SystemRandom() if seed is None else Random(seed)


def _move(batch: int, service: Callable[..., BatchRow], *, data: Path | None, as_json: bool) -> None:
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        _show(desk, desk.uow.run(service, batch_id=row.id), as_json=as_json)


def _show(desk: Desk, batch: BatchRow, *, as_json: bool) -> None:
    row = as_row(desk.uow.read(one_batch, project_id=batch.project_id, batch_id=batch.id))
    if as_json:
        put(row)
    else:
        show_pairs(row)
