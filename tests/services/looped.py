"""Builders for tests of the loop: a small text project, a learner that writes down what it was given, and a team."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats, Learner, Plugins, Storage
from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.plugins.storages.folder import FolderStorage
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.looping import Step, advance, start_loop
from crowd_hitl.store.loop_rows import LoopRow
from crowd_hitl.store.project_rows import ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import QUESTIONS, Site, a_site

CLASSES = ("cat", "dog")
STEPS_MAX = 300
POLICY = LoopPolicy(
    round_items=8,
    reference_items=6,
    reference_overlap_max=5,
    rounds_max=3,
    audit_items=24,
    audit_step=6,
    looks=2,
    max_error=0.2,
    gold_rate=0.1,
)
Says = Callable[[int, str], str]


def truth_of(key: str) -> str:
    """Say what an item shows: the project's items k0, k1, … are cats and dogs by turns."""
    return CLASSES[int(key[1:]) % 2]


@dataclass
class NotedLearner:
    """A learner that keeps what it was taught and knows the truth, but for the keys it gets wrong."""

    wrong: frozenset[str] = frozenset()
    name: str = "noted"
    lessons: list[list[str]] = field(default_factory=list)
    targets: list[Floats] = field(default_factory=list)

    def fit(self, items: Sequence[Content], targets: Floats, *, labels: Sequence[str], seed: int) -> "NotedModel":
        """Note the lesson; the model is as good as it always is."""
        self.lessons.append([item.key for item in items])
        self.targets.append(targets)
        return NotedModel(labels=tuple(labels), wrong=self.wrong)


@dataclass
class NotedModel:
    """Says the truth with a confidence that falls with the item's number, and the contrary for the wrong keys."""

    labels: Sequence[str]
    wrong: frozenset[str]

    def predict_proba(self, items: Sequence[Content]) -> Floats:
        """Return (n, 2)."""
        rows = np.zeros((len(items), 2))
        for row, item in enumerate(items):
            code = self.labels.index(truth_of(item.key))
            sure = 0.99 - int(item.key[1:]) / 1000
            rows[row, 1 - code if item.key in self.wrong else code] = sure
        rows[rows == 0] = 1 - rows.max(axis=1)
        return rows

    def save(self, folder: Path) -> Path:
        """Write the model as JSON."""
        path = folder / "model.json"
        path.write_text(json.dumps({"wrong": sorted(self.wrong)}))
        return path


@dataclass(frozen=True)
class Circuit:
    """A project with a running loop, and all it takes to advance it."""

    site: Site
    plugins: Plugins
    storage: Storage
    loop_id: int

    @property
    def uow(self) -> UnitOfWork:
        return self.site.uow

    def advance(self) -> Step:
        """Take one step."""
        return advance(self.uow, loop_id=self.loop_id, plugins=self.plugins, storage=self.storage)

    def run(self, says: Says | None = None, *, until: Callable[[Step], bool] | None = None) -> Step:
        """Advance, letting everybody answer whenever the loop waits, until it stops or `until` says so."""
        for _ in range(STEPS_MAX):
            step = self.advance()
            if step.stopped or (until is not None and until(step)):
                return step
            if step.waiting:
                assert self.answer(step, says), f"nobody can answer what the loop waits for: {step}"
        raise AssertionError(f"the loop has not ended after {STEPS_MAX} steps: {step}")

    def answer(self, step: Step, says: Says | None = None) -> int:
        """Let everybody answer the batch that the loop waits for; return how many answers came."""
        return self.uow.run(everybody_answers, site=self.site, batch_id=step.batch_id, says=says or right)

    def rows(self, statement: Any) -> list[Any]:
        """Read rows, or the values of one column."""

        def read(session: Session) -> list[Any]:
            found = session.execute(statement).all()
            return [row[0] if len(row) == 1 else tuple(row) for row in found]

        return self.uow.read(read)


def right(worker_id: int, key: str) -> str:
    """Answer as a worker who is always right."""
    return truth_of(key)


def a_circuit(
    uow: UnitOfWork,
    folder: Path,
    *,
    learner: Learner | None = None,
    items: int = 40,
    workers: int = 6,
    money: int = 100_000_000,
    gold: int = 0,
    policy: Mapping[str, Any] | None = None,
    seed: int = 1,
) -> Circuit:
    """Make a project of cats and dogs and start its loop; `policy` changes POLICY."""
    site = a_site(uow, items=items, workers=workers, money=money, gold=gold)
    uow.run(_write_texts)
    found = find_plugins()
    plugins = replace(found, learners={**found.learners, "text": learner or NotedLearner()})
    terms = replace(POLICY, **(policy or {}))
    loop: LoopRow = uow.run(start_loop, project_id=site.project_id, budget_id=site.budget_id, policy=terms, seed=seed)
    return Circuit(site=site, plugins=plugins, storage=FolderStorage(folder), loop_id=loop.id)


def _write_texts(session: Session) -> None:
    for item in session.scalars(select(ItemRow)):
        item.text = f"a small {truth_of(item.key)} of number {item.key}"


def everybody_answers(session: Session, *, site: Site, batch_id: int, says: Says, now: datetime) -> int:
    """Let every worker in turn answer all there is for them; all in one transaction, which is quick."""
    given = 0
    for worker_id in site.workers:
        while found := answers_some(session, worker_id=worker_id, batch_id=batch_id, says=says, now=now):
            given += found
    return given


def take_turns(session: Session, *, site: Site, batch_id: int, says: Says, now: datetime) -> int:
    """Let the workers take turns of a few answers each, so that all have given about as many."""
    given, going = 0, list(site.workers)
    while going:
        turns = {one: answers_some(session, worker_id=one, batch_id=batch_id, says=says, now=now) for one in going}
        given += sum(turns.values())
        going = [one for one, found in turns.items() if found]
    return given


def answers_some(session: Session, *, worker_id: int, batch_id: int, says: Says, now: datetime) -> int:
    """Let a worker answer up to ten tasks; return how many there were."""
    offers = claim(session, batch_id=batch_id, worker_id=worker_id, count=10, now=now)
    for offer in offers:
        submission = Submission(value={"label": says(worker_id, offer.item_key)}, client_key=f"a-{offer.assignment_id}")
        submit(
            session,
            assignment_id=offer.assignment_id,
            worker_id=worker_id,
            submission=submission,
            questions=QUESTIONS,
            now=now,
        )
    return len(offers)
