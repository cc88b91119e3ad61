"""Choosing what a round asks: each phase has its own pool and its own way to pick from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Floats, Pick, Plugins, Storage
from crowd_hitl.domain.rounds import LoopPolicy, Phase
from crowd_hitl.services.auditing import Predicted, audit_findings, frozen_pool, predictions
from crowd_hitl.services.queueing import broken_items
from crowd_hitl.services.training import Lesson, cross_predict, read_lesson, unlabelled
from crowd_hitl.store.loop_rows import ChoiceRow, LoopRow, RoundRow
from crowd_hitl.store.unit_of_work import UnitOfWork

# A reference set takes at most this share of the items: a small project is not spent on judging.
REFERENCE_SHARE = 0.1


@dataclass(frozen=True)
class Chosen:
    """One item to ask, why, the chance it had, and for an audit what would be delivered for it now."""

    item_id: int
    reason: str
    propensity: float
    frozen_value: str | None = None


def choose(
    uow: UnitOfWork, *, loop: LoopRow, policy: LoopPolicy, random: Random, plugins: Plugins, storage: Storage
) -> list[Chosen]:
    """Pick the items of the loop's next round, less broken ones; none when this phase has nothing to ask."""
    chosen = _choose(uow, loop=loop, policy=policy, random=random, plugins=plugins, storage=storage)
    broken = uow.read(lambda session: set(session.scalars(broken_items(loop.project_id))))
    return [choice for choice in chosen if choice.item_id not in broken]


def _choose(
    uow: UnitOfWork, *, loop: LoopRow, policy: LoopPolicy, random: Random, plugins: Plugins, storage: Storage
) -> list[Chosen]:
    phase = Phase(loop.phase)
    if phase == Phase.REFERENCE:
        return uow.read(_references, loop=loop, policy=policy, random=random, plugins=plugins)
    if phase == Phase.LEARN:
        return uow.read(_teaching, loop=loop, policy=policy, random=random, plugins=plugins)
    if phase == Phase.DOUBTFUL:
        return uow.read(_doubtful, loop=loop, policy=policy)
    if phase == Phase.RECHECK:
        return _contradicted(uow, loop=loop, policy=policy, plugins=plugins, storage=storage)
    if phase == Phase.AUDIT:
        return uow.read(_sample, loop=loop, policy=policy, random=random)
    return uow.read(_unsettled, loop=loop, policy=policy)


def _references(
    session: Session, *, loop: LoopRow, policy: LoopPolicy, random: Random, plugins: Plugins
) -> list[Chosen]:
    pool = unlabelled(session, project_id=loop.project_id)
    wanted = min(policy.reference_items, int(len(pool) * REFERENCE_SHARE))
    picks = plugins.strategies["random"].choose(None, size=len(pool), count=wanted, random=random)
    return [_chosen(pool, pick) for pick in picks]


def _teaching(session: Session, *, loop: LoopRow, policy: LoopPolicy, random: Random, plugins: Plugins) -> list[Chosen]:
    """Take what the model is least sure of, and a share at random: that stream is unbiased."""
    pool = unlabelled(session, project_id=loop.project_id)
    known = predictions(session, project_id=loop.project_id)
    wanted = min(policy.round_items, len(pool))
    at_random = wanted if not known else _random_share(wanted, policy)
    taught = plugins.strategies[policy.strategy].choose(
        _two_classes(pool, known) if known else None, size=len(pool), count=wanted - at_random, random=random
    )
    taken = {pick.index for pick in taught}
    rest = [index for index in range(len(pool)) if index not in taken]
    drawn = plugins.strategies["random"].choose(None, size=len(rest), count=at_random, random=random)
    return [_chosen(pool, pick) for pick in taught] + [
        _chosen(pool, replace(pick, index=rest[pick.index])) for pick in drawn
    ]


def _random_share(wanted: int, policy: LoopPolicy) -> int:
    """Return how many of a round are drawn at random: never none, however small the round, if any are wanted."""
    return max(round(wanted * policy.random_share), min(wanted, int(policy.random_share > 0)))


def _two_classes(pool: Sequence[int], known: Mapping[int, Predicted]) -> Floats:
    """Rebuild, from what is stored of each prediction, two columns with its margin: all a margin strategy looks at."""
    best = np.array([known[item_id].confidence if item_id in known else 0.5 for item_id in pool])
    margins = np.array([known[item_id].margin if item_id in known else 0.0 for item_id in pool])
    return np.column_stack([best, best - margins])


def _doubtful(session: Session, *, loop: LoopRow, policy: LoopPolicy) -> list[Chosen]:
    pool = set(unlabelled(session, project_id=loop.project_id))
    known = predictions(session, project_id=loop.project_id)
    return [
        Chosen(item_id, "doubtful", 1.0)
        for item_id, prediction in sorted(known.items())
        if item_id in pool and prediction.confidence < policy.confidence_min
    ]


def _contradicted(
    uow: UnitOfWork, *, loop: LoopRow, policy: LoopPolicy, plugins: Plugins, storage: Storage
) -> list[Chosen]:
    """Find labels that a model which never saw them contradicts; the model only says whom to ask again."""
    try:
        lesson: Lesson = uow.read(read_lesson, project_id=loop.project_id, plugins=plugins)
    except BadInput:
        return []  # no label that a model may learn from: none that one could contradict
    learner = plugins.learners[learner_name(policy, lesson)]
    said = cross_predict(uow, lesson, learner=learner, storage=storage, seed=loop.seed)
    before = uow.read(_rechecked, loop_id=loop.id)
    return [
        Chosen(item_id, "contradicted", 1.0)
        for item_id, row in sorted(said.items())
        if lesson.classes[int(row.argmax())] != lesson.standing[item_id] and item_id not in before
    ]


def learner_name(policy: LoopPolicy, lesson: Lesson) -> str:
    """Return the learner to use: the one that was named, or the one for this kind of item."""
    return lesson.kind if policy.learner == "auto" else policy.learner


def _rechecked(session: Session, *, loop_id: int) -> set[int]:
    rows = select(ChoiceRow.item_id).join(RoundRow, RoundRow.id == ChoiceRow.round_id)
    return set(session.scalars(rows.where(RoundRow.loop_id == loop_id, RoundRow.purpose == Phase.RECHECK)))


def _sample(session: Session, *, loop: LoopRow, policy: LoopPolicy, random: Random) -> list[Chosen]:
    """Draw the audit at random, without replacement, from all that is delivered; freeze what it would say now."""
    pool = frozen_pool(session, loop=loop, policy=policy)
    count = min(policy.audit_step if loop.extending else policy.audit_items, len(pool))
    return [
        Chosen(item_id, "audit", count / len(pool), frozen_value=pool[item_id])
        for item_id in random.sample(list(pool), count)  # in drawn order: what money cuts off stays a random sample
    ]


def _unsettled(session: Session, *, loop: LoopRow, policy: LoopPolicy) -> list[Chosen]:
    """List what the audit just bought contradicts, or could not settle."""
    return [
        Chosen(finding.item_id, "unconfirmed", 1.0)
        for finding in audit_findings(session, loop_id=loop.id, policy=policy)
        if finding.wrong
    ]


def _chosen(pool: Sequence[int], pick: Pick) -> Chosen:
    return Chosen(pool[pick.index], pick.reason, pick.propensity)
