"""Builders for tests of removals: a finished batch with a liar in it, and what is asked of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.removals import Removal, RemovalPreview
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.previewing import preview_removal
from crowd_hitl.services.replacing import Removed, remove_answers
from crowd_hitl.services.restoring import Restored, restore_answers
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow, TaskRow
from tests.services.published import Site, a_batch, a_site, answer

PLUGINS = find_plugins()
REASON = "Clicked through without looking."


def asked(site: Site, worker_id: int, **other: Any) -> Removal:
    return Removal(worker_id=worker_id, project_id=site.project_id, reason=REASON, **other)


def preview(site: Site, removal: Removal) -> RemovalPreview:
    return preview_removal(site.uow, removal=removal, plugins=PLUGINS)


def remove(site: Site, removal: Removal) -> Removed:
    return remove_answers(site.uow, removal=removal, plugins=PLUGINS, removed_by=None)


def restore(site: Site, worker_id: int) -> Restored:
    return restore_answers(site.uow, worker_id=worker_id, project_id=site.project_id)


def settle_labels(site: Site) -> None:
    while batch_ids := site.uow.read(due_batches):
        for batch_id in batch_ids:
            agree(site.uow, batch_id=batch_id, plugins=PLUGINS)


def answered(site: Site, batch: BatchRow, values: Mapping[int, Sequence[str]]) -> None:
    """Let every worker answer the tasks in their order with these values."""
    for worker_id, said in values.items():
        for value in said:
            answer(site, batch, worker_id, value)


def labels(site: Site) -> dict[int, str]:
    def read(session: Session) -> dict[int, str]:
        rows = session.execute(select(LabelRow.item_id, LabelRow.value).where(LabelRow.state == "current"))
        return dict(rows.all())

    return site.uow.read(read)


def tasks(site: Site) -> list[tuple[str, int, int, int]]:
    """Show every task: state, overlap, places left, answers."""

    def read(session: Session) -> list[tuple[str, int, int, int]]:
        rows = session.scalars(select(TaskRow).order_by(TaskRow.id))
        return [(row.state, row.overlap, row.places_left, row.answers_count) for row in rows]

    return site.uow.read(read)


def states(site: Site, worker_id: int) -> set[str]:
    def read(session: Session) -> set[str]:
        return set(session.scalars(select(AssignmentRow.state).where(AssignmentRow.worker_id == worker_id)))

    return site.uow.read(read)


def a_liar(unit_of_work: UnitOfWork, **terms: Any) -> tuple[Site, BatchRow, int]:
    """Make a finished batch of four items on which the first two workers are at odds and the third decides wrongly."""
    site = a_site(unit_of_work, items=4, workers=5)
    batch = a_batch(site, **{"overlap_min": 3, "overlap_max": 3, "aggregator": "majority_vote", **terms})
    honest, doubtful, liar = site.workers[:3]
    values = {honest: ["cat"] * 4, doubtful: ["cat", "cat", "dog", "dog"], liar: ["dog"] * 4}
    answered(site, batch, values)
    settle_labels(site)
    return site, batch, liar
