"""Workers as seen one by one: their qualifications, and what keeps them from work: blocks and pauses."""

from dataclasses import replace
from datetime import datetime, timedelta

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from crowd_hitl.api.schemas.accounts import WorkerOut
from crowd_hitl.api.schemas.gates import BlockIn, BlockOut, BlocksOut, BlocksQuery, GrantOut, WorkerDetailOut
from crowd_hitl.api.scoping import batch_here, block_here, project_here, worker_here
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import blocking
from crowd_hitl.services.blocking import Placed
from crowd_hitl.services.qualifying import list_grants
from crowd_hitl.services.reporting.blocks import BlockLine, list_blocks, one_block

blocks = APIBlueprint("blocks", __name__, url_prefix="/api/v1", tag="Workers")


@blocks.get("/workers/<int:worker_id>")
@allow(*MANAGERS)
@blocks.output(WorkerDetailOut)
def show_worker(worker_id: int) -> WorkerDetailOut:
    """Show a worker: the qualifications they have, and what keeps them from work now."""
    worker = worker_here(worker_id)
    uow = current_house().uow
    organisation_id = current_actor().organisation_id
    stands = uow.read(list_blocks, organisation_id=organisation_id, worker_id=worker.id, standing=True)
    return WorkerDetailOut(
        worker=WorkerOut.model_validate(worker),
        qualifications=[GrantOut.model_validate(line) for line in uow.read(list_grants, worker_id=worker.id)],
        blocks=[_shown(line) for line in stands.rows],
    )


@blocks.get("/blocks")
@allow(*MANAGERS)
@blocks.input(BlocksQuery, location="query", arg_name="page")
@blocks.output(BlocksOut)
def list_all_blocks(*, page: BlocksQuery) -> BlocksOut:
    """List the organisation's blocks and pauses, the newest first."""
    return _page(page, worker_id=None)


@blocks.get("/workers/<int:worker_id>/blocks")
@allow(*MANAGERS)
@blocks.input(BlocksQuery, location="query", arg_name="page")
@blocks.output(BlocksOut)
def list_worker_blocks(worker_id: int, *, page: BlocksQuery) -> BlocksOut:
    """List a worker's blocks and pauses, also those that have ended, the newest first."""
    return _page(page, worker_id=worker_here(worker_id).id)


@blocks.post("/workers/<int:worker_id>/blocks")
@allow(*MANAGERS)
@blocks.input(BlockIn, arg_name="body")
@blocks.output(BlockOut, status_code=201)
def block_worker(worker_id: int, *, body: BlockIn) -> BlockOut:
    """Keep a worker from work. What they hold they may finish and are paid for; their answers stand."""
    worker = worker_here(worker_id)
    if body.ends_at is not None and body.hours is not None:
        raise BadInput("Give `ends_at` or `hours`, not both.")
    placed = Placed(
        worker_id=worker.id,
        kind=body.kind,
        reason=body.reason,
        project_id=None if body.project is None else project_here(body.project).id,
        batch_id=None if body.batch_id is None else batch_here(body.batch_id).id,
        ends_at=body.ends_at,
        placed_by=current_actor().account_id,
    )
    return _one(current_house().uow.run(_block, placed=placed, hours=body.hours))


@blocks.post("/blocks/<int:block_id>/lift")
@allow(*MANAGERS)
@blocks.output(BlockOut)
def lift_block(block_id: int) -> BlockOut:
    """Let the worker in again before the block's time."""
    here = block_here(block_id).id
    current_house().uow.run(blocking.lift, block_id=here, lifted_by=current_actor().account_id)
    return _one(here)


def _block(session: Session, *, placed: Placed, hours: float | None, now: datetime) -> int:
    ends_at = placed.ends_at if hours is None else now + timedelta(hours=hours)
    return blocking.block(session, placed=replace(placed, ends_at=ends_at), now=now).id


def _page(page: BlocksQuery, *, worker_id: int | None) -> BlocksOut:
    found = current_house().uow.read(
        list_blocks,
        organisation_id=current_actor().organisation_id,
        worker_id=worker_id,
        standing=page.standing,
        after=page.after,
    )
    return BlocksOut(blocks=[_shown(line) for line in found.rows], after=found.after)


def _one(block_id: int) -> BlockOut:
    return _shown(current_house().uow.read(one_block, block_id=block_id))


def _shown(line: BlockLine) -> BlockOut:
    return BlockOut(
        id=line.id,
        worker_id=line.worker_id,
        worker=line.worker,
        kind=line.kind,
        scope=line.scope,
        project=line.project_slug,
        batch_id=line.batch_id,
        reason=line.reason,
        starts_at=line.starts_at,
        ends_at=line.ends_at,
        lifted_at=line.lifted_at,
        placed_by=line.placed_by,
        lifted_by=line.lifted_by,
        stands=line.stands,
    )
