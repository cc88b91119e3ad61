"""Deciding on answers: approve and pay, reject with a reason, set aside, take a rejection back."""

from apiflask import APIBlueprint
from flask.typing import ResponseReturnValue

from crowd_hitl.api.schemas.work import RejectIn
from crowd_hitl.api.scoping import answer_here
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import deciding, paying

answers = APIBlueprint("answers", __name__, url_prefix="/api/v1", tag="Answers")


@answers.post("/answers/<int:answer_id>/approve")
@allow(*MANAGERS)
@answers.doc(responses={204: "Approved and paid"})
def approve_answer(answer_id: int) -> ResponseReturnValue:
    """Approve an answer; its worker is paid."""
    answer = answer_here(answer_id)
    current_house().uow.run(paying.approve, answer_id=answer.id, decided_by=current_actor().account_id)
    return "", 204


@answers.post("/answers/<int:answer_id>/soft-reject")
@allow(*MANAGERS)
@answers.input(RejectIn, arg_name="body")
@answers.doc(responses={204: "Set aside"})
def soft_reject_answer(answer_id: int, *, body: RejectIn) -> ResponseReturnValue:
    """Set an answer aside: its worker is paid, it is not used, and its place opens again."""
    answer = answer_here(answer_id)
    decided_by = current_actor().account_id
    current_house().uow.run(deciding.soft_reject, answer_id=answer.id, reason=body.reason, decided_by=decided_by)
    return "", 204


@answers.post("/answers/<int:answer_id>/reverse")
@allow(*MANAGERS)
@answers.doc(responses={204: "Approved and paid"})
def reverse_rejection(answer_id: int) -> ResponseReturnValue:
    """Take a rejection back: the answer is paid, and counts again if there is room for it."""
    answer = answer_here(answer_id)
    current_house().uow.run(deciding.reverse, answer_id=answer.id, decided_by=current_actor().account_id)
    return "", 204


@answers.post("/answers/<int:answer_id>/reject")
@allow(*MANAGERS)
@answers.input(RejectIn, arg_name="body")
@answers.doc(responses={204: "Rejected"})
def reject_answer(answer_id: int, *, body: RejectIn) -> ResponseReturnValue:
    """Reject an answer with a reason that its worker sees; its place opens again."""
    answer = answer_here(answer_id)
    decided_by = current_actor().account_id
    current_house().uow.run(paying.reject, answer_id=answer.id, reason=body.reason, decided_by=decided_by)
    return "", 204
