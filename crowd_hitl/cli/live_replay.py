"""Plays recorded answers through the full services: a real batch, real leases, real pay, in a store of its own."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.cli.answer_files import AnswerFile
from crowd_hitl.domain.errors import Conflict
from crowd_hitl.domain.items import ItemRecord
from crowd_hitl.domain.ports import Ints
from crowd_hitl.domain.tasks import OverlapRule, TaskState
from crowd_hitl.inference.replaying import Recording
from crowd_hitl.services.admitting import default_organisation
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.balances import batch_balance
from crowd_hitl.services.checking import check
from crowd_hitl.services.directing import lease_task
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.paying import create_budget, top_up
from crowd_hitl.services.projects import NewProject, create_project
from crowd_hitl.services.publishing import BatchRequest, close_batch, publish_batch
from crowd_hitl.services.reading_gold import GoldRule
from crowd_hitl.settings import Settings
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.work_rows import TaskRow

AT_ONCE = 200
LEASE_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Played:
    """What came of it: each task's label as a code (−1: none), the answers bought for it, and the bill."""

    labels: Ints
    bought: Ints
    spent_micros: int


@dataclass(frozen=True)
class Stage:
    """The published batch, and which rows of the store stand for which codes."""

    batch_id: int
    project_id: int
    task_ids: Sequence[int]
    worker_ids: Sequence[int]


@dataclass(frozen=True)
class Turn:
    """One recorded answer about to be given."""

    task: int
    task_id: int
    worker_id: int
    value: str
    key: str


@dataclass(frozen=True)
class Terms:
    """How it is played; `progress` is told how many answers were given."""

    rule: OverlapRule
    price_micros: int
    seed: int
    progress: Callable[[int], None]


def play(recording: Recording, names: AnswerFile, terms: Terms) -> Played:
    """Give every wanted answer that was recorded; what is wanted is decided by the services themselves."""
    with TemporaryDirectory(prefix="crowd-hitl-replay-") as folder:
        # None of the operator's own database or storage: a replay must not reach them.
        settings = Settings(data=Path(folder), database_url=None, storage=None)
        house = build_house(settings)
        try:
            stage = _set_up(house, names, terms)
            bought = _play_all(house, stage, recording, names, terms)
            return _read_out(house, stage, names, bought)
        finally:
            house.uow.engine.dispose()


def _set_up(house: House, names: AnswerFile, terms: Terms) -> Stage:
    uow, rule = house.uow, terms.rule
    organisation_id = uow.run(default_organisation).id
    spec = house.plugins.questions["choice"].check_spec({"prompt": "Replay", "options": list(names.labels)})
    new = NewProject(slug="replay", name="Replay", kind="choice", spec=spec)
    project_id = uow.run(create_project, organisation_id=organisation_id, new=new).id
    records = [ItemRecord(row=row, key=task, text=task) for row, task in enumerate(names.tasks, start=1)]
    gold = GoldRule(fields=["label"], classes=list(names.labels))
    import_items(uow, project_id=project_id, records=records, gold=gold, media=MediaIntake(storage=house.storage))
    worker_ids = uow.run(_add_workers, organisation_id=organisation_id, names=names.workers)
    budget_id = uow.run(create_budget, organisation_id=organisation_id, name="Replay", currency="USD").id
    most = len(names.tasks) * rule.overlap_max * terms.price_micros
    uow.run(top_up, budget_id=budget_id, amount_micros=most, key=None, note=None)
    request = BatchRequest(
        name="Replay",
        budget_id=budget_id,
        price_micros=terms.price_micros,
        overlap_min=rule.overlap_min,
        overlap_max=rule.overlap_max,
        confidence_target=rule.confidence_target,
        lease_seconds=LEASE_SECONDS,
        compensation_share=0.0,  # nobody is late in a recording
    )
    batch = uow.run(publish_batch, project_id=project_id, request=request, random=Random(terms.seed))
    task_ids = uow.read(_task_ids, batch_id=batch.id, keys=names.tasks)
    return Stage(batch_id=batch.id, project_id=project_id, task_ids=task_ids, worker_ids=worker_ids)


def _play_all(house: House, stage: Stage, recording: Recording, names: AnswerFile, terms: Terms) -> Ints:
    """Fill every open place that a recorded answer fits, weigh, and again while places are opened."""
    bought = np.zeros(len(names.tasks), dtype=np.int32)
    starts = np.cumsum(recording.recorded) - recording.recorded
    while True:
        wanted = house.uow.read(_open_places, stage=stage)
        turns = _turns(stage, recording, names, wanted=wanted, bought=bought, starts=starts)
        given = 0
        while chunk := list(islice(turns, AT_ONCE)):
            house.uow.run(_give, chunk=chunk, house=house)
            given += len(chunk)
            terms.progress(int(bought.sum()))
        if not given:
            break
        agree(house.uow, batch_id=stage.batch_id, plugins=house.plugins, seed=terms.seed)
    # What is still asked for was never recorded: the batch ends with the answers there are.
    house.uow.run(close_batch, batch_id=stage.batch_id)
    agree(house.uow, batch_id=stage.batch_id, plugins=house.plugins, seed=terms.seed)
    return bought


def _turns(
    stage: Stage, recording: Recording, names: AnswerFile, *, wanted: Ints, bought: Ints, starts: Ints
) -> Iterator[Turn]:
    table = recording.answers
    for task in np.flatnonzero(wanted).tolist():
        left = int(recording.recorded[task] - bought[task])
        for _ in range(min(int(wanted[task]), left)):
            row = int(starts[task] + bought[task])
            bought[task] += 1
            yield Turn(
                task=task,
                task_id=stage.task_ids[task],
                worker_id=stage.worker_ids[int(table.workers[row])],
                value=names.labels[int(table.labels[row])],
                key=f"replay-{task}",
            )


def _give(session: Session, *, chunk: Sequence[Turn], house: House, now: datetime) -> None:
    for turn in chunk:
        assignment_id = lease_task(session, task_id=turn.task_id, worker_id=turn.worker_id, now=now)
        submit(
            session,
            assignment_id=assignment_id,
            worker_id=turn.worker_id,
            submission=Submission(value={"label": turn.value}, client_key=turn.key),
            questions=house.plugins.questions,
            now=now,
        )


def _read_out(house: House, stage: Stage, names: AnswerFile, bought: Ints) -> Played:
    problems = house.uow.read(check)
    if problems:
        first = problems[0]
        raise Conflict(f"The replay's books are wrong: {first.rule}, {first.subject}: {first.found}.")
    labels = house.uow.read(_labels, project_id=stage.project_id)
    codes = {name: code for code, name in enumerate(names.labels)}
    coded = np.array([codes.get(labels.get(task, ""), -1) for task in names.tasks], dtype=np.int32)
    spent = house.uow.read(batch_balance, batch_id=stage.batch_id).spent_micros
    return Played(labels=coded, bought=bought, spent_micros=spent)


def _add_workers(session: Session, *, organisation_id: int, names: Sequence[str], now: datetime) -> list[int]:
    rows = [
        WorkerRow(
            organisation_id=organisation_id,
            channel="inhouse",
            public_id=f"W{number}",
            name=name,
            simulated=False,
            state="active",
            created_at=now,
        )
        for number, name in enumerate(names, start=1)
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def _task_ids(session: Session, *, batch_id: int, keys: Sequence[str]) -> list[int]:
    rows = session.execute(
        select(ItemRow.key, TaskRow.id).join(TaskRow, TaskRow.item_id == ItemRow.id).where(TaskRow.batch_id == batch_id)
    )
    by_key = {key: task_id for key, task_id in rows}
    return [by_key[key] for key in keys]


def _open_places(session: Session, *, stage: Stage) -> Ints:
    rows = session.execute(
        select(TaskRow.id, TaskRow.places_left).where(
            TaskRow.batch_id == stage.batch_id, TaskRow.state == TaskState.OPEN.value
        )
    )
    left = {task_id: places for task_id, places in rows}
    return np.array([left.get(task_id, 0) for task_id in stage.task_ids], dtype=np.int32)


def _labels(session: Session, *, project_id: int) -> dict[str, str]:
    rows = session.execute(
        select(ItemRow.key, LabelRow.value)
        .join(LabelRow, LabelRow.item_id == ItemRow.id)
        .where(LabelRow.project_id == project_id, LabelRow.state == "current")
    )
    return {key: value for key, value in rows}
