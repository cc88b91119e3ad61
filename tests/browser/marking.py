"""A project that asks for marks on images, for the browser tests: car parks from above, drawn here."""

import io
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from PIL import Image, ImageDraw, ImageFilter
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House
from crowd_hitl.plugins.questions.boxes import BoxesQuestion
from crowd_hitl.plugins.questions.polygons import PolygonsQuestion
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow
from tests import builders

SIZE = WIDTH, HEIGHT = 960, 600
QUESTIONS = {"boxes": BoxesQuestion(), "polygons": PolygonsQuestion()}
PAINTS = ("#e9e8e2", "#25292c", "#8d2b2b", "#2e4e73", "#1f3b31", "#d9d4c2")


@dataclass(frozen=True)
class Asked:
    """What is asked: the slug its project gets, the kind and its settings."""

    slug: str
    kind: str
    settings: dict[str, Any]


def a_car_park(seed: int) -> io.BytesIO:
    """Draw two rows of cars: the upper in the sun, the lower in the shade."""
    random, image = Random(seed), Image.new("RGB", SIZE, "#a9aaa6")
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, HEIGHT // 2, WIDTH, HEIGHT), fill="#2b2d30")
    pen.rectangle((0, 0, WIDTH, 60), fill="#6f8a5c")
    for top in (90, 400):
        for place in range(14):
            left = 38 + 64 * place
            pen.line((left, top, left, top + 116), fill="#e6e4da", width=3)
            if random.random() < 0.6:
                pen.rounded_rectangle((left + 12, top + 12, left + 52, top + 104), 10, fill=random.choice(PAINTS))
                pen.rounded_rectangle((left + 17, top + 36, left + 47, top + 52), 4, fill="#14181b")
                pen.rounded_rectangle((left + 17, top + 84, left + 47, top + 92), 3, fill="#14181b")
    stream = io.BytesIO()
    image.filter(ImageFilter.GaussianBlur(0.8)).save(stream, "PNG")
    stream.seek(0)
    return stream


def an_open_batch(house: House, asked: Asked, *, items: int = 3) -> int:
    """Make the project with its images and publish it; return the batch."""

    def made(session: Session, *, now: datetime) -> int:
        spec = QUESTIONS[asked.kind].check_spec({"prompt": "Mark every vehicle, shadow left out.", **asked.settings})
        new = NewProject(slug=asked.slug, name="Car park from above", kind=asked.kind, spec=spec, simulated=False)
        organisation = default_organisation(session, now=now)
        project = create_project(session, organisation_id=organisation.id, new=new, now=now)
        for number in range(items):
            key = house.storage.put(f"items/{project.id}/{number}.png", a_car_park(number))
            item = builders.an_item(session, project, key=f"{asked.slug}-{number}", text=None, image_key=key)
            session.get_one(ItemRow, item.id).data = {"width": WIDTH, "height": HEIGHT}
        budget = builders.a_budget(session, name=asked.slug)
        terms: dict[str, Any] = {"name": asked.slug, "aggregator": asked.kind, "overlap_min": 1, "overlap_max": 1}
        return builders.a_batch(session, project, budget, now=now, **terms).id

    return house.uow.run(made)


def answers_of(house: House, batch_id: int) -> list[Any]:
    """List what was answered, in the order in which it came."""
    wanted = select(AnswerRow.value).where(AnswerRow.batch_id == batch_id).order_by(AnswerRow.id)
    return [value["label"] for value in house.uow.read(lambda session: session.scalars(wanted).all())]


class Stage:
    """The image on the page: its pixels, wherever they are on the screen."""

    def __init__(self, page: Page) -> None:
        """Wait until the image is there."""
        self.page = page
        self.image = page.locator(".marks-image")
        expect(page.locator(".marks-over")).to_be_visible()

    @property
    def marks(self) -> Locator:
        """Find the marks on the image."""
        return self.page.locator(".marks-over .mark:not(.sketch)")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where on the screen a pixel of the image is."""
        box = self.image.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"] / WIDTH, box["y"] + y * box["height"] / HEIGHT

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag with the mouse from one pixel to another."""
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        mouse.up()

    def click(self, *pixel: float) -> None:
        """Click on a pixel."""
        self.page.mouse.click(*self.at(*pixel))
