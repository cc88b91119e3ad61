"""How a batch pays, as it is typed: pages, hours, rates, the compensation line; and `batch compensate`."""

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crowd_hitl.cli.finding import batch_numbered
from crowd_hitl.cli.frame import AsJson, DataFolder, put
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.tables import show_pairs
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros, units
from crowd_hitl.services import compensating
from crowd_hitl.services.reporting.batches import BatchLine, one_batch

Number = Annotated[int, typer.Argument(metavar="BATCH", help="The batch's number.")]
PageSize = Annotated[int, typer.Option(help="So many tasks are handed out and paid together.")]
Hourly = Annotated[str | None, typer.Option(help="Pay active time by the hour, up to the price for each answer.")]
Rates = Annotated[
    list[str] | None,
    typer.Option("--rate", help="A lower price for some, such as '0.03={\"skill_min\": 0.9}'; the first that is met."),
]
CompensationShare = Annotated[float, typer.Option(help="Set aside for late answers, as a share of the first places.")]


def compensate(
    batch: Number,
    amount: Annotated[str, typer.Option(help="How much to set aside, such as 5.00.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put money of the budget into the line that pays late answers, and pay what is owed."""
    amount_micros = micros(amount, field="amount")
    with open_desk(data) as desk:
        row = desk.uow.read(batch_numbered, organisation_id=desk.organisation_id, batch_id=batch)
        desk.uow.run(compensating.compensate, batch_id=row.id, amount_micros=amount_micros)
        line = desk.uow.read(one_batch, project_id=row.project_id, batch_id=row.id)
    shown = {"batch": line.id, "set_aside": units(amount_micros), **pay_row(line), "currency": line.currency}
    if as_json:
        put(shown)
    else:
        show_pairs(shown)


def read_rates(texts: Sequence[str] | None) -> list[dict[str, Any]] | None:
    """Read rates as they are typed, PRICE=REQUIREMENT; BadInput says how one is written."""
    return [_rate(text) for text in texts] if texts else None


def pay_row(line: BatchLine) -> dict[str, Any]:
    """Show how a batch pays and what it owes, amounts in currency units; what is as usual is left out."""
    shown: dict[str, Any] = {"page_size": line.page_size} if line.page_size > 1 else {}
    if line.hourly_micros is not None:
        shown["hourly"] = units(line.hourly_micros)
    if line.rates:
        rates = [f"{units(rate['price_micros'])}={json.dumps(rate['requirement'])}" for rate in line.rates]
        shown["rates"] = ", ".join(rates)
    shown["compensation"] = units(line.compensation_micros)
    if line.owed_answers:
        shown["owed"] = f"{line.owed_answers} late answers, {units(line.owed_micros)} owed"
    return shown


def _rate(text: str) -> dict[str, Any]:
    price, found, requirement = text.partition("=")
    try:
        return {"price_micros": micros(price, field="rate"), "requirement": json.loads(requirement if found else "")}
    except json.JSONDecodeError as error:
        expected = 'PRICE=REQUIREMENT, such as 0.03={"skill_min": 0.9}'
        raise bad_field("rate", expected=expected, found=text) from error
