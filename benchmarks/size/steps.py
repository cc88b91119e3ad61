"""The steps: items in, a batch out, answers and labels written, both exported; each measured by itself."""

import json
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, cast

from sqlalchemy.orm import Session

from benchmarks.size.databases import Database
from benchmarks.size.filling import fill_answers
from crowd_hitl.domain.ports import ItemFormat, LabelFormat, Storage
from crowd_hitl.plugins.finding import find
from crowd_hitl.plugins.questions.choice import plugin as choice
from crowd_hitl.plugins.storages.folder import FolderStorage
from crowd_hitl.services.exporting import answer_rows, label_rows
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.publishing import BatchRequest, publish_batch, quote_batch
from crowd_hitl.services.reading_gold import GoldRule
from crowd_hitl.store.account_rows import OrganisationRow, WorkerRow
from crowd_hitl.store.unit_of_work import UnitOfWork

TEXT = "the film is a slow and rather quiet story of two people who never quite meet in time"
WORDS = tuple(TEXT.split())
CLASSES = ("positive", "negative")
PAGE_BYTES = os.sysconf("SC_PAGESIZE")


@dataclass
class Steps:
    """One benchmark's run."""

    database: Database
    folder: Path
    items: int
    file_format: str
    uow: UnitOfWork = field(init=False)
    project_id: int = 0
    budget_id: int = 0
    batch_id: int = 0

    def __post_init__(self) -> None:
        self.uow = UnitOfWork(self.database.engine)

    def run(self, *, answers: int) -> Iterator[dict[str, Any]]:
        """Yield each step's figures."""
        write_items(self.folder / f"items.{self.file_format}", self.items, form=self.file_format)
        self.uow.run(self._prepare)
        yield self._measured("import", self.items, self._import)
        yield self._measured("import the same again", self.items, self._import)
        yield self._measured("quote", self.items, self._quote)
        yield self._measured("publish", self.items, self._publish)
        yield self._measured("fill (not judged)", answers, lambda: fill_answers(self.uow, self.batch_id, count=answers))
        yield self._measured("export answers", answers, lambda: self._export("answers", answer_rows))
        yield self._measured("export labels", self.items, lambda: self._export("labels", label_rows))

    def _measured(self, name: str, rows: int, step: Callable[[], object]) -> dict[str, Any]:
        with Peak() as peak:
            wall, cpu, server = time.perf_counter(), own_cpu(), self.database.cpu_seconds()
            found = step()
            wall, cpu = time.perf_counter() - wall, own_cpu() - cpu
            server = self.database.cpu_seconds() - server
        return {
            "step": name,
            "rows": rows,
            "wall_s": round(wall, 1),
            "cpu_s": round(cpu, 1),
            "server_cpu_s": round(server, 1),
            "memory_grew_mb": round(peak.grew_mb),
            "load": round(os.getloadavg()[0], 1),
            "result": found,
        }

    def _prepare(self, session: Session, *, now: datetime) -> None:
        owner = OrganisationRow(name="Bench", created_at=now)
        session.add(owner)
        session.flush()
        spec = choice.check_spec({"prompt": "Good or bad?", "options": list(CLASSES)})
        new = NewProject(slug="films", name="Films", kind="choice", spec=spec)
        self.project_id = create_project(session, organisation_id=owner.id, new=new, now=now).id
        session.add_all(
            WorkerRow(
                organisation_id=owner.id,
                channel="inhouse",
                public_id=f"W{n}",
                name=f"Worker {n}",
                simulated=True,
                state="active",
                created_at=now,
            )
            for n in range(8)
        )
        budget = create_budget(session, organisation_id=owner.id, name="Main", currency="USD", now=now)
        self.budget_id = budget.id
        top_up(session, budget_id=budget.id, amount_micros=10**12, key=None, note=None, now=now)

    def _import(self) -> str:
        reader = cast(ItemFormat, find("formats")[self.file_format])
        storage: Storage = FolderStorage(self.folder / "storage")
        with (self.folder / f"items.{self.file_format}").open("rb") as stream:
            report = import_items(
                self.uow,
                project_id=self.project_id,
                records=reader.read(stream),
                gold=GoldRule(fields=("label",), classes=CLASSES),
                media=MediaIntake(storage=storage),
            )
        return f"{report.added} added, {report.already_there} there, {report.bad_rows} bad"

    def _request(self) -> BatchRequest:
        return BatchRequest(name="all", budget_id=self.budget_id, price_micros=10_000, gold_rate=0.01)

    def _quote(self) -> str:
        return f"{self.uow.read(quote_batch, project_id=self.project_id, request=self._request()).tasks} tasks"

    def _publish(self) -> str:
        batch = self.uow.run(publish_batch, project_id=self.project_id, request=self._request(), random=Random(1))
        self.batch_id = batch.id
        return f"{batch.quote['tasks']} tasks, {batch.quote['gold_places']} places of gold"

    def _export(self, name: str, rows: Callable[..., Iterator[dict[str, Any]]]) -> str:
        writer = cast(LabelFormat, find("label_formats")["jsonl"])
        path = self.folder / f"{name}.jsonl"
        with path.open("w", encoding="utf-8") as out, self.uow.reading() as session:
            out.writelines(writer.write(rows(session, project_id=self.project_id)))
        with path.open("rb") as written:
            return f"{sum(1 for _ in written)} rows, {path.stat().st_size / 1e6:.0f} MB"


def write_items(path: Path, count: int, *, form: str) -> None:
    """Write a file of items; every hundredth has a known answer."""
    rows = (_item(number) for number in range(count))
    if form == "jsonl":
        with path.open("w", encoding="utf-8") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
        return
    writer = cast(LabelFormat, find("label_formats")[form])
    completed = ({"key": row["key"], "text": row["text"], "gold": row.get("gold")} for row in rows)
    with path.open("wb") as out:
        out.writelines(
            piece.encode() if isinstance(piece, str) else cast(bytes, piece) for piece in writer.write(completed)
        )


def _item(number: int) -> dict[str, str]:
    turn = number % len(WORDS)
    text = f"Review {number}: {' '.join(WORDS[turn:] + WORDS[:turn])}."
    gold = {"gold": CLASSES[number % 2]} if number % 100 == 0 else {}
    return {"key": f"review-{number:07d}", "text": text, **gold}


def own_cpu() -> float:
    """Return this process's CPU seconds, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Peak:
    """Watches how much this process's memory grows during a step."""

    def __enter__(self) -> "Peak":
        self._before = self._most = resident_bytes()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    @property
    def grew_mb(self) -> float:
        """The most it grew, in megabytes."""
        return (self._most - self._before) / 1e6

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self._most = max(self._most, resident_bytes())


def resident_bytes() -> int:
    """Return how much memory this process holds now."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * PAGE_BYTES
