"""What the browser tests of pairs and rankings work at: an application of its own, with one batch of each sort."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.settings import Settings
from crowd_hitl.store.account_rows import AccountRow, WorkerRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, TaskRow
from tests import builders
from tests.browser.bare import a_tone
from tests.browser.serving import answering

SECRET = "the model's own score"
HOSTILE = '<img src=x onerror="alert(1)"> {{7*7}} ${7*7}'
LONG = "Bring the water to a boil, lower the eggs in with a spoon, and wait. " * 60
PAIRS: list[dict[str, Any]] = [
    {"text": "How do I boil an egg so that the yolk stays soft?", "a": "Six minutes in boiling water.", "b": LONG},
    {"text": "Say something kind.", "a": HOSTILE, "b": "שבע דקות, ואז מים קרים 🥚"},
    {"text": "What is 6 × 7?", "a": 42, "b": {"say": "四十二"}},
    {"text": "Which one is it?", "a": "This one."},
]
PAIR = {"prompt": "Which answer helps more?", "left": "a", "right": "b", "tie": True, "instructions": "Read both."}
HEADLINES = [
    "Harbour bridge opens after nine years",
    "Council votes on the price of water",
    "A quiet winter for the ski resorts: three of seven lifts stay closed until the snow comes back",
    "מזג האוויר: גשם בצפון 🌧",
    "Bakery wins a prize",
]
OPTIONS = [{"value": f"h{number}", "label": label} for number, label in enumerate(HEADLINES, 1)]
RANKING = {"prompt": "Put the headlines in order, the most newsworthy first.", "options": OPTIONS}
TOP_TWO = {**RANKING, "min_ranked": 1, "max_ranked": 2, "field": "best"}


@dataclass(frozen=True)
class Bench:
    """Where the application answers, and its batches by name."""

    address: str
    house: House
    batches: dict[str, int]


@contextmanager
def comparing(data: Path) -> Iterator[Bench]:
    """Serve an application with four batches: pairs, rankings of all and of the best two, images and recordings."""
    house = build_house(Settings(data=data, rate_limits=False))
    batches = house.uow.run(furnish, questions=house.plugins.questions)
    batches["media"] = house.uow.run(furnish_media, house=house)
    with answering(house) as address:
        yield Bench(address, house, batches)


def furnish(session: Session, *, questions: Any) -> dict[str, int]:
    """Make the projects, publish them, and admit workers."""
    for login in ("kim", "tao", "noa"):
        builders.a_worker(session, login=login)
    texts = [{"text": f"The week of {day} November."} for day in (2, 9, 16)]
    wanted = (
        ("pairs", "pairwise", PAIR, PAIRS),
        ("order", "ranking", RANKING, texts),
        ("two", "ranking", TOP_TWO, texts),
    )
    budget = builders.a_budget(session)
    batches = {}
    for slug, kind, settings, rows in wanted:
        organisation = default_organisation(session, now=builders.NOON)
        spec = questions[kind].check_spec(settings)
        new = NewProject(slug=slug, name=slug.capitalize(), kind=kind, spec=spec)
        project = create_project(session, organisation_id=organisation.id, new=new, now=builders.NOON)
        for number, row in enumerate(rows, 1):
            item = builders.an_item(session, project, key=f"{slug}-{number}", text=row["text"])
            item.data = {**{name: value for name, value in row.items() if name != "text"}, "score": SECRET}
        batches[slug] = builders.a_batch(session, project, budget, name=slug, overlap_min=3).id
    return batches


def furnish_media(session: Session, *, house: House) -> int:
    """Make a project that compares two images, then two recordings."""
    files = {
        "tall.png": drawing(240, 360, "seagreen"),
        "wide.png": drawing(480, 240, "peru"),
        "tone.wav": a_tone(seconds=2),
    }
    stored = {name: house.storage.put(f"media/{name}", io.BytesIO(content)) for name, content in files.items()}
    pictures = builders.a_project(session, slug="pictures", name="Pictures")
    tall, wide = (
        builders.an_item(session, pictures, key=name, image_key=stored[name]) for name in ("tall.png", "wide.png")
    )
    tall.audio_key = wide.audio_key = stored["tone.wav"]
    spec = house.plugins.questions["pairwise"].check_spec({"prompt": "Which one is better?"})
    new = NewProject(slug="media", name="Media", kind="pairwise", spec=spec)
    project = create_project(session, organisation_id=pictures.organisation_id, new=new, now=builders.NOON)
    for key, ending in (("images", ""), ("recordings", "/audio")):
        item = builders.an_item(session, project, key=key, text=f"Two {key}")
        item.data = {"left": f"/media/items/{tall.id}{ending}", "right": f"/media/items/{wide.id}{ending}"}
    return builders.a_batch(session, project, builders.a_budget(session, name="Media"), name="media").id


def drawing(width: int, height: int, colour: str) -> bytes:
    """Draw an ellipse."""
    image = Image.new("RGB", (width, height), "ivory")
    ImageDraw.Draw(image).ellipse((20, 20, width - 20, height - 20), fill=colour)
    content = io.BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


def answers_of(bench: Bench, login: str, batch: str) -> dict[str, Any]:
    """Read what this person answered, by the item's key, in order."""

    def read(session: Session) -> dict[str, Any]:
        rows = (
            select(ItemRow.key, AnswerRow.value)
            .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
            .join(TaskRow, TaskRow.id == AssignmentRow.task_id)
            .join(ItemRow, ItemRow.id == TaskRow.item_id)
            .join(WorkerRow, WorkerRow.id == AssignmentRow.worker_id)
            .join(AccountRow, AccountRow.id == WorkerRow.account_id)
            .where(TaskRow.batch_id == bench.batches[batch], AccountRow.login == login)
            .order_by(AnswerRow.id)
        )
        return {key: value for key, value in session.execute(rows)}

    return bench.house.uow.read(read)
