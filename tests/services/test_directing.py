"""A named task is leased to a named worker by live work's own rules, and is where it was in the queue afterwards."""

import pytest
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import NotFound, NothingToDo
from crowd_hitl.services.directing import lease_task
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, TaskRow
from tests.builders import NOON, a_batch, a_budget, a_project, some_items, some_workers


def a_published_batch(session: Session) -> tuple[list[int], list[int]]:
    project = a_project(session)
    some_items(session, project, count=3)
    workers = some_workers(session, count=3)
    batch = a_batch(session, project, a_budget(session), overlap_min=2, overlap_max=2)
    tasks = session.query(TaskRow.id).filter(TaskRow.batch_id == batch.id).order_by(TaskRow.pos)
    return [task_id for (task_id,) in tasks], [worker.id for worker in workers]


def test_the_last_task_of_the_queue_can_be_leased_first(unit_of_work: UnitOfWork) -> None:
    def given(session: Session) -> None:
        tasks, workers = a_published_batch(session)
        before = session.get_one(TaskRow, tasks[-1]).level
        assignment_id = lease_task(session, task_id=tasks[-1], worker_id=workers[0], now=NOON)
        assert session.get_one(AssignmentRow, assignment_id).task_id == tasks[-1]
        session.expire_all()
        assert session.get_one(TaskRow, tasks[-1]).level == before
        assert session.get_one(AssignmentRow, assignment_id).level == before

    unit_of_work.run(given)


def test_nobody_has_two_voices(unit_of_work: UnitOfWork) -> None:
    def given(session: Session) -> None:
        tasks, workers = a_published_batch(session)
        lease_task(session, task_id=tasks[0], worker_id=workers[0], now=NOON)
        with pytest.raises(NothingToDo):
            lease_task(session, task_id=tasks[0], worker_id=workers[0], now=NOON)

    unit_of_work.run(given)


def test_a_full_task_has_no_place(unit_of_work: UnitOfWork) -> None:
    def given(session: Session) -> None:
        tasks, workers = a_published_batch(session)
        for worker_id in workers[:2]:
            lease_task(session, task_id=tasks[0], worker_id=worker_id, now=NOON)
        with pytest.raises(NothingToDo):
            lease_task(session, task_id=tasks[0], worker_id=workers[2], now=NOON)

    unit_of_work.run(given)


def test_an_unknown_task_is_not_found(unit_of_work: UnitOfWork) -> None:
    with pytest.raises(NotFound):
        unit_of_work.run(lease_task, task_id=99, worker_id=1)
