"""Serves an application with one worker and whatever a test publishes: quicker than the whole showcase."""

import io
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import pi, sin
from pathlib import Path
from struct import pack
from typing import Any

from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.settings import Settings
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow
from tests import builders
from tests.browser.serving import answering

RATE = 8000


@dataclass(frozen=True)
class Shown:
    """One item: its text, or what is drawn or sounds."""

    text: str | None = None
    image: bytes | None = None
    audio: bytes | None = None


@dataclass(frozen=True)
class Bare:
    """Where the application answers, and what it is made of."""

    address: str
    house: House

    def publish(self, kind: str, settings: Mapping[str, Any], items: Sequence[Shown]) -> int:
        """Make a project that asks this of these items; return its batch."""
        spec = self.house.plugins.questions[kind].check_spec(settings)
        return self.house.uow.run(_publish, house=self.house, kind=kind, spec=spec, items=items)

    def answers(self, batch_id: int) -> list[Any]:
        """Return the values that were submitted for a batch, the first one first."""
        query = select(AnswerRow.value).where(AnswerRow.batch_id == batch_id).order_by(AnswerRow.id)
        return self.house.uow.read(lambda session: [value["label"] for value in session.scalars(query)])

    def start(self, page: Page, batch_id: int) -> None:
        """Sign in as the worker, and open a batch from the list of work."""
        page.goto(f"{self.address}/signin")
        page.get_by_label("Login").fill("mara")
        page.get_by_label("Password").fill(builders.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator(f'a.btn[href="/work/{batch_id}"]').click()
        expect(page.locator("[name=label] > *").first).to_be_visible()  # its form comes in a file of its own


@contextmanager
def bare(data: Path) -> Iterator[Bare]:
    """Serve an embedded store in `data` until the block ends."""
    house = build_house(Settings(data=data, rate_limits=False))
    now = datetime.now(UTC)  # noqa: TID251 - a test's edge: the page asks the real clock
    house.uow.run(builders.a_worker, login="mara", now=now)
    house.uow.run(builders.a_budget, name="Forms", amount="1000", now=now)
    with answering(house) as address:
        yield Bare(address=address, house=house)


def _publish(
    session: Session, *, house: House, kind: str, spec: Mapping[str, Any], items: Sequence[Shown], now: datetime
) -> int:
    number = len(session.scalars(select(ItemRow.id)).all())
    organisation = default_organisation(session, now=now)
    new = NewProject(slug=f"{kind}-{number}", name=f"A question of {kind}", kind=kind, spec=spec, is_class=False)
    project = create_project(session, organisation_id=organisation.id, new=new, now=now)
    for place, shown in enumerate(items):
        item = builders.an_item(session, project, key=f"{place:03}", text=shown.text, now=now)
        for name, content in (("image_key", shown.image), ("audio_key", shown.audio)):
            if content is not None:
                setattr(item, name, house.storage.put(f"items/{item.id}-{name}", io.BytesIO(content)))
    budget = session.scalars(select(BudgetRow)).one()
    terms: dict[str, Any] = {"overlap_min": 1, "overlap_max": 1, "aggregator": kind}
    return builders.a_batch(session, project, budget, name=f"Batch {number}", now=now, **terms).id


def a_tone(*, seconds: float) -> bytes:
    """Return a recording, as WAV, that rises."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        count = int(RATE * seconds)
        levels = (int(3000 * sin(2 * pi * (220 + 60 * n / RATE) * n / RATE)) for n in range(count))
        file.writeframes(b"".join(pack("<h", level) for level in levels))
    return stream.getvalue()


def a_picture(text: str, *, size: tuple[int, int] = (900, 620)) -> bytes:
    """Return an image, as PNG, on which something is written."""
    image = Image.new("RGB", size, "#f5f1e6")
    draw = ImageDraw.Draw(image)
    for place, line in enumerate(text.split("\n")):
        draw.text((40, 40 + 44 * place), line, fill="#30302c", font_size=32)
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
