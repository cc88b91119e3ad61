"""Batches: quote, publish, watch, pause, resume, agree, close."""

from collections.abc import Callable
from datetime import datetime
from random import SystemRandom
from typing import Any

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from crowd_hitl.api.describing import takes_header
from crowd_hitl.api.keys import KEY_PARAMETER, done_before, idempotency_key, note_done
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.batches import (
    AgreeOut,
    BatchesOut,
    BatchIn,
    BatchMoneyOut,
    BatchOut,
    GateOut,
    ProgressOut,
    QuoteOut,
)
from crowd_hitl.api.schemas.sittings import OwedOut, RateIn, RateOut
from crowd_hitl.api.scoping import batch_here, project_here
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.gates import warn_of_caps
from crowd_hitl.domain.money import micros, units
from crowd_hitl.edge.auth import MANAGERS, allow
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import agreeing, publishing
from crowd_hitl.services.eligible import able_workers
from crowd_hitl.services.publishing import BatchRequest
from crowd_hitl.services.reporting.batches import BatchLine, list_batches, one_batch
from crowd_hitl.services.weighing import method_for
from crowd_hitl.store.work_rows import BatchRow

batches = APIBlueprint("batches", __name__, url_prefix="/api/v1", tag="Batches")


@batches.post("/projects/<slug>/quote")
@allow(*MANAGERS)
@batches.input(BatchIn, arg_name="body")
@batches.output(QuoteOut)
def quote_batch(slug: str, *, body: BatchIn) -> QuoteOut:
    """Price a batch: minimum, expected and maximum. Nothing is published or reserved."""
    project, uow = project_here(slug), current_house().uow
    request = _request(body, project_id=project.id)
    quote = uow.read(publishing.quote_batch, project_id=project.id, request=request)
    able = uow.read(able_workers, project_id=project.id, requirement=request.requirement)
    return QuoteOut(
        tasks=quote.tasks,
        gold_places=quote.gold_places,
        expected_answers=quote.expected_answers,
        minimum=units(quote.minimum_micros),
        expected=units(quote.expected_micros),
        maximum=units(quote.maximum_micros),
        gold=units(quote.gold_micros),
        fees=units(quote.fees_micros),
        reserve=units(quote.reserve_micros),
        compensation=units(quote.compensation_micros),
        currency=quote.currency,
        gate=GateOut.model_validate(request),
        workers_able=able,
        warning=warn_of_caps(request, tasks=quote.tasks, places=publishing.first_places(quote, request), able=able),
    )


@batches.post("/projects/<slug>/batches")
@allow(*MANAGERS)
@takes_header(KEY_PARAMETER)
@batches.input(BatchIn, arg_name="body")
@batches.output(BatchOut, status_code=201)
def publish_batch(slug: str, *, body: BatchIn) -> BatchOut:
    """Publish a batch and reserve its money; refused with what is missing (402). Under a key it is published once."""
    project = project_here(slug)
    request = _request(body, project_id=project.id)
    batch_id = current_house().uow.run(_publish_once, project_id=project.id, request=request, key=idempotency_key())
    return show_line(project_id=project.id, batch_id=batch_id)


@batches.get("/projects/<slug>/batches")
@allow(*MANAGERS)
@batches.input(PageQuery, location="query", arg_name="page")
@batches.output(BatchesOut)
def list_project_batches(slug: str, *, page: PageQuery) -> BatchesOut:
    """List a project's batches, the newest first."""
    project = project_here(slug)
    found = current_house().uow.read(list_batches, project_id=project.id, after=page.after, limit=page.limit)
    return BatchesOut(batches=[_shown(line) for line in found.rows], after=found.after)


@batches.get("/batches/<int:batch_id>")
@allow(*MANAGERS)
@batches.output(BatchOut)
def show_batch(batch_id: int) -> BatchOut:
    """Show a batch: its terms, progress and money."""
    return show_line(project_id=batch_here(batch_id).project_id, batch_id=batch_id)


@batches.post("/batches/<int:batch_id>/pause")
@allow(*MANAGERS)
@batches.output(BatchOut)
def pause_batch(batch_id: int) -> BatchOut:
    """Hand out no more places; what is leased may be finished."""
    return _move(batch_id, service=publishing.pause_batch)


@batches.post("/batches/<int:batch_id>/resume")
@allow(*MANAGERS)
@batches.output(BatchOut)
def resume_batch(batch_id: int) -> BatchOut:
    """Hand out places again."""
    return _move(batch_id, service=publishing.resume_batch)


@batches.post("/batches/<int:batch_id>/close")
@allow(*MANAGERS)
@batches.output(BatchOut)
def close_batch(batch_id: int) -> BatchOut:
    """End a batch; what it does not need goes back to the budget."""
    return _move(batch_id, service=publishing.close_batch)


@batches.post("/batches/<int:batch_id>/agree")
@allow(*MANAGERS)
@batches.output(AgreeOut)
def agree_batch(batch_id: int) -> AgreeOut:
    """Weigh the answers now: labels, further places, tasks that are done."""
    house = current_house()
    report = agreeing.agree(house.uow, batch_id=batch_here(batch_id).id, plugins=house.plugins)
    return AgreeOut.model_validate(report)


def _move(batch_id: int, *, service: Callable[..., BatchRow]) -> BatchOut:
    batch = batch_here(batch_id)
    current_house().uow.run(service, batch_id=batch.id)
    return show_line(project_id=batch.project_id, batch_id=batch.id)


def _publish_once(session: Session, *, project_id: int, request: BatchRequest, key: str | None, now: datetime) -> int:
    """Publish in the same transaction that notes the key, so that a repeat finds either both or neither."""
    name = f"publish:{project_id}:{key}"
    if key is not None:
        before = done_before(session, name=name, asked=request)
        if before is not None:
            return before
    batch = publishing.publish_batch(session, project_id=project_id, request=request, random=SystemRandom(), now=now)
    if key is not None:
        note_done(session, name=name, asked=request, made_id=batch.id, now=now)
    return batch.id


def _request(body: BatchIn, *, project_id: int) -> BatchRequest:
    house = current_house()
    known = house.plugins.policies
    if body.overlap_policy not in known:
        raise bad_field("overlap_policy", expected="one of " + ", ".join(sorted(known)), found=body.overlap_policy)
    aggregator = house.uow.read(method_for, project_id=project_id, name=body.aggregator, plugins=house.plugins)
    return BatchRequest(
        name=body.name,
        budget_id=body.budget_id,
        price_micros=micros(body.price, field="price"),
        overlap_min=body.overlap_min,
        overlap_max=body.overlap_max if body.overlap_max is not None else body.overlap_min,
        confidence_target=body.confidence_target,
        lease_seconds=body.lease_seconds,
        deadline=body.deadline,
        priority=body.priority,
        page_size=body.page_size,
        gold_rate=body.gold_rate,
        items=body.items,
        limit=body.limit,
        aggregator=aggregator,
        overlap_policy=body.overlap_policy,
        approval=body.approval,
        review=_review(body),
        channel=body.channel,
        requirement=body.requirement,
        cap_answers=body.cap_answers,
        cap_share=body.cap_share,
        cap_per_day=body.cap_per_day,
        hourly_micros=None if body.hourly is None else micros(body.hourly, field="hourly"),
        rates=_rates(body.rates),
        compensation_share=body.compensation_share,
    )


def _review(body: BatchIn) -> dict[str, float] | None:
    """Give whole numbers back what JSON's one kind of number took."""
    given = body.review
    return given and {name: int(value) if value == int(value) else value for name, value in given.items()}


def _rates(rates: list[RateIn] | None) -> list[dict[str, Any]] | None:
    if not rates:
        return None
    return [{"price_micros": micros(one.price, field="rates"), "requirement": one.requirement} for one in rates]


def show_line(*, project_id: int, batch_id: int) -> BatchOut:
    """Show one batch of a project."""
    return _shown(current_house().uow.read(one_batch, project_id=project_id, batch_id=batch_id))


def _shown(line: BatchLine) -> BatchOut:
    money = line.money
    return BatchOut(
        id=line.id,
        name=line.name,
        purpose=line.purpose,
        state=line.state,
        round=line.round_number,
        price=units(line.price_micros),
        fee=units(line.fee_micros),
        currency=line.currency,
        overlap_min=line.overlap_min,
        overlap_max=line.overlap_max,
        confidence_target=line.confidence_target,
        approval=line.approval,
        review=line.review,
        aggregator=line.aggregator,
        budget_id=line.budget_id,
        published_at=line.published_at,
        closed_at=line.closed_at,
        deadline=line.deadline,
        gate=GateOut.model_validate(line.gate),
        page_size=line.page_size,
        hourly=None if line.hourly_micros is None else units(line.hourly_micros),
        rates=[RateOut(price=units(one["price_micros"]), requirement=one["requirement"]) for one in line.rates],
        compensation=units(line.compensation_micros),
        owed=OwedOut(answers=line.owed_answers, amount=units(line.owed_micros)),
        progress=ProgressOut.model_validate(line.progress),
        money=BatchMoneyOut(
            reserved=units(money.held_micros),
            paid=units(money.paid_micros),
            fees=units(money.fees_micros),
            spent=units(money.spent_micros),
            released=units(money.released_micros),
        ),
    )
