"""Gold: what is known, what is suspect, and a person's word on it; and the workers of a project, with gold left."""

from collections.abc import Callable

from apiflask import APIBlueprint
from sqlalchemy.orm import Session

from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.gold import (
    CalibrationOut,
    CorrectionIn,
    GoldOut,
    GoldPageOut,
    GoldVoteOut,
    ProjectWorkerOut,
    ProjectWorkersOut,
    VouchedOut,
)
from crowd_hitl.api.scoping import gold_here, project_here
from crowd_hitl.domain.money import units
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.edge.media import image_url
from crowd_hitl.services import vouching
from crowd_hitl.services.reporting.gold import GoldLine, belief_of, count_gold, one_gold
from crowd_hitl.services.reporting.gold import list_gold as lines_of_gold
from crowd_hitl.services.reporting.pages import Page
from crowd_hitl.services.reporting.projects import project_head
from crowd_hitl.services.reporting.workers import WorkerLine
from crowd_hitl.services.reporting.workers import list_workers as lines_of_workers
from crowd_hitl.services.vouching import Vouched

BIN = ("low", "high", "items", "confidence", "right")

gold = APIBlueprint("gold", __name__, url_prefix="/api/v1", tag="Gold")


@gold.get("/projects/<slug>/gold")
@allow(*MANAGERS)
@gold.input(PageQuery, location="query", arg_name="page")
@gold.output(GoldPageOut)
def list_gold(slug: str, *, page: PageQuery) -> GoldPageOut:
    """List a project's known answers: views left, how often they were answered rightly, suspects first."""
    house = current_house()
    return house.uow.read(_page_of_gold, project_id=project_here(slug).id, page=page, plugins=house.plugins)


@gold.get("/projects/<slug>/calibration")
@allow(*MANAGERS)
@gold.output(CalibrationOut)
def show_calibration(slug: str) -> CalibrationOut:
    """Say how far the confidence of labels is to be believed; nothing until 20 known answers have been weighed."""
    head, uow = project_here(slug), current_house().uow
    field = uow.read(project_head, organisation_id=current_actor().organisation_id, slug=slug).field
    found = uow.read(belief_of, project_id=head.id, field=field)
    if found is None:
        return CalibrationOut()
    bins = [dict(zip(BIN, one, strict=True)) for one in found.bins]
    return CalibrationOut.model_validate({**vars(found), "bins": bins})


@gold.post("/gold/<int:gold_id>/confirm")
@allow(*MANAGERS)
@gold.output(VouchedOut)
def confirm_gold(gold_id: int) -> VouchedOut:
    """Say that a known answer is right after all: it counts again, and is never suspected any more."""
    return _decided(vouching.confirm_gold, gold_id)


@gold.post("/gold/<int:gold_id>/correct")
@allow(*MANAGERS)
@gold.input(CorrectionIn, arg_name="body")
@gold.output(VouchedOut)
def correct_gold(gold_id: int, *, body: CorrectionIn) -> VouchedOut:
    """Say what the right answer is: workers are measured by it from now on, for what they answered before, too."""
    return _decided(vouching.correct_gold, gold_id, value=body.value)


@gold.post("/gold/<int:gold_id>/retire")
@allow(*MANAGERS)
@gold.output(VouchedOut)
def retire_gold(gold_id: int) -> VouchedOut:
    """Say that an item is no gold any more: it counts for nobody, and may be asked as any other item."""
    return _decided(vouching.retire_gold, gold_id)


@gold.get("/projects/<slug>/workers")
@allow(*MANAGERS)
@gold.input(PageQuery, location="query", arg_name="page")
@gold.output(ProjectWorkersOut)
def list_project_workers(slug: str, *, page: PageQuery) -> ProjectWorkersOut:
    """List who answered in a project, the busiest first: agreement, gold seen and left, pace and earnings."""
    organisation_id = current_actor().organisation_id
    found = current_house().uow.read(_page_of_workers, organisation_id=organisation_id, slug=slug, page=page)
    return ProjectWorkersOut(workers=[_shown_worker(line) for line in found.rows], after=found.after)


def _page_of_gold(session: Session, *, project_id: int, page: PageQuery, plugins: Plugins) -> GoldPageOut:
    is_right = vouching.yardstick(session, project_id=project_id, plugins=plugins)
    found = lines_of_gold(session, project_id=project_id, is_right=is_right, after=page.after, limit=page.limit)
    counted = count_gold(session, project_id=project_id)
    return GoldPageOut(gold=[_shown(line) for line in found.rows], after=found.after, **vars(counted))


def _page_of_workers(session: Session, *, organisation_id: int, slug: str, page: PageQuery) -> Page[WorkerLine]:
    project = project_head(session, organisation_id=organisation_id, slug=slug)
    return lines_of_workers(session, project=project, after=page.after, limit=page.limit)


def _one(session: Session, *, gold_id: int, project_id: int, plugins: Plugins) -> GoldLine:
    is_right = vouching.yardstick(session, project_id=project_id, plugins=plugins)
    return one_gold(session, gold_id=gold_id, is_right=is_right)


def _decided(verb: Callable[..., Vouched], gold_id: int, **said: str) -> VouchedOut:
    house, row, decided_by = current_house(), gold_here(gold_id), current_actor().account_id
    done = house.uow.run(verb, gold_id=row.id, decided_by=decided_by, plugins=house.plugins, **said)
    line = house.uow.read(_one, gold_id=row.id, project_id=row.project_id, plugins=house.plugins)
    return VouchedOut(gold=_shown(line), recounted=done.recounted, places=done.places)


def _shown(line: GoldLine) -> GoldOut:
    same = (
        *("id", "item_id", "key", "text", "field", "value", "source", "state", "views_left", "views_max"),
        *("suspected_at", "confirmed_at", "retired_at"),
    )
    return GoldOut(
        **{name: getattr(line, name) for name in same},
        image_url=image_url(line.item_id) if line.image_key else None,
        answers=line.right.seen,
        right=line.right.right,
        votes=[GoldVoteOut(value=value, answers=count) for value, count in line.votes],
        look_at=list(line.turned_down),
        former=list(line.former),
    )


def _shown_worker(line: WorkerLine) -> ProjectWorkerOut:
    return ProjectWorkerOut(
        id=line.id,
        worker=line.public_id,
        name=line.name,
        simulated=line.simulated,
        state=line.state,
        answers=line.answers,
        agrees_right=line.agrees.right,
        agrees_seen=line.agrees.seen,
        gold_right=line.gold.right,
        gold_seen=line.gold.seen,
        gold_left=line.gold_left,
        median_seconds=line.median_seconds,
        earned=units(line.earned_micros),
    )
