"""Reviewing: the queue of undecided answers, many approvals at once, further answers for tasks, broken items."""

from datetime import datetime

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from crowd_hitl.api.describing import takes_header
from crowd_hitl.api.keys import KEY_PARAMETER, done_before, idempotency_key, note_done
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.reviews import (
    ApprovedOut,
    ApproveIn,
    BrokenItemsOut,
    BrokenOut,
    RequeueIn,
    RequeueOut,
    ReviewOut,
    ReviewQuery,
    ReviewsOut,
    VoteOut,
)
from crowd_hitl.api.scoping import batch_here, item_here, project_here
from crowd_hitl.domain.money import units
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.media import image_url
from crowd_hitl.services import breaking, requeueing, reviewing
from crowd_hitl.services.reporting import reviews as queue
from crowd_hitl.services.reporting.broken import list_broken
from crowd_hitl.services.reporting.projects import project_head
from crowd_hitl.services.requeueing import Requeue, RequeueQuote
from crowd_hitl.services.reviewing import Wanted
from crowd_hitl.store.project_rows import ProjectRow

reviews = APIBlueprint("reviews", __name__, url_prefix="/api/v1", tag="Answers")


@reviews.get("/batches/<int:batch_id>/review")
@allow(*MANAGERS)
@reviews.input(ReviewQuery, location="query", arg_name="page")
@reviews.output(ReviewsOut)
def list_undecided(batch_id: int, *, page: ReviewQuery) -> ReviewsOut:
    """List the answers that wait for a decision, the longest waiting first, with what others and gold say."""
    batch = batch_here(batch_id)
    wanted = queue.QueueFilter(batch_id=batch.id, worker=page.worker)

    def read(session: Session) -> ReviewsOut:
        slug = session.get_one(ProjectRow, batch.project_id).slug
        project = project_head(session, organisation_id=current_actor().organisation_id, slug=slug)
        found = queue.review_queue(session, project=project, wanted=wanted, after=page.after, limit=page.limit)
        waiting = queue.count_waiting(session, project=project, wanted=wanted)
        return ReviewsOut(answers=[_shown(line) for line in found.rows], waiting=waiting, after=found.after)

    return current_house().uow.read(read)


@reviews.post("/batches/<int:batch_id>/approve")
@allow(*MANAGERS)
@reviews.input(ApproveIn, arg_name="body")
@reviews.output(ApprovedOut)
def approve_many(batch_id: int, *, body: ApproveIn) -> ApprovedOut:
    """Approve and pay undecided answers of a batch: those listed, one worker's, or all."""
    batch, decided_by = batch_here(batch_id), current_actor().account_id
    wanted = Wanted(answer_ids=body.answers, worker=body.worker)
    done = reviewing.approve_many(current_house().uow, batch_id=batch.id, wanted=wanted, decided_by=decided_by)
    return ApprovedOut(approved=done)


@reviews.post("/batches/<int:batch_id>/review")
@allow(*MANAGERS)
@reviews.output(ApprovedOut)
def run_review(batch_id: int) -> ApprovedOut:
    """Apply the batch's review policy now (the server does so by itself): delays, gold, samples."""
    return ApprovedOut(approved=reviewing.review_due(current_house().uow, batch_id=batch_here(batch_id).id))


@reviews.post("/batches/<int:batch_id>/requeue-quote")
@allow(*MANAGERS)
@reviews.input(RequeueIn, arg_name="body")
@reviews.output(RequeueOut)
def quote_requeue(batch_id: int, *, body: RequeueIn) -> RequeueOut:
    """Price further answers for tasks. Nothing is opened or reserved."""
    batch = batch_here(batch_id)
    return _priced(current_house().uow.read(requeueing.quote_requeue, batch_id=batch.id, requeue=_requeue(body)))


@reviews.post("/batches/<int:batch_id>/requeue")
@allow(*MANAGERS)
@takes_header(KEY_PARAMETER)
@reviews.input(RequeueIn, arg_name="body")
@reviews.output(RequeueOut)
def requeue_tasks(batch_id: int, *, body: RequeueIn) -> RequeueOut:
    """Ask for further answers to tasks, whatever state they are in; reserved first (402). Under a key, once."""
    batch, key = batch_here(batch_id), idempotency_key()
    return _priced(current_house().uow.run(_requeue_once, batch_id=batch.id, requeue=_requeue(body), key=key))


@reviews.get("/projects/<slug>/broken")
@allow(*MANAGERS)
@reviews.input(PageQuery, location="query", arg_name="page")
@reviews.output(BrokenItemsOut)
def list_broken_items(slug: str, *, page: PageQuery) -> BrokenItemsOut:
    """List the items that workers found cannot be answered, with their reasons."""
    found = current_house().uow.read(list_broken, project_id=project_here(slug).id, after=page.after, limit=page.limit)
    return BrokenItemsOut(items=[BrokenOut.model_validate(line) for line in found.rows], after=found.after)


@reviews.post("/items/<int:item_id>/mend")
@allow(*MANAGERS)
@reviews.doc(responses={204: "It may be asked again"})
def mend_item(item_id: int) -> ResponseReturnValue:
    """Put a broken item back: it may be published again."""
    current_house().uow.run(breaking.mend, item_id=item_here(item_id).id)
    return "", 204


def _requeue_once(session: Session, *, batch_id: int, requeue: Requeue, key: str | None, now: datetime) -> RequeueQuote:
    """Requeue in the same transaction that notes the key; a repeat is told what it would cost to ask again."""
    name = f"requeue:{batch_id}:{key}"
    if key is not None and done_before(session, name=name, asked=requeue) is not None:
        return requeueing.price_of(session, batch_id=batch_id, requeue=requeue)
    quoted = requeueing.requeue_tasks(session, batch_id=batch_id, requeue=requeue, now=now)
    if key is not None:
        note_done(session, name=name, asked=requeue, made_id=batch_id, now=now)
    return quoted


def _requeue(body: RequeueIn) -> Requeue:
    return Requeue(answers=body.answers, task_ids=tuple(body.tasks), item_keys=tuple(body.items))


def _priced(quoted: RequeueQuote) -> RequeueOut:
    return RequeueOut(
        tasks=quoted.tasks,
        answers=quoted.answers,
        reserve=units(quoted.reserve_micros),
        budget_lacks=units(quoted.missing_micros),
        currency=quoted.currency,
    )


def _shown(line: queue.ReviewLine) -> ReviewOut:
    return ReviewOut(
        answer_id=line.answer_id,
        batch_id=line.batch_id,
        item_id=line.item_id,
        key=line.key,
        text=line.text,
        image_url=image_url(line.item_id) if line.image_key else None,
        value=line.value,
        broken=line.broken,
        worker=line.worker,
        seconds=line.seconds,
        submitted_at=line.submitted_at,
        approves_at=line.approves_at,
        gold=line.gold,
        cost=units(line.cost_micros),
        currency=line.currency,
        others=[VoteOut.model_validate(vote) for vote in line.others],
    )
