"""`crowd-hitl batch extend` and `forecast`: putting more into a batch, and what is left of it."""

from random import SystemRandom
from typing import Annotated, Any

import typer

from crowd_hitl.cli.finding import batch_numbered
from crowd_hitl.cli.frame import AsJson, DataFolder, put
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs
from crowd_hitl.domain.money import units
from crowd_hitl.services import forecasting
from crowd_hitl.services.extending import Extension, ExtensionQuote, extend_batch, quote_extension
from crowd_hitl.services.forecasting import Forecast, Range, Wish

Number = Annotated[int, typer.Argument(metavar="BATCH", help="The batch's number.")]


def extend(
    batch: Number,
    items: Annotated[int | None, typer.Option(min=1, help="Ask up to so many further items that wait.")] = None,
    overlap_max: Annotated[int | None, typer.Option(help="From now on at most so many answers to each item.")] = None,
    quote: Annotated[bool, typer.Option("--quote", help="Only say what it will cost.")] = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put more items into a batch, or allow more answers; the money is reserved first."""
    extension = Extension(limit=items, overlap_max=overlap_max)
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        quoted = desk.uow.read(quote_extension, batch_id=row.id, extension=extension)
        if not quote:
            row = desk.uow.run(extend_batch, batch_id=row.id, extension=extension, random=SystemRandom())
    shown = {"batch": row.id, "state": row.state, "overlap_max": row.overlap_max, **extension_row(quoted)}
    if as_json:
        put(shown)
    else:
        show_pairs(shown)


def forecast(
    batch: Number,
    confidence: Annotated[float | None, typer.Option(help="How sure labels are to be; the batch's own target.")] = None,
    overlap_max: Annotated[int | None, typer.Option(help="At most so many answers; the batch's own.")] = None,
    more_items: Annotated[int, typer.Option(min=0, help="As if so many items were added.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what is left of a batch: cost and date, each with a 90% interval."""
    wish = Wish(confidence=confidence, overlap_max=overlap_max, more_items=more_items)
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        found = desk.uow.read(forecasting.forecast, batch_id=row.id, wish=wish, questions=desk.plugins.questions)
    if as_json:
        put(forecast_row(found))
    else:
        show_pairs(forecast_row(found))


def extension_row(quoted: ExtensionQuote) -> dict[str, Any]:
    """Show what an extension costs, amounts in currency units."""
    return {
        "tasks_added": quoted.tasks,
        "gold_places": quoted.gold_places,
        "reopened": quoted.reopened,
        "reserve": units(quoted.reserve_micros),
        "maximum": units(quoted.maximum_micros),
        "currency": quoted.currency,
    }


def forecast_row(found: Forecast) -> dict[str, Any]:
    """Show a forecast, amounts in currency units."""
    moments = {"done": found.done_at, "done_from": found.done_from, "done_by": found.done_by}
    return {
        "batch": found.batch_id,
        "confidence": found.confidence,
        "items_left": found.items_left,
        "answers_left": f"{found.answers.expected} ({found.answers.low} to {found.answers.high})",
        "cost_left": _amounts(found.cost),
        "cost_in_all": _amounts(found.total),
        "currency": found.currency,
        "budget_lacks": units(found.short_micros),
        "answers_per_hour": None if found.answers_per_hour is None else round(found.answers_per_hour, 1),
        **{name: moment.isoformat(timespec="minutes") if moment else None for name, moment in moments.items()},
    }


def _amounts(amount: Range) -> str:
    return f"{units(amount.expected)} ({units(amount.low)} to {units(amount.high)})"
