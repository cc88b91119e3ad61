"""What clients were told, written down before anything else is done, and compared with what the database holds."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

STANDING = frozenset({"leased", "submitted", "approved"})


@dataclass
class Submit:
    """One answer under its key: what it may say by now, and what the client was told of it."""

    assignment_id: int
    values: set[str]
    answer_id: int | None = None
    is_refused: bool = False


@dataclass
class Record:
    """All that was asked and told; `path` has a line for each, on the disk before the client goes on."""

    path: Path
    submits: dict[tuple[int, str], Submit] = field(default_factory=dict)
    decided: dict[int, str] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    batches: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._file = self.path.open("a", encoding="utf-8")
        self._turn, self._written, self._synced = asyncio.Lock(), 0, 0

    async def note(self, kind: str, **told: Any) -> None:
        """Write a line and see it to the disk, together with those of others that wait."""
        self._file.write(json.dumps({"kind": kind, **told}) + "\n")
        self._file.flush()
        self._written += 1
        mine = self._written
        async with self._turn:
            if self._synced < mine:
                upto = self._written
                await asyncio.to_thread(os.fsync, self._file.fileno())
                self._synced = upto

    def close(self) -> None:
        """Close the file; what it says stays."""
        self._file.close()

    def violate(self, what: str) -> None:
        """Note that a rule was broken."""
        self.violations.append(what)

    async def acknowledge(self, worker_id: int, key: str, answer_id: int) -> None:
        """Note that a submit was taken; a repeat must have the same answer."""
        submit = self.submits[worker_id, key]
        if submit.answer_id not in (None, answer_id):
            self.violate(f"worker {worker_id}'s key {key} is answer {submit.answer_id} and answer {answer_id}")
        submit.answer_id = answer_id
        await self.note("taken", worker=worker_id, key=key, answer=answer_id)

    async def refuse(self, worker_id: int, key: str, why: str) -> None:
        """Note that a submit was refused for good."""
        submit = self.submits[worker_id, key]
        submit.is_refused = True
        if submit.answer_id is not None:
            self.violate(f"worker {worker_id}'s key {key} was answer {submit.answer_id}, then refused: {why}")
        await self.note("refused", worker=worker_id, key=key, why=why)

    async def decide(self, answer_id: int, decision: str) -> None:
        """Note what an answer was said to be for good: approved, rejected, or late."""
        await self.note("decided", answer=answer_id, decision=decision)
        self.decided[answer_id] = decision


def compare(session: Session, *, record: Record, at_rest: bool) -> list[str]:
    """Say where the database is not what clients were told. What is told meanwhile is left for the next time."""
    told = {key: (one.answer_id, one.is_refused, set(one.values)) for key, one in list(record.submits.items())}
    decided, keys, paid = dict(record.decided), dict(record.keys), set(record.paid)
    rows = session.execute(
        select(AnswerRow.worker_id, AnswerRow.client_key, AnswerRow.id, AnswerRow.assignment_id, AnswerRow.value)
    )
    answers = {(worker, key): (answer_id, held, value["label"]) for worker, key, answer_id, held, value in rows}
    found = [*_answers(told, answers, record, at_rest=at_rest), *_overlaps(session), *_voices(session)]
    found += _strays(answers, record) if at_rest else ()
    states = dict(
        session.execute(
            select(AnswerRow.id, AssignmentRow.state).join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        ).all()
    )
    found += [
        f"answer {answer_id} was {decision}, and is {states.get(answer_id)}"
        for answer_id, decision in decided.items()
        if states.get(answer_id) != decision
    ]
    return [*found, *_money(session, keys=keys, paid=paid), *_batches(session, record)]


def _answers(told: Any, answers: Any, record: Record, *, at_rest: bool) -> Iterator[str]:
    for key, (answer_id, is_refused, values) in told.items():
        there = answers.get(key)
        if there is None:
            if answer_id is not None:
                yield f"answer {answer_id} under {key} was acknowledged and is lost"
            continue
        if answer_id not in (None, there[0]):
            yield f"answer {answer_id} under {key} is now {there[0]}"
        if is_refused:
            yield f"the submit {key} was refused, and is answer {there[0]}"
        if at_rest and there[2] not in values:
            yield f"answer {there[0]} says {there[2]}, acknowledged was {values}"


def _strays(answers: Any, record: Record) -> Iterator[str]:
    for key, (answer_id, held, _) in answers.items():
        if key not in record.submits or record.submits[key].assignment_id != held:
            yield f"answer {answer_id} under {key} was never given"


def _overlaps(session: Session) -> Iterator[str]:
    overlaps = dict(session.execute(select(TaskRow.id, TaskRow.overlap)).all())
    held = session.execute(select(AssignmentRow.task_id).where(AssignmentRow.state.in_(STANDING)))
    for task_id, count in Counter(task_id for (task_id,) in held).items():
        if count > overlaps[task_id]:
            yield f"task {task_id} has {count} standing assignments, its overlap is {overlaps[task_id]}"


def _voices(session: Session) -> Iterator[str]:
    held = session.execute(
        select(AssignmentRow.worker_id, AssignmentRow.voice_key).where(AssignmentRow.state.in_(STANDING))
    )
    for voice, count in Counter((worker, key) for worker, key in held).items():
        if count > 1:
            yield f"worker and voice {voice}: {count} standing assignments"


def _money(session: Session, *, keys: dict[str, int], paid: set[str]) -> Iterator[str]:
    rows = session.execute(select(TransferRow.business_key, TransferRow.amount_micros))
    moved = Counter(key for key, _ in rows if key is not None)
    for key in keys:
        if moved[key] != 1:
            yield f"the payment under {key} was acknowledged, and is there {moved[key]} times"
    there = {row.reference: row.state for row in session.scalars(select(PayoutRow))}
    for reference in paid:
        if there.get(reference) != "paid":
            yield f"payout {reference} was marked paid, and is {there.get(reference)}"


def _batches(session: Session, record: Record) -> Iterator[str]:
    names = Counter(session.scalars(select(BatchRow.name)))
    for name in list(record.batches):
        if names[name] != 1:
            yield f"batch {name} was published, and is there {names[name]} times"
    for name, count in names.items():
        if count > 1:
            yield f"batch {name} was published {count} times"
