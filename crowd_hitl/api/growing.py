"""Putting more into a batch, and what is left of it: extend, its quote, forecast."""

from datetime import datetime
from random import SystemRandom

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from crowd_hitl.api.batches import show_line
from crowd_hitl.api.describing import takes_header
from crowd_hitl.api.keys import KEY_PARAMETER, done_before, idempotency_key, note_done
from crowd_hitl.api.schemas.batches import (
    BatchOut,
    CountRangeOut,
    ExtensionIn,
    ExtensionOut,
    ForecastOut,
    ForecastQuery,
    MoneyRangeOut,
)
from crowd_hitl.api.scoping import batch_here
from crowd_hitl.domain.money import units
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import extending, forecasting
from crowd_hitl.services.extending import Extension, ExtensionQuote
from crowd_hitl.services.forecasting import Range, Wish

growing = APIBlueprint("growing", __name__, url_prefix="/api/v1", tag="Batches")


@growing.post("/batches/<int:batch_id>/extend")
@allow(*MANAGERS)
@takes_header(KEY_PARAMETER)
@growing.input(ExtensionIn, arg_name="body")
@growing.output(BatchOut)
def extend_batch(batch_id: int, *, body: ExtensionIn) -> BatchOut:
    """Put more items into a batch or allow more answers; the money is reserved first (402). Under a key, once."""
    batch = batch_here(batch_id)
    current_house().uow.run(_extend_once, batch_id=batch.id, extension=_extension(body), key=idempotency_key())
    return show_line(project_id=batch.project_id, batch_id=batch.id)


@growing.post("/batches/<int:batch_id>/extension-quote")
@allow(*MANAGERS)
@growing.input(ExtensionIn, arg_name="body")
@growing.output(ExtensionOut)
def quote_extension(batch_id: int, *, body: ExtensionIn) -> ExtensionOut:
    """Price an extension. Nothing is added or reserved."""
    batch = batch_here(batch_id)
    return _shown(current_house().uow.read(extending.quote_extension, batch_id=batch.id, extension=_extension(body)))


@growing.get("/batches/<int:batch_id>/forecast")
@allow(*MANAGERS)
@growing.input(ForecastQuery, location="query", arg_name="wanted")
@growing.output(ForecastOut)
def forecast_batch(batch_id: int, *, wanted: ForecastQuery) -> ForecastOut:
    """Say what is left of a batch: answers, cost and date, each with a 90% interval."""
    house = current_house()
    found = house.uow.read(
        forecasting.forecast,
        batch_id=batch_here(batch_id).id,
        wish=Wish(confidence=wanted.confidence, overlap_max=wanted.overlap_max, more_items=wanted.more_items),
        questions=house.plugins.questions,
    )
    return ForecastOut(
        batch_id=found.batch_id,
        confidence=found.confidence,
        items_left=found.items_left,
        answers=CountRangeOut.model_validate(found.answers),
        cost=_money(found.cost),
        total=_money(found.total),
        currency=found.currency,
        answers_per_hour=found.answers_per_hour,
        done_at=found.done_at,
        done_from=found.done_from,
        done_by=found.done_by,
        budget_lacks=units(found.short_micros),
    )


def _extend_once(session: Session, *, batch_id: int, extension: Extension, key: str | None, now: datetime) -> None:
    """Extend in the same transaction that notes the key, so that a repeat finds either both or neither."""
    name = f"extend:{batch_id}:{key}"
    if key is not None and done_before(session, name=name, asked=extension) is not None:
        return
    extending.extend_batch(session, batch_id=batch_id, extension=extension, random=SystemRandom(), now=now)
    if key is not None:
        note_done(session, name=name, asked=extension, made_id=batch_id, now=now)


def _extension(body: ExtensionIn) -> Extension:
    return Extension(items=body.items, limit=body.limit, overlap_max=body.overlap_max)


def _money(amount: Range) -> MoneyRangeOut:
    return MoneyRangeOut(expected=units(amount.expected), low=units(amount.low), high=units(amount.high))


def _shown(quoted: ExtensionQuote) -> ExtensionOut:
    return ExtensionOut(
        tasks=quoted.tasks,
        gold_places=quoted.gold_places,
        reopened=quoted.reopened,
        reserve=units(quoted.reserve_micros),
        maximum=units(quoted.maximum_micros),
        currency=quoted.currency,
    )
