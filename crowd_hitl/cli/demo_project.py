"""What the demo starts with: scikit-learn's digits as images, a project, a budget and simulated workers."""

import io
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.cli.opening import Desk
from crowd_hitl.domain.accounts import Role
from crowd_hitl.domain.errors import Conflict
from crowd_hitl.services.admitting import create_account, issue_token
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.reading_gold import GoldRule
from crowd_hitl.simulating.crowd import SimulatedCrowd
from crowd_hitl.store.project_rows import ProjectRow

SLUG = "digits"
CLASSES = [str(digit) for digit in range(10)]
QUESTION = {
    "prompt": "Which digit was written?",
    "options": CLASSES,
    "instructions": "Choose the digit the writer meant. The images are small scans, 8 by 8 dots.",
}
# Shown at this many pixels a side: 8 would be a speck on the page.
SIDE = 64


@dataclass(frozen=True)
class DemoProject:
    """What was made, and the hidden truth that only the simulated workers and the final comparison know."""

    project_id: int
    budget_id: int
    requester_token: str
    worker_tokens: Mapping[str, str]
    crowd: SimulatedCrowd
    truth: Mapping[str, str]


def make_demo_project(desk: Desk, *, seed: int, budget_micros: int) -> DemoProject:
    """Make project, items, budget and workers; Conflict when the data folder holds a demo already."""
    if desk.uow.read(_exists, organisation_id=desk.organisation_id):
        raise Conflict("This data folder holds a demo already. Name a new folder with --data.")
    images, truth = load_digits()
    kind = desk.plugins.questions["choice"]
    new = NewProject(
        SLUG, "Handwritten digits (simulated workers)", "choice", kind.check_spec(QUESTION), simulated=True
    )
    project = desk.uow.run(create_project, organisation_id=desk.organisation_id, new=new)
    _import_images(desk, project.id, images)
    budget = desk.uow.run(create_budget, organisation_id=desk.organisation_id, name="Demo", currency="USD")
    if budget_micros:
        desk.uow.run(top_up, budget_id=budget.id, amount_micros=budget_micros, key="demo", note="Play money")
    requester = desk.uow.run(
        create_account,
        organisation_id=desk.organisation_id,
        login="demo-script",
        name="Demo script",
        role=Role.REQUESTER,
        password=None,
    )
    crowd = SimulatedCrowd(truth, classes=CLASSES, seed=seed)
    return DemoProject(
        project_id=project.id,
        budget_id=budget.id,
        requester_token=desk.uow.run(issue_token, account_id=requester.id, name="demo"),
        worker_tokens=_make_workers(desk, crowd),
        crowd=crowd,
        truth=truth,
    )


def load_digits() -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the 1,797 images as PNG and what each shows, both by item key."""
    # scikit-learn takes seconds to import: only the demo pays for it
    digits: Any = import_module("sklearn.datasets").load_digits()
    pillow: Any = import_module("PIL.Image")
    images: dict[str, bytes] = {}
    truth: dict[str, str] = {}
    for number, (pixels, digit) in enumerate(zip(digits.images, digits.target, strict=True)):
        key = f"digit-{number:04d}"
        picture = pillow.fromarray((255 - pixels * (255 / 16)).astype("uint8"))
        stream = io.BytesIO()
        picture.resize((SIDE, SIDE), pillow.Resampling.NEAREST).save(stream, "PNG")
        images[key], truth[key] = stream.getvalue(), str(digit)
    return images, truth


def _import_images(desk: Desk, project_id: int, images: Mapping[str, bytes]) -> None:
    """Take the images in the way any requester would: a JSONL file beside a folder of pictures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, content in images.items():
            (folder / f"{key}.png").write_bytes(content)
        lines = (json.dumps({"key": key, "image": f"{key}.png"}) for key in images)
        (folder / "items.jsonl").write_text("\n".join(lines))
        with (folder / "items.jsonl").open("rb") as stream:
            import_items(
                desk.uow,
                project_id=project_id,
                records=desk.plugins.formats["jsonl"].read(stream),
                gold=GoldRule(fields=["label"], classes=CLASSES),
                media=MediaIntake(storage=desk.house.storage, folder=folder),
            )


def _make_workers(desk: Desk, crowd: SimulatedCrowd) -> dict[str, str]:
    tokens = {}
    for worker in crowd.workers:
        account = desk.uow.run(
            create_account,
            organisation_id=desk.organisation_id,
            login=worker.name,
            name=f"{worker.name} (simulated)",
            role=Role.WORKER,
            password=None,
            simulated=True,
        )
        tokens[worker.name] = desk.uow.run(issue_token, account_id=account.id, name="demo")
    return tokens


def _exists(session: Session, *, organisation_id: int) -> bool:
    found = select(ProjectRow.id).where(ProjectRow.organisation_id == organisation_id, ProjectRow.slug == SLUG)
    return session.scalar(found) is not None
