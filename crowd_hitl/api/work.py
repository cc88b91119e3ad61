"""A worker's side: paid work, claim, submit, release, replace, earnings. The hot path: one transaction a request.

Only what a question shows of the items' data is read in a second.
"""

from collections.abc import Sequence
from typing import Any

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from crowd_hitl.api.schemas.gates import NoticeOut
from crowd_hitl.api.schemas.work import (
    AnswerCountsOut,
    AnswerIn,
    AnswerOut,
    AssignmentOut,
    ClaimIn,
    DayOut,
    EarningsOut,
    ItemShown,
    PageAnswerOut,
    PageIn,
    PageReceiptOut,
    ReceiptOut,
    SubmitIn,
    WorkLine,
    WorkOut,
)
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import units
from crowd_hitl.edge.auth import allow, current_actor, current_worker_id
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.media import audio_url, image_url
from crowd_hitl.edge.soon import stop_soon
from crowd_hitl.services import answering, assigning, paging
from crowd_hitl.services.balances import worker_earnings
from crowd_hitl.services.offering import work_for
from crowd_hitl.services.reporting.blocks import list_blocks
from crowd_hitl.services.showing import Offered, columns_shown, parts_of

work = APIBlueprint("work", __name__, url_prefix="/api/v1", tag="Work")

# APIFlask takes a list of a model, but its types do not say so.
ASSIGNMENTS: Any = list[AssignmentOut]


@work.get("/work")
@allow(Role.WORKER)
@work.output(WorkOut)
def list_work() -> WorkOut:
    """List the paid work there is for this worker now, the best paid first."""
    uow, worker_id = current_house().uow, current_worker_id()
    offers = uow.read(work_for, worker_id=worker_id)
    stands = uow.read(list_blocks, organisation_id=current_actor().organisation_id, worker_id=worker_id, standing=True)
    lines = [
        WorkLine(
            id=offer.batch_id,
            project=offer.project_name,
            name=offer.batch_name,
            prompt=offer.prompt,
            kind=offer.kind,
            price=units(offer.price_micros),
            currency=offer.currency,
            hourly=None if offer.hourly_micros is None else units(offer.hourly_micros),
            page_size=offer.page_size,
            available=offer.available,
            seconds_each=offer.median_seconds,
            limit=offer.limit,
        )
        for offer in offers
    ]
    return WorkOut(batches=lines, blocks=[NoticeOut.model_validate(line) for line in stands.rows])


@work.post("/batches/<int:batch_id>/claim")
@allow(Role.WORKER)
@work.input(ClaimIn, arg_name="body")
@work.output(ASSIGNMENTS)
def claim_places(batch_id: int, *, body: ClaimIn) -> list[AssignmentOut]:
    """Claim places of a batch; an empty list means that there is nothing for this worker now."""
    worker_id = current_worker_id()
    found = current_house().uow.run_short(
        assigning.claim_at_once,
        otherwise=assigning.claim,
        batch_id=batch_id,
        worker_id=worker_id,
        count=body.count,
    )
    return assignments_out(found)


@work.post("/assignments/<int:assignment_id>/submit")
@allow(Role.WORKER)
@work.input(SubmitIn, arg_name="body")
@work.output(ReceiptOut)
def submit_answer(assignment_id: int, *, body: SubmitIn) -> ReceiptOut:
    """Submit an answer, or that there can be none, and claim the next places; the same client key, the same reply."""
    if (body.value is None) == (body.broken is None):
        raise bad_field("value", expected="either value or broken", found="both" if body.value else "neither")
    house = current_house()
    receipt = house.uow.run_short(
        answering.submit_at_once,
        otherwise=answering.submit,
        assignment_id=assignment_id,
        worker_id=current_worker_id(),
        submission=answering.Submission(
            value=body.value,
            client_key=body.client_key,
            seconds=body.seconds,
            next_count=body.next,
            broken=body.broken,
        ),
        questions=house.plugins.questions,
    )
    stop_soon(receipt.full_in)
    return ReceiptOut(
        answer=_answer_out(receipt),
        next=assignments_out(receipt.next),
        earned=units(receipt.earned_micros),
        late=receipt.late,
        owed=receipt.owed,
    )


@work.post("/sittings/<int:sitting_id>/submit")
@allow(Role.WORKER)
@work.input(PageIn, arg_name="body")
@work.output(PageReceiptOut)
def submit_page(sitting_id: int, *, body: PageIn) -> PageReceiptOut:
    """Submit the answers of a page and claim the next one; the same client key again gets the same reply."""
    house = current_house()
    parts = [paging.PagePart(one.assignment_id, one.value, one.seconds) for one in body.answers]
    receipt = house.uow.run_short(
        paging.submit_page_at_once,
        otherwise=paging.submit_page,
        sitting_id=sitting_id,
        worker_id=current_worker_id(),
        submission=paging.PageSubmission(parts, body.client_key, body.next),
        questions=house.plugins.questions,
    )
    stop_soon(receipt.full_in)
    return PageReceiptOut(
        answers=[
            PageAnswerOut(
                id=one.answer_id,
                assignment_id=one.assignment_id,
                replaceable_until=one.replaceable_until,
                late=one.late,
            )
            for one in receipt.answers
        ],
        next=assignments_out(receipt.next),
        earned=units(receipt.earned_micros),
    )


@work.post("/assignments/<int:assignment_id>/release")
@allow(Role.WORKER)
@work.doc(responses={204: "Released"})
def release_place(assignment_id: int) -> ResponseReturnValue:
    """Give a place back unanswered."""
    current_house().uow.run(assigning.release, assignment_id=assignment_id, worker_id=current_worker_id())
    return "", 204


@work.put("/answers/<int:answer_id>")
@allow(Role.WORKER)
@work.input(AnswerIn, arg_name="body")
@work.output(AnswerOut)
def replace_answer(answer_id: int, *, body: AnswerIn) -> AnswerOut:
    """Replace an answer (undo), within 60 seconds."""
    house = current_house()
    receipt = house.uow.run(
        answering.replace,
        answer_id=answer_id,
        worker_id=current_worker_id(),
        value=body.value,
        questions=house.plugins.questions,
    )
    return _answer_out(receipt)


@work.get("/earnings")
@allow(Role.WORKER)
@work.output(EarningsOut)
def show_earnings() -> EarningsOut:
    """Add up what this worker has earned."""
    earned = current_house().uow.read(worker_earnings, worker_id=current_worker_id())
    return EarningsOut(
        currency=earned.currency,
        due=units(earned.due_micros),
        paid=units(earned.paid_micros),
        total=units(earned.total_micros),
        owed=units(earned.owed_micros),
        by_day=[DayOut(day=day.isoformat(), answers=count, amount=units(sum_)) for day, count, sum_ in earned.by_day],
        answers=AnswerCountsOut(submitted=earned.submitted, approved=earned.approved, rejected=earned.rejected),
    )


def assignments_out(found: Sequence[Offered]) -> list[AssignmentOut]:
    """Show assignments to their worker; where a question shows columns of the data, those are read."""
    house = current_house()
    shown = columns_shown(found, questions=house.plugins.questions)
    parts = house.uow.read(parts_of, found=found, shown=shown) if shown else {}
    return [assignment_out(offered, parts.get(offered.assignment_id, {})) for offered in found]


def assignment_out(offered: Offered, parts: dict[str, str]) -> AssignmentOut:
    """Show one assignment to its worker, with what its question shows of the item's data."""
    return AssignmentOut(
        id=offered.assignment_id,
        sitting_id=offered.sitting_id,
        task_id=offered.task_id,
        item=ItemShown(
            id=offered.item_id,
            key=offered.item_key,
            text=offered.text,
            image_url=image_url(offered.item_id) if offered.image_key else None,
            audio_url=audio_url(offered.item_id) if offered.audio_key else None,
            parts=parts,
        ),
        question={"kind": offered.kind, **offered.spec},
        lease_ends_at=offered.lease_ends_at,
        price=units(offered.price_micros),
        currency=offered.currency,
    )


def _answer_out(receipt: answering.Receipt) -> AnswerOut:
    return AnswerOut(
        id=receipt.answer_id, assignment_id=receipt.assignment_id, replaceable_until=receipt.replaceable_until
    )
