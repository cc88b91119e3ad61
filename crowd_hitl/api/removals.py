"""Taking a worker's answers out of a project: the preview, doing it, undoing it."""

from collections.abc import Mapping

from apiflask import APIBlueprint

from crowd_hitl.api.schemas.removals import (
    AmountOut,
    BudgetNeedOut,
    FlipOut,
    PreviewOut,
    RemovalIn,
    RemovalQuery,
    RemovedOut,
    RestorationIn,
    RestoredOut,
)
from crowd_hitl.api.scoping import batch_here, project_here
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.money import units
from crowd_hitl.domain.removals import Removal, RemovalPreview
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.previewing import preview_removal, worker_of
from crowd_hitl.services.replacing import remove_answers
from crowd_hitl.services.restoring import restore_answers
from crowd_hitl.store.account_rows import WorkerRow

removals = APIBlueprint("removals", __name__, url_prefix="/api/v1", tag="Workers")


@removals.get("/projects/<slug>/workers/<int:worker_id>/removal")
@allow(*MANAGERS)
@removals.input(RemovalQuery, location="query", arg_name="wanted")
@removals.output(PreviewOut)
def preview_worker_removal(slug: str, worker_id: int, *, wanted: RemovalQuery) -> PreviewOut:
    """Say what taking a worker's answers out would flip, ask again and cost. Nothing is changed."""
    house, worker = current_house(), _worker_here(worker_id)
    removal = Removal(
        worker_id=worker.id,
        project_id=_project_id(slug, wanted.batch_id),
        batch_id=wanted.batch_id,
        replaced=wanted.replaced,
        reject_undecided=wanted.undecided == "reject",
    )
    found = preview_removal(house.uow, removal=removal, plugins=house.plugins)
    return _shown(found, name=worker.public_id)


@removals.post("/projects/<slug>/workers/<int:worker_id>/removal")
@allow(*MANAGERS)
@removals.input(RemovalIn, arg_name="body")
@removals.output(RemovedOut)
def remove_worker_answers(slug: str, worker_id: int, *, body: RemovalIn) -> RemovedOut:
    """Take a worker's answers out; they stay paid. Places asked again are reserved first (402 changes nothing)."""
    house, worker = current_house(), _worker_here(worker_id)
    removal = Removal(
        worker_id=worker.id,
        project_id=_project_id(slug, body.batch_id),
        batch_id=body.batch_id,
        replaced=body.replaced,
        reject_undecided=body.undecided == "reject",
        reason=body.reason,
    )
    by = current_actor().account_id
    done = remove_answers(house.uow, removal=removal, plugins=house.plugins, removed_by=by)
    return RemovedOut.model_validate({**vars(done), "costs": _amounts(done.costs)})


@removals.post("/projects/<slug>/workers/<int:worker_id>/restoration")
@allow(*MANAGERS)
@removals.input(RestorationIn, arg_name="body")
@removals.output(RestoredOut)
def restore_worker_answers(slug: str, worker_id: int, *, body: RestorationIn) -> RestoredOut:
    """Put answers back where nobody else has filled the place; the money of such places returns to the budget."""
    project_id = _project_id(slug, body.batch_id)
    done = restore_answers(
        current_house().uow, worker_id=_worker_here(worker_id).id, project_id=project_id, batch_id=body.batch_id
    )
    return RestoredOut(restored=done.restored, left=done.left, returned=_amounts(done.returned))


def _project_id(slug: str, batch_id: int | None) -> int:
    project = project_here(slug)
    if batch_id is not None and batch_here(batch_id).project_id != project.id:
        raise NotFound(f"There is no batch {batch_id} in {slug}.")
    return project.id


def _worker_here(worker_id: int) -> WorkerRow:
    organisation_id = current_actor().organisation_id
    return current_house().uow.read(worker_of, organisation_id=organisation_id, worker_id=worker_id)


def _shown(found: RemovalPreview, *, name: str) -> PreviewOut:
    return PreviewOut(
        sentence=found.sentence(name),
        answers=found.answers,
        undecided=found.undecided,
        flips=found.flips,
        withdrawn=found.withdrawn,
        below_target=found.below_target,
        reissued=found.reissued,
        not_reissued=found.not_reissued,
        affordable=found.affordable,
        budgets=[
            BudgetNeedOut(
                budget_id=line.budget_id,
                name=line.name,
                currency=line.currency,
                cost=units(line.cost_micros),
                available=units(line.available_micros),
                missing=units(line.missing_micros),
            )
            for line in found.budgets
        ],
        examples=[FlipOut.model_validate(example) for example in found.examples],
    )


def _amounts(sums: Mapping[str, int]) -> list[AmountOut]:
    return [AmountOut(currency=currency, amount=units(micros)) for currency, micros in sorted(sums.items()) if micros]
