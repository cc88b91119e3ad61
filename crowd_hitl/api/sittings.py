"""Sittings: more time for a task, the end of an hour, and the line that pays for late answers."""

from datetime import datetime

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from crowd_hitl.api.batches import show_line
from crowd_hitl.api.describing import takes_header
from crowd_hitl.api.keys import KEY_PARAMETER, done_before, idempotency_key, note_done
from crowd_hitl.api.schemas.batches import BatchOut
from crowd_hitl.api.schemas.sittings import CompensationIn, LeaseOut, SittingOut
from crowd_hitl.api.scoping import batch_here
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.money import micros
from crowd_hitl.edge.auth import MANAGERS, allow, current_worker_id
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.compensating import compensate
from crowd_hitl.services.ending_sittings import end_sitting
from crowd_hitl.services.extending_leases import extend_lease

sittings = APIBlueprint("sittings", __name__, url_prefix="/api/v1", tag="Work")


@sittings.post("/assignments/<int:assignment_id>/extend")
@allow(Role.WORKER)
@sittings.output(LeaseOut)
def extend_held_place(assignment_id: int) -> LeaseOut:
    """Get more time for a task: its full length again from now, up to four times that in all."""
    held = current_house().uow.run(extend_lease, assignment_id=assignment_id, worker_id=current_worker_id())
    return LeaseOut(id=held.id, lease_ends_at=held.lease_ends_at)


@sittings.post("/sittings/<int:sitting_id>/end")
@allow(Role.WORKER)
@sittings.output(SittingOut)
def end_paid_hour(sitting_id: int) -> SittingOut:
    """End a sitting that is paid by the hour: what is still held is given back, what was answered is settled."""
    ended = current_house().uow.run(end_sitting, sitting_id=sitting_id, worker_id=current_worker_id())
    return SittingOut(id=ended.id, batch_id=ended.batch_id, state=ended.state, seconds=ended.seconds)


@sittings.post("/batches/<int:batch_id>/compensate")
@allow(*MANAGERS)
@takes_header(KEY_PARAMETER)
@sittings.input(CompensationIn, arg_name="body")
@sittings.output(BatchOut)
def fill_compensation_line(batch_id: int, *, body: CompensationIn) -> BatchOut:
    """Put money of the budget into the line that pays late answers, and pay what is owed. Under a key, once."""
    batch = batch_here(batch_id)
    amount = micros(body.amount, field="amount")
    current_house().uow.run(_compensate_once, batch_id=batch.id, amount_micros=amount, key=idempotency_key())
    return show_line(project_id=batch.project_id, batch_id=batch.id)


def _compensate_once(session: Session, *, batch_id: int, amount_micros: int, key: str | None, now: datetime) -> None:
    name = f"compensate:{batch_id}:{key}"
    if key is not None and done_before(session, name=name, asked=amount_micros) is not None:
        return
    compensate(session, batch_id=batch_id, amount_micros=amount_micros, now=now)
    if key is not None:
        note_done(session, name=name, asked=amount_micros, made_id=batch_id, now=now)
