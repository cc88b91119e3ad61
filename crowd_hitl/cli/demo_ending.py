"""After the demo: a few items more for a person to try, and the console with the finished project in it."""

from pathlib import Path
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.cli.demo_project import SLUG, DemoProject
from crowd_hitl.cli.entering import make_account
from crowd_hitl.cli.frame import say
from crowd_hitl.cli.opening import Desk, open_desk, settings_for
from crowd_hitl.cli.serve import free_port, listen
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Unusable
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.services.publishing import BatchRequest, publish_batch
from crowd_hitl.store.project_rows import GoldRow

HOST = "127.0.0.1"
TRIAL_ITEMS = 12


def serve_demo(folder: Path, made: DemoProject, *, port: int) -> None:
    """Say where to look and how to sign in, then serve until Ctrl-C."""
    with open_desk(folder) as desk:
        requester = make_account(
            desk, login="requester", name="Requester", role=Role.REQUESTER, password=None, with_token=False
        )
        worker = make_account(desk, login="worker", name="Worker", role=Role.WORKER, password=None, with_token=False)
        has_work = _publish_trial(desk, made)
    port = _port(port)
    say("")
    say(f"Look at it:   http://{HOST}:{port}/projects/{SLUG}   (Ctrl-C stops)")
    say(f"  requester   login {requester.login}   password {requester.password}")
    say(f"  worker      login {worker.login}   password {worker.password}")
    if has_work:
        say(f"  The worker finds {TRIAL_ITEMS} items to label with the keyboard.")
    listen(settings_for(folder), host=HOST, port=port)


def _publish_trial(desk: Desk, made: DemoProject) -> bool:
    """Publish a small batch for a person to try, if what is left of the budget allows it."""
    request = BatchRequest(
        name="Try it yourself",
        budget_id=made.budget_id,
        price_micros=micros(LoopPolicy.price),
        overlap_min=1,
        overlap_max=1,
        items=desk.uow.read(_some_items, project_id=made.project_id),
    )
    try:
        desk.uow.run(publish_batch, project_id=made.project_id, request=request, random=Random(0))
    except (BadInput, BudgetTooSmall):
        return False
    return True


def _some_items(session: Session, *, project_id: int) -> list[int]:
    """Take items of the reference set: their labels stand, whatever a visitor answers."""
    found = select(GoldRow.item_id).where(GoldRow.project_id == project_id).order_by(GoldRow.id).limit(TRIAL_ITEMS)
    return list(session.scalars(found))


def _port(wanted: int) -> int:
    try:
        return free_port(HOST, wanted)
    except Unusable:
        return free_port(HOST, 0)
