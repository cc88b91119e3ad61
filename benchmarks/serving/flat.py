"""Next-task latency at several sizes, for workers with different histories; in one process, without HTTP."""

import json
import resource
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from benchmarks.size.databases import Database
from crowd_hitl.plugins.questions.choice import plugin as choice
from crowd_hitl.services.answering import Receipt, Submission, submit, submit_at_once
from crowd_hitl.services.assigning import claim, claim_at_once
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.publishing import BatchRequest, publish_batch
from crowd_hitl.store.account_rows import OrganisationRow, WorkerRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import TaskRow

WORKERS = ("fresh", "did_many", "skipped_many", "did_all")
ROUNDS = 300
DONE, SKIPPED = 50_000, 5_000
MONEY = 10**14
QUESTIONS = {"choice": choice}
ITEMS = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)
INSERT INTO item (project_id, key, text, data, created_at)
SELECT :project, 'k' || i, 'item ' || i, '{}', :now FROM n"""
SITTING = """
INSERT INTO sitting (offer_id, batch_id, worker_id, state, opened_at)
SELECT o.id, o.batch_id, :worker, 'lapsed', :now FROM offer o WHERE o.batch_id = :batch"""
# One sitting for all of it: the path looks at none that is over.
HISTORY = """
INSERT INTO assignment (sitting_id, task_id, batch_id, worker_id, voice_key, level, pos, state, leased_at,
                        lease_ends_at, ended_at)
SELECT (SELECT max(id) FROM sitting), id, batch_id, :worker, voice_key, level, pos, :state, :now, :later, :now
FROM task WHERE batch_id = :batch ORDER BY pos LIMIT :count"""
# What is let go joins the end of the queue.
MOVED = """
UPDATE task SET pos = pos + :ahead WHERE id IN (SELECT task_id FROM assignment WHERE worker_id = :worker)"""


def measure_flat(database: Database, *, tasks: int) -> dict[str, Any]:
    """Publish a batch of this size, give workers their histories, and time submit-and-claim-next for each."""
    uow = UnitOfWork(database.engine)
    batch_id, workers = uow.run(_make, tasks=tasks)
    uow.run(_history, batch_id=batch_id, worker=workers["did_many"], state="approved", count=min(DONE, tasks // 2))
    skipped = min(SKIPPED, tasks // 4)
    uow.run(_history, batch_id=batch_id, worker=workers["skipped_many"], state="released", count=skipped)
    uow.run(_history, batch_id=batch_id, worker=workers["did_all"], state="approved", count=tasks)
    _analyse(database)
    found: dict[str, Any] = {"tasks": tasks}
    for name in ("fresh", "did_many", "skipped_many"):
        found[name] = _next_tasks(uow, batch_id=batch_id, worker_id=workers[name])
    found["nothing_left"] = _percentiles(_nothing(uow, batch_id=batch_id, worker_id=workers["did_all"]))
    found["process_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return found


def print_flat(name: str, measured: list[dict[str, Any]]) -> None:
    """Print each size, and how much slower the largest is than the smallest."""
    for found in measured:
        print(json.dumps({"database": name, **found}))
    small, large = measured[0], measured[-1]
    ratios = {who: round(large[who]["p95"] / small[who]["p95"], 2) for who in ("fresh", "did_many", "skipped_many")}
    print(json.dumps({"database": name, "p95_ratio": ratios}))


def _make(session: Session, *, tasks: int, now: datetime) -> tuple[int, dict[str, int]]:
    organisation = OrganisationRow(name=f"Flat {tasks}", created_at=now)
    session.add(organisation)
    session.flush()
    spec = choice.check_spec({"prompt": "Which?", "options": ["a", "b"]})
    new = NewProject(slug=f"flat-{tasks}", name="Flat", kind="choice", spec=spec)
    project = create_project(session, organisation_id=organisation.id, new=new, now=now)
    session.execute(text(ITEMS), {"count": tasks, "project": project.id, "now": now})
    budget = create_budget(session, organisation_id=organisation.id, name="flat", currency="USD", now=now)
    top_up(session, budget_id=budget.id, amount_micros=MONEY, key=None, note=None, now=now)
    people = {
        name: WorkerRow(
            organisation_id=organisation.id,
            channel="inhouse",
            public_id=f"{name}-{tasks}",
            name=name,
            simulated=True,
            state="active",
            created_at=now,
        )
        for name in WORKERS
    }
    session.add_all(people.values())
    session.flush()
    request = BatchRequest(name="flat", budget_id=budget.id, price_micros=50_000, overlap_min=3, overlap_max=3)
    batch = publish_batch(session, project_id=project.id, request=request, random=Random(1), now=now)
    return batch.id, {name: row.id for name, row in people.items()}


def _history(session: Session, *, batch_id: int, worker: int, state: str, count: int, now: datetime) -> None:
    values = {"batch": batch_id, "worker": worker, "now": now}
    session.execute(text(SITTING), values)
    session.execute(text(HISTORY), {**values, "state": state, "count": count, "later": now + timedelta(hours=1)})
    if state == "released":
        last = session.scalar(select(func.max(TaskRow.pos)).where(TaskRow.batch_id == batch_id)) or 0
        first = session.scalar(select(func.min(TaskRow.pos)).where(TaskRow.batch_id == batch_id)) or 0
        session.execute(text(MOVED), {"worker": worker, "ahead": last - first + 1})


def _analyse(database: Database) -> None:
    if database.engine.dialect.name == "postgresql":
        # As the server's own housekeeping does within a minute.
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _next_tasks(uow: UnitOfWork, *, batch_id: int, worker_id: int) -> dict[str, float]:
    arguments = {"batch_id": batch_id, "worker_id": worker_id, "count": 1}
    offers = uow.run_short(claim_at_once, otherwise=claim, **arguments)
    taken = []
    for _ in range(ROUNDS):
        assert offers, "there is more to do"
        assignment_id = offers[0].assignment_id
        receipt, seconds = _timed(lambda id_=assignment_id: _submit(uow, assignment_id=id_, worker_id=worker_id))
        taken.append(seconds)
        offers = receipt.next
    return _percentiles(taken[ROUNDS // 10 :])


def _submit(uow: UnitOfWork, *, assignment_id: int, worker_id: int) -> Receipt:
    submission = Submission(value={"label": "a"}, client_key=f"f{assignment_id}", next_count=1)
    arguments = {"assignment_id": assignment_id, "worker_id": worker_id, "submission": submission}
    return uow.run_short(submit_at_once, otherwise=submit, questions=QUESTIONS, **arguments)


def _nothing(uow: UnitOfWork, *, batch_id: int, worker_id: int) -> list[float]:
    arguments = {"batch_id": batch_id, "worker_id": worker_id, "count": 1}
    taken = []
    for _ in range(ROUNDS // 10):
        offers, seconds = _timed(lambda: uow.run_short(claim_at_once, otherwise=claim, **arguments))
        assert not offers, "everything is done"
        taken.append(seconds)
    return taken


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def _percentiles(seconds: list[float]) -> dict[str, float]:
    """Return milliseconds."""
    ordered = sorted(seconds)
    return {
        name: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
        for name, share in (("p50", 0.5), ("p95", 0.95))
    }
