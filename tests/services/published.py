"""Builders for service tests: a project with workers, money and a published batch, made through the services."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.plugins.questions.choice import plugin as choice
from crowd_hitl.services.answering import Receipt, Submission, submit, submit_at_once
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.checking import check
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.publishing import BatchRequest, publish_batch
from crowd_hitl.store.account_rows import OrganisationRow, WorkerRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
QUESTIONS = {"choice": choice}
PRICE = 50_000


@dataclass(frozen=True)
class Site:
    """Where the tests work: ids of what was made."""

    uow: UnitOfWork
    organisation_id: int
    project_id: int
    budget_id: int
    workers: list[int]
    items: list[int]


def a_site(uow: UnitOfWork, *, items: int = 3, workers: int = 4, money: int = 100_000_000, gold: int = 0) -> Site:
    """Make a project of cat-or-dog items, workers and a budget; the last `gold` items have known answers."""

    def build(session: Session) -> Site:
        organisation = OrganisationRow(name="Lab", created_at=NOON)
        session.add(organisation)
        session.flush()
        spec = choice.check_spec({"prompt": "Cat or dog?", "options": ["cat", "dog"]})
        new = NewProject(slug="pets", name="Pets", kind="choice", spec=spec)
        project = create_project(session, organisation_id=organisation.id, new=new, now=NOON)
        people = [_worker(organisation.id, number) for number in range(1, workers + 1)]
        rows = [
            ItemRow(project_id=project.id, key=f"k{n}", text=f"text {n}", data={}, created_at=NOON)
            for n in range(items + gold)
        ]
        session.add_all([*people, *rows])
        session.flush()
        session.add_all(_gold(project.id, row.id) for row in rows[items:])
        budget = create_budget(session, organisation_id=organisation.id, name="main", currency="USD", now=NOON)
        if money:
            top_up(session, budget_id=budget.id, amount_micros=money, key=None, note=None, now=NOON)
        return Site(
            uow=uow,
            organisation_id=organisation.id,
            project_id=project.id,
            budget_id=budget.id,
            workers=[row.id for row in people],
            items=[row.id for row in rows[:items]],
        )

    return uow.run(build)


def a_batch(site: Site, **terms: Any) -> BatchRow:
    """Publish a batch over the site's items at $0.05 an answer."""
    wanted = {"name": "first", "budget_id": site.budget_id, "price_micros": PRICE, "overlap_min": 2, "overlap_max": 2}
    wanted["compensation_share"] = 0  # so that what it costs is its places
    request = BatchRequest(**{**wanted, **terms})
    return site.uow.run(publish_batch, project_id=site.project_id, request=request, random=Random(1), now=NOON)


def answer(
    site: Site, batch: BatchRow, worker_id: int, value: str = "cat", *, key: str | None = None, at: datetime = NOON
) -> Receipt | None:
    """Let a worker claim one place and answer it; None when there was nothing to claim."""
    offers = site.uow.run(claim, batch_id=batch.id, worker_id=worker_id, count=1, now=at)
    if not offers:
        return None
    submission = Submission(value={"label": value}, client_key=key or f"{worker_id}-{offers[0].assignment_id}")
    return site.uow.run(
        submit,
        assignment_id=offers[0].assignment_id,
        worker_id=worker_id,
        submission=submission,
        questions=QUESTIONS,
        now=at,
    )


def broken(site: Site, batch: BatchRow, worker_id: int, why: str = "The text is empty") -> Receipt | None:
    """Let a worker claim one place and say that its item cannot be answered."""
    offers = site.uow.run(claim, batch_id=batch.id, worker_id=worker_id, count=1, now=NOON)
    if not offers:
        return None
    return site.uow.run_short(
        submit_at_once,
        otherwise=submit,
        assignment_id=offers[0].assignment_id,
        worker_id=worker_id,
        submission=Submission(value=None, client_key=f"{worker_id}-{offers[0].assignment_id}", broken=why),
        questions=QUESTIONS,
        now=NOON,
    )


def later(seconds: float) -> datetime:
    """Return the moment so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def problems(site: Site) -> list[str]:
    """Run the whole check and show what it found."""
    return [str(problem) for problem in site.uow.read(check)]


def standing_answers(site: Site) -> dict[int, int]:
    """Count the standing answers of every task."""

    def read(session: Session) -> dict[int, int]:
        rows = session.execute(
            select(TaskRow.id, func.count(AnswerRow.id))
            .outerjoin(AssignmentRow, AssignmentRow.task_id == TaskRow.id)
            .outerjoin(AnswerRow, AnswerRow.assignment_id == AssignmentRow.id)
            .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
            .group_by(TaskRow.id)
        )
        return dict(rows.all())

    return site.uow.read(read)


def _worker(organisation_id: int, number: int) -> WorkerRow:
    return WorkerRow(
        organisation_id=organisation_id,
        channel="inhouse",
        public_id=f"W{number}",
        name=f"Worker {number}",
        simulated=False,
        state="active",
        created_at=NOON,
    )


def _gold(project_id: int, item_id: int) -> GoldRow:
    return GoldRow(
        project_id=project_id,
        item_id=item_id,
        field="label",
        value="cat",
        source="imported",
        views_max=10,
        views_reserved=0,
        created_at=NOON,
    )
