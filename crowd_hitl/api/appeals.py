"""Appeals against rejections: made by workers, upheld or dismissed by requesters."""

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from crowd_hitl.api.schemas.reviews import (
    AppealIn,
    AppealMadeOut,
    AppealOut,
    AppealsOut,
    AppealsQuery,
    DismissIn,
    UpholdIn,
)
from crowd_hitl.api.scoping import appeal_here
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.money import units
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor, current_worker_id
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import appealing
from crowd_hitl.services.reporting.appeals import AppealFilter, AppealLine, list_appeals

appeals = APIBlueprint("appeals", __name__, url_prefix="/api/v1", tag="Answers")


@appeals.post("/answers/<int:answer_id>/appeal")
@allow(Role.WORKER)
@appeals.input(AppealIn, arg_name="body")
@appeals.output(AppealMadeOut, status_code=201)
def make_appeal(answer_id: int, *, body: AppealIn) -> AppealMadeOut:
    """Appeal against a rejection, once; what the requester does not decide in time is upheld."""
    house = current_house()
    row = house.uow.run(
        appealing.appeal,
        answer_id=answer_id,
        worker_id=current_worker_id(),
        text=body.text,
        days=house.settings.appeal_days,
    )
    return AppealMadeOut.model_validate(row)


@appeals.get("/appeals")
@allow(*MANAGERS)
@appeals.input(AppealsQuery, location="query", arg_name="page")
@appeals.output(AppealsOut)
def list_all_appeals(*, page: AppealsQuery) -> AppealsOut:
    """List appeals in the order they are due: the open ones, unless another state is asked for."""
    state = None if page.state == "all" else page.state
    wanted = AppealFilter(organisation_id=current_actor().organisation_id, state=state)
    found = current_house().uow.read(list_appeals, wanted=wanted, after=page.after, limit=page.limit)
    return AppealsOut(appeals=[_shown(line) for line in found.rows], after=found.after)


@appeals.post("/appeals/<int:appeal_id>/uphold")
@allow(*MANAGERS)
@appeals.input(UpholdIn, arg_name="body")
@appeals.doc(responses={204: "Upheld and paid"})
def uphold_appeal(appeal_id: int, *, body: UpholdIn) -> ResponseReturnValue:
    """Uphold an appeal: the answer is paid, and counts again if there is room for it."""
    appeal = appeal_here(appeal_id)
    decided_by = current_actor().account_id
    current_house().uow.run(appealing.uphold, appeal_id=appeal.id, decided_by=decided_by, reply=body.reply)
    return "", 204


@appeals.post("/appeals/<int:appeal_id>/dismiss")
@allow(*MANAGERS)
@appeals.input(DismissIn, arg_name="body")
@appeals.doc(responses={204: "Dismissed"})
def dismiss_appeal(appeal_id: int, *, body: DismissIn) -> ResponseReturnValue:
    """Dismiss an appeal with a reply that its worker sees."""
    appeal = appeal_here(appeal_id)
    decided_by = current_actor().account_id
    current_house().uow.run(appealing.dismiss, appeal_id=appeal.id, decided_by=decided_by, reply=body.reply)
    return "", 204


def _shown(line: AppealLine) -> AppealOut:
    return AppealOut(
        id=line.id,
        state=line.state,
        answer_id=line.answer_id,
        batch_id=line.batch_id,
        key=line.key,
        value=line.value,
        worker=line.worker,
        reason=line.reason,
        appeal=line.appeal,
        reply=line.reply,
        created_at=line.created_at,
        due_at=line.due_at,
        decided_at=line.decided_at,
        cost=units(line.cost_micros),
        currency=line.currency,
    )
