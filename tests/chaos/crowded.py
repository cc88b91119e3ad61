"""Builders: a project with many workers and an open batch, in a database that a server will serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.plugins.questions.choice import plugin as choice
from crowd_hitl.services.admitting import create_account, default_organisation, issue_token
from crowd_hitl.services.checking import check
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.publishing import BatchRequest, publish_batch
from crowd_hitl.settings import Settings
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.engine import open_engine
from crowd_hitl.store.migrating import upgrade
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow

PRICE_MICROS = 50_000
MONEY_MICROS = 10**12
LABELS = ("positive", "negative", "neutral", "mixed")


@dataclass(frozen=True)
class Load:
    """How much there is to do."""

    tasks: int
    overlap: int = 3
    workers: int = 32
    lease_seconds: int = 900
    money_micros: int = MONEY_MICROS
    # simulated workers are never paid out
    simulated: bool = True
    page_size: int = 1


@dataclass(frozen=True)
class Crowded:
    """What was made: the open batch, and each worker's id and token."""

    project_id: int
    budget_id: int
    batch_id: int
    tokens: dict[int, str]


@contextmanager
def opened(settings: Settings) -> Iterator[House]:
    """Open the house on a database that is brought up to date first, and close it afterwards."""
    engine = open_engine(settings.url())
    upgrade(engine)
    engine.dispose()
    house = build_house(settings)
    try:
        yield house
    finally:
        house.uow.engine.dispose()


def settings_on(data: Path, *, database_url: str | None = None) -> Settings:
    """Name the data folder, and the database if it is not the embedded one."""
    return Settings(data=data, database_url=database_url)


def environment_of(settings: Settings) -> dict[str, str]:
    """Say to a server process where the database is; its clients are no attackers."""
    url = settings.database_url
    return {"CROWD_HITL_RATE_LIMITS": "false", **({"CROWD_HITL_DATABASE_URL": url} if url else {})}


def make_crowded(house: House, load: Load) -> Crowded:
    """Make the project, its workers and their tokens, and publish the batch."""
    return house.uow.run(_make, load=load)


def problems(house: House) -> list[str]:
    """Run the whole check."""
    return [str(problem) for problem in house.uow.read(check)]


def answers_in(house: House) -> dict[int, tuple[int, int, int, str]]:
    """Read every standing answer: by its id, (assignment, task, worker, label)."""

    def read(session: Session) -> dict[int, tuple[int, int, int, str]]:
        rows = session.scalars(
            select(AnswerRow)
            .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
            .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
        )
        return {row.id: (row.assignment_id, row.task_id, row.worker_id, row.value["label"]) for row in rows}

    return house.uow.read(read)


def count_answers(house: House) -> int:
    """Count all answers, standing or not."""
    return house.uow.read(lambda session: session.scalar(select(func.count(AnswerRow.id))) or 0)


def _make(session: Session, *, load: Load, now: datetime) -> Crowded:
    organisation = default_organisation(session, now=now)
    spec = choice.check_spec({"prompt": "How does it sound?", "options": list(LABELS)})
    new = NewProject(slug="load", name="Load", kind="choice", spec=spec)
    project = create_project(session, organisation_id=organisation.id, new=new, now=now)
    session.add_all(
        ItemRow(project_id=project.id, key=f"k{n}", text=f"item {n}: {'words ' * 25}", data={}, created_at=now)
        for n in range(load.tasks)
    )
    budget = create_budget(session, organisation_id=organisation.id, name="load", currency="USD", now=now)
    top_up(session, budget_id=budget.id, amount_micros=load.money_micros, key=None, note=None, now=now)
    tokens = _make_workers(session, organisation.id, load, now=now)
    request = BatchRequest(
        name="load",
        budget_id=budget.id,
        price_micros=PRICE_MICROS,
        overlap_min=load.overlap,
        overlap_max=load.overlap,
        lease_seconds=load.lease_seconds,
        page_size=load.page_size,
    )
    batch = publish_batch(session, project_id=project.id, request=request, random=Random(1), now=now)
    return Crowded(project_id=project.id, budget_id=budget.id, batch_id=batch.id, tokens=tokens)


def _make_workers(session: Session, organisation_id: int, load: Load, *, now: datetime) -> dict[int, str]:
    tokens = {}
    for number in range(1, load.workers + 1):
        account = create_account(
            session,
            organisation_id=organisation_id,
            login=f"load-{number:03d}",
            name=f"Load {number}",
            role="worker",
            password=None,
            now=now,
            simulated=load.simulated,
        )
        worker_id = session.scalars(select(WorkerRow.id).where(WorkerRow.account_id == account.id)).one()
        tokens[worker_id] = issue_token(session, account_id=account.id, name="load", now=now)
    return tokens
