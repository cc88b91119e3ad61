"""Builders for tests of a model that is heard beside people: its word is planted, the crowd is simulated."""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.ports import Floats
from crowd_hitl.services.agreeing import agree, decide
from crowd_hitl.services.gathering import read_evidence
from crowd_hitl.services.holding_out import hold_out, write_held_out
from crowd_hitl.services.settling_tasks import Decision
from crowd_hitl.services.weighing import weigh
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ModelVersionRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow
from tests.loop_builders import a_loop, a_model, a_round
from tests.services.looped import CLASSES, take_turns, truth_of
from tests.services.published import Site, a_batch, a_site

PLUGINS = find_plugins()
ITEMS, WORKERS, SKILL = 120, 12, 0.8
Label = tuple[str, str, float, str | None, float | None]


@dataclass(frozen=True)
class Asked:
    """What a batch came to: its labels (key, value, confidence, what people alone say), and the answers bought.

    `passes`: what each pass decided; `passes_alone`: what it would have decided without a model.
    """

    site: Site
    passes: list[list[Decision]]
    passes_alone: list[list[Decision]]
    answers: int
    labels: list[Label]

    @property
    def right(self) -> int:
        """Count the labels that are right."""
        return sum(value == truth_of(key) for key, value, *_ in self.labels)

    @property
    def helped(self) -> int:
        """Count the labels that the model had a part in."""
        return sum(crowd_value is not None for *_, crowd_value, _ in self.labels)


def ask(uow: UnitOfWork, *, model: float | None, joint: bool = True, purpose: str = "learn") -> Asked:
    """Ask a batch to its end; `model` is how many of its words are right, None for a project without one."""
    site = a_site(uow, items=ITEMS, workers=WORKERS)
    if model is not None:
        uow.run(plant, site=site, share=model, joint=joint)
    passes = play(site, a_batch(site, overlap_min=1, overlap_max=6, confidence_target=0.95, purpose=purpose))
    return Asked(site, *passes, *uow.read(outcome, project_id=site.project_id))


def play(site: Site, batch: BatchRow) -> tuple[list[list[Decision]], list[list[Decision]]]:
    """Let simulated workers answer a batch until it closes; return what each pass decides, and would without a model.

    The worker and the item decide every answer.
    """
    passes: tuple[list[list[Decision]], list[list[Decision]]] = ([], [])

    def says(worker_id: int, key: str) -> str:
        draw = Random(f"{site.workers.index(worker_id)}/{key}")
        return truth_of(key) if draw.random() < SKILL else CLASSES[1 - CLASSES.index(truth_of(key))]

    closed = False
    while not closed:
        site.uow.run(take_turns, site=site, batch_id=batch.id, says=says)
        (evidence,) = site.uow.read(read_evidence, batch_id=batch.id, plugins=PLUGINS)
        for found, seen in zip(passes, (evidence, replace(evidence, foretold=None)), strict=True):
            found.append(list(decide(seen, weigh(seen, plugins=PLUGINS, seed=0), plugins=PLUGINS)))
        closed = agree(site.uow, batch_id=batch.id, plugins=PLUGINS).batch_closed
    return passes


def plant(session: Session, *, site: Site, share: float, joint: bool) -> None:
    """Write a loop and a model that says the truth of this share of the items, at 0.9; 0.5 says nothing."""
    project = session.get_one(ProjectRow, site.project_id)
    loop = a_loop(session, project, session.get_one(BudgetRow, site.budget_id))
    loop.policy = {**loop.policy, "joint": joint}
    model = a_model(session, a_round(session, loop))
    draw = Random(4)
    said: dict[int, Floats] = {}
    for number, item_id in enumerate(site.items):
        told = number % 2 if draw.random() < share else 1 - number % 2
        said[item_id] = np.where(np.arange(2) == told, 0.9, 0.1)
    write_held_out(session, model_version_id=model.id, held_out=hold_out(said))


def outcome(session: Session, *, project_id: int) -> tuple[int, list[Label]]:
    """Count the answers of a project and list its labels."""
    answers = select(func.count(AnswerRow.id)).join(ItemRow, ItemRow.id == AnswerRow.item_id)
    labels = (
        select(ItemRow.key, LabelRow.value, LabelRow.confidence, LabelRow.crowd_value, LabelRow.crowd_confidence)
        .join(LabelRow, LabelRow.item_id == ItemRow.id)
        .where(ItemRow.project_id == project_id, LabelRow.state == "current")
        .order_by(ItemRow.id)
    )
    found = [(key, value, confidence, other, sure) for key, value, confidence, other, sure in session.execute(labels)]
    return session.scalars(answers.where(ItemRow.project_id == project_id)).one(), found


def heard(uow: UnitOfWork, site: Site) -> list[tuple[Any, ...]]:
    """Return τ and gain of the project's models."""
    rows = select(ModelVersionRow.temper, ModelVersionRow.gain).where(ModelVersionRow.project_id == site.project_id)
    return uow.read(lambda session: [(temper, gain) for temper, gain in session.execute(rows)])
