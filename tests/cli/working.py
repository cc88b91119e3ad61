"""Lets all workers of a store answer what is open, straight through the services."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import select

from crowd_hitl.cli.opening import open_desk
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.store.account_rows import WorkerRow

ROUNDS_MAX = 20


def work_off(data: Path, *, batch_id: int, truth: Mapping[str, str]) -> int:
    """Answer every open place as `truth` says, by item key, weighing in between; return how many answers it took."""
    given = 0
    with open_desk(data) as desk:
        with desk.uow.reading() as session:
            worker_ids = list(session.scalars(select(WorkerRow.id).order_by(WorkerRow.id)))
        for _ in range(ROUNDS_MAX):
            before = given
            for worker_id in worker_ids:
                for offered in desk.uow.run(claim, batch_id=batch_id, worker_id=worker_id, count=10):
                    answer = Submission(
                        value={"label": truth[offered.item_key]}, client_key=str(offered.assignment_id), seconds=3.0
                    )
                    desk.uow.run(
                        submit,
                        assignment_id=offered.assignment_id,
                        worker_id=worker_id,
                        submission=answer,
                        questions=desk.plugins.questions,
                    )
                    given += 1
            if given == before:
                break
            agree(desk.uow, batch_id=batch_id, plugins=desk.plugins)
    return given
