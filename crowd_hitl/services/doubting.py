"""Doubting gold: a known answer that many good workers contradict is suspect, and counts for nobody from then on.

Looked for in the pass over a batch, from the answers it has read anyway; a person decides in `vouching`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.values import from_text
from crowd_hitl.services.gathering import Evidence
from crowd_hitl.services.paying import look_again
from crowd_hitl.services.weighing import Agreed, nearness, weigh
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow, TaskRow

# So many good workers must have answered: fewer can share a misunderstanding by chance (five who are right in 7 of 10
# are all wrong together in 1 of 400 tasks), and a wrong value should not count against people for much longer.
GOOD_WORKERS = 5
GOOD_SKILL = 0.7
# What is known of a worker from fewer answers beside this one is mostly what is known of the crowd.
OTHER_ANSWERS = 5
# Below this the workers are as sure against the known value as a label must be to be delivered (0.95).
KNOWN_MAX = 0.05


def weigh_doubting(uow: UnitOfWork, evidence: Evidence, *, plugins: Plugins, seed: int) -> tuple[Evidence, Agreed]:
    """Weigh the evidence, without what its own answers show to be no gold; that is kept as suspect."""
    item_ids = suspects(uow, evidence, plugins=plugins, seed=seed)
    if item_ids:
        uow.run(suspect, evidence=evidence, item_ids=item_ids)
        evidence = _unpinned(evidence, ~np.isin(evidence.item_ids, item_ids))
    return evidence, weigh(evidence, plugins=plugins, seed=seed)


def suspects(uow: UnitOfWork, evidence: Evidence, *, plugins: Plugins, seed: int) -> list[int]:
    """List the gold items whose known value good workers contradict, when it is not taken for granted.

    What a person confirmed is never among them. Costs a second weighing, and only where a known value has lost a vote.
    """
    places = _outvoted(evidence, plugins=plugins)
    if not len(places):
        return []
    confirmed = uow.read(_confirmed, project_id=evidence.project_id, field=evidence.field)
    places = places[~np.isin(evidence.item_ids[places], confirmed)]
    if not len(places):
        return []
    agreed = weigh(_unpinned(evidence, np.isin(evidence.item_ids, confirmed)), plugins=plugins, seed=seed)
    counts = np.bincount(evidence.table.workers, minlength=evidence.table.n_workers)
    is_good = (agreed.skills >= GOOD_SKILL) & (counts > OTHER_ANSWERS)
    return [
        int(evidence.item_ids[at])
        for at in places
        if _good_voices(evidence, at, is_good) >= GOOD_WORKERS
        and _contradicts(evidence, agreed, at=int(at), plugins=plugins)
    ]


def suspect(session: Session, *, evidence: Evidence, item_ids: Sequence[int], now: datetime) -> int:
    """Mark gold as suspect unless a person has decided meanwhile; other batches that show it are looked at again."""
    look_at_batches_with(session, item_ids=item_ids, besides=evidence.batch_id)
    marked = session.scalars(
        update(GoldRow)
        .where(GoldRow.project_id == evidence.project_id, GoldRow.field == evidence.field)
        .where(GoldRow.item_id.in_(item_ids), IS_TRUSTED, GoldRow.confirmed_at.is_(None))
        .values(suspected_at=now)
        .returning(GoldRow.id)
    ).all()
    return len(marked)


def look_at_batches_with(session: Session, *, item_ids: Sequence[int], besides: int = 0) -> None:
    """Have the next pass look at all batches where these items are gold: what is known of their workers changes."""
    shown = select(TaskRow.batch_id).where(TaskRow.item_id.in_(item_ids), TaskRow.is_gold)
    found = select(BatchRow).where(BatchRow.id.in_(shown), BatchRow.id != besides).order_by(BatchRow.id)
    for batch in session.scalars(found.with_for_update(key_share=True)):
        look_again(batch)
    session.flush()


def _outvoted(evidence: Evidence, *, plugins: Plugins) -> NDArray[np.int64]:
    """Find the gold items with votes enough, at most half of them for the known value: cheap, as most gold is right."""
    table = evidence.table
    if table.gold is None or not len(table.tasks):
        return np.empty(0, dtype=np.int64)
    known = table.gold[table.tasks]
    on_gold = np.flatnonzero(known >= 0)
    is_right = nearness(evidence, plugins=plugins)
    if is_right is None:
        right = table.labels[on_gold] == known[on_gold]
    else:
        pairs = zip(table.labels[on_gold], known[on_gold], strict=True)
        right = np.array([is_right(from_text(evidence.values[a]), evidence.values[b]) for a, b in pairs], dtype=bool)
    votes = np.bincount(table.tasks[on_gold], minlength=table.n_tasks)
    for_it = np.bincount(table.tasks[on_gold][right], minlength=table.n_tasks)
    return np.flatnonzero((votes >= GOOD_WORKERS) & (2 * for_it <= votes))


def _good_voices(evidence: Evidence, at: np.int64, is_good: NDArray[np.bool_]) -> int:
    voices = np.unique(evidence.table.workers[evidence.table.tasks == at])
    return int(np.count_nonzero(is_good[voices]))


def _contradicts(evidence: Evidence, agreed: Agreed, *, at: int, plugins: Plugins) -> bool:
    assert evidence.table.gold is not None, "only gold is doubted"
    code = int(evidence.table.gold[at])
    fuser = plugins.fusers.get(evidence.aggregator)
    if fuser is None:
        return bool(agreed.posteriors[at, code] < KNOWN_MAX)
    known = from_text(evidence.values[code], is_class=evidence.is_class)
    found = from_text(str(agreed.values[at]), is_class=evidence.is_class)
    return fuser.distance(found, known, spec=evidence.spec) > fuser.right_within


def _confirmed(session: Session, *, project_id: int, field: str) -> list[int]:
    mine = GoldRow.project_id == project_id, GoldRow.field == field
    return list(session.scalars(select(GoldRow.item_id).where(*mine, GoldRow.confirmed_at.is_not(None))))


def _unpinned(evidence: Evidence, stays: NDArray[np.bool_]) -> Evidence:
    """Take gold for granted only where it `stays`."""
    assert evidence.table.gold is not None, "only gold is doubted"
    gold = np.where(stays, evidence.table.gold, np.int32(-1)).astype(np.int32)
    return replace(evidence, table=replace(evidence.table, gold=gold))
