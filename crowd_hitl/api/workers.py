"""In-house workers, as a requester sees and makes them."""

from datetime import datetime

from apiflask import APIBlueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.api.schemas.accounts import NewWorkerOut, WorkerIn, WorkerOut, WorkersOut
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.domain.accounts import Role
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import admitting
from crowd_hitl.services.reporting.pages import first_rows, id_after
from crowd_hitl.store.account_rows import WorkerRow

workers = APIBlueprint("workers", __name__, url_prefix="/api/v1", tag="Workers")


@workers.get("/workers")
@allow(*MANAGERS)
@workers.input(PageQuery, location="query", arg_name="page")
@workers.output(WorkersOut)
def list_workers(*, page: PageQuery) -> WorkersOut:
    """List the organisation's workers."""
    found = current_house().uow.read(
        admitting.list_workers,
        organisation_id=current_actor().organisation_id,
        after=id_after(page.after) or 0,
        limit=page.limit + 1,
    )
    rows, more = first_rows(found, limit=page.limit)
    shown = [WorkerOut.model_validate(row) for row in rows]
    return WorkersOut(workers=shown, after=str(rows[-1].id) if more else None)


@workers.post("/workers")
@allow(*MANAGERS)
@workers.input(WorkerIn, arg_name="body")
@workers.output(NewWorkerOut, status_code=201)
def create_worker(*, body: WorkerIn) -> NewWorkerOut:
    """Make an in-house worker with an account and a token."""
    organisation_id = current_actor().organisation_id
    row, token = current_house().uow.run(_make_worker, organisation_id=organisation_id, body=body)
    return NewWorkerOut(worker=WorkerOut.model_validate(row), login=body.login, token=token)


def _make_worker(session: Session, *, organisation_id: int, body: WorkerIn, now: datetime) -> tuple[WorkerRow, str]:
    account = admitting.create_account(
        session,
        organisation_id=organisation_id,
        login=body.login,
        name=body.name,
        role=Role.WORKER,
        password=body.password,
        simulated=body.simulated,
        now=now,
    )
    token = admitting.issue_token(session, account_id=account.id, name="first", now=now)
    return session.scalars(select(WorkerRow).where(WorkerRow.account_id == account.id)).one(), token
