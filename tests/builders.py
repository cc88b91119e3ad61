"""Builders: each makes one thing with defaults that do not matter to the test; name what does."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.money import micros
from crowd_hitl.domain.ports import Question
from crowd_hitl.plugins.questions.choice import ChoiceQuestion
from crowd_hitl.services.admitting import create_account, default_organisation
from crowd_hitl.services.answering import Receipt, Submission, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.publishing import BatchRequest, publish_batch
from crowd_hitl.store.account_rows import AccountRow, WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.work_rows import BatchRow

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
CLASSES = ("positive", "negative")
PROMPT = "What does the writer think of the film?"
QUESTIONS: dict[str, Question] = {"choice": ChoiceQuestion()}


def a_spec(classes: Sequence[str] = CLASSES, **other: Any) -> dict[str, Any]:
    """Settings of a choice question."""
    options = [{"value": value, "label": value.capitalize()} for value in classes]
    return ChoiceQuestion().check_spec(
        {"prompt": "What does the writer think of the film?", "options": options, **other}
    )


def a_project(
    session: Session,
    *,
    slug: str = "film-reviews",
    name: str = "Film review polarity",
    classes: Sequence[str] = CLASSES,
    prompt: str = PROMPT,
    simulated: bool = False,
    now: datetime = NOON,
) -> ProjectRow:
    """Make a project of the default organisation that asks one choice."""
    organisation = default_organisation(session, now=now)
    new = NewProject(slug=slug, name=name, kind="choice", spec=a_spec(classes, prompt=prompt), simulated=simulated)
    return create_project(session, organisation_id=organisation.id, new=new, now=now)


def an_item(
    session: Session,
    project: ProjectRow,
    *,
    key: str = "mr-1",
    text: str | None = "A film.",
    image_key: str | None = None,
    gold: str | None = None,
    now: datetime = NOON,
) -> ItemRow:
    """Put one item in; with `gold` its answer is known."""
    item = ItemRow(project_id=project.id, key=key, text=text, image_key=image_key, data={}, created_at=now)
    session.add(item)
    session.flush()
    if gold is not None:
        session.add(
            GoldRow(
                project_id=project.id,
                item_id=item.id,
                field="label",
                value=gold,
                source="imported",
                views_max=100,
                views_reserved=0,
                created_at=now,
            )
        )
        session.flush()
    return item


def some_items(session: Session, project: ProjectRow, *, count: int) -> list[ItemRow]:
    """Put several items in: mr-1, mr-2, …"""
    return [an_item(session, project, key=f"mr-{n}", text=f"Film number {n}.") for n in range(1, count + 1)]


def an_account(
    session: Session, *, login: str = "ines", role: str = "requester", simulated: bool = False, now: datetime = NOON
) -> AccountRow:
    """Make an account of the default organisation; its password is PASSWORD."""
    return create_account(
        session,
        organisation_id=default_organisation(session, now=now).id,
        login=login,
        name=login.capitalize(),
        role=role,
        password=PASSWORD,
        now=now,
        simulated=simulated,
    )


def a_worker(session: Session, *, login: str = "mara", simulated: bool = False, now: datetime = NOON) -> WorkerRow:
    """Make a worker with an account."""
    account = an_account(session, login=login, role="worker", simulated=simulated, now=now)
    return session.scalars(select(WorkerRow).where(WorkerRow.account_id == account.id)).one()


def some_workers(session: Session, *, count: int, simulated: bool = True) -> list[WorkerRow]:
    """Make workers without accounts: quick, as no password is hashed."""
    organisation = default_organisation(session, now=NOON)
    workers = [
        WorkerRow(
            organisation_id=organisation.id,
            channel="inhouse",
            public_id=f"W-{number}",
            name=f"Worker {number}",
            simulated=simulated,
            state="active",
            created_at=NOON,
        )
        for number in range(1, count + 1)
    ]
    session.add_all(workers)
    session.flush()
    return workers


def a_budget(
    session: Session, *, name: str = "Main", amount: str = "100", currency: str = "USD", now: datetime = NOON
) -> BudgetRow:
    """Make a budget with money in it."""
    organisation = default_organisation(session, now=now)
    budget = create_budget(session, organisation_id=organisation.id, name=name, currency=currency, now=now)
    return top_up(session, budget_id=budget.id, amount_micros=micros(amount), key=None, note=None, now=now)


def a_batch(
    session: Session, project: ProjectRow, budget: BudgetRow, *, seed: int = 0, now: datetime = NOON, **terms: Any
) -> BatchRow:
    """Publish a batch; `terms` are BatchRequest's, e.g. overlap_max=5."""
    chosen = {"name": "First batch", "price_micros": micros("0.05"), "overlap_min": 2, "overlap_max": 3, **terms}
    chosen.setdefault("compensation_share", 0.0)  # so that what it costs is its places
    request = BatchRequest(budget_id=budget.id, **chosen)
    return publish_batch(session, project_id=project.id, request=request, random=Random(seed), now=now)


def an_answer(
    session: Session,
    batch: BatchRow,
    worker: WorkerRow,
    *,
    value: str = "positive",
    seconds: float = 6.0,
    now: datetime = NOON,
) -> Receipt:
    """Let a worker claim the next task of a batch and answer it."""
    (offered,) = claim(session, batch_id=batch.id, worker_id=worker.id, count=1, now=now)
    return submit(
        session,
        assignment_id=offered.assignment_id,
        worker_id=worker.id,
        submission=Submission(value={"label": value}, client_key=f"key-{offered.assignment_id}", seconds=seconds),
        questions=QUESTIONS,
        now=now,
    )


def a_label(
    session: Session,
    item: ItemRow,
    *,
    value: str = "positive",
    confidence: float = 0.97,
    source: str = "consensus",
    version: int = 1,
    state: str = "current",
    batch: BatchRow | None = None,
    now: datetime = NOON,
) -> LabelRow:
    """Write a label by hand."""
    label = LabelRow(
        project_id=item.project_id,
        item_id=item.id,
        field="label",
        version=version,
        state=state,
        value=value,
        confidence=confidence,
        source=source,
        votes=2,
        aggregator="pooled",
        batch_id=batch.id if batch else None,
        created_at=now,
    )
    session.add(label)
    session.flush()
    return label
