"""Weighing: answers to one field become a value for each item, whether they are classes or anything else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats, Fuser, Plugins, Question, ValueTable
from crowd_hitl.domain.values import as_text, from_text
from crowd_hitl.services.gathering import Evidence
from crowd_hitl.services.projects import newest_question

USUAL = "pooled"
# What is no class has no list of other values that could be right: so many share the doubt.
OTHERS = 9


@dataclass(frozen=True)
class Agreed:
    """What the answers to each item of the evidence agree on, in the order of its items.

    `values`: text, as labels keep it. `confidences`: 0..1. `posteriors`: over the classes; where there are none, of
    the value and of others: what overlap policies go by. `skills`: of each worker, 0..1.
    """

    values: NDArray[np.object_]
    confidences: Floats
    posteriors: Floats
    skills: Floats


def weigh(evidence: Evidence, *, plugins: Plugins, seed: int) -> Agreed:
    """Let the batch's aggregator, or its fuser, weigh the evidence."""
    table = evidence.table
    if not len(table.tasks):  # a batch that was closed before anybody answered
        return Agreed(np.empty(0, dtype=object), np.empty(0), np.empty((0, max(2, table.n_labels))), np.empty(0))
    if evidence.aggregator in plugins.fusers:
        return _fused(evidence, plugins.fusers[evidence.aggregator], seed=seed)
    consensus = plugins.aggregators[evidence.aggregator].aggregate(table, seed=seed)
    values, confidences = _leading(consensus.posteriors, classes=evidence.values)
    return Agreed(values, confidences, consensus.posteriors, consensus.skills)


def method_for(session: Session, *, project_id: int, name: str | None, plugins: Plugins) -> str:
    """Return how answers to the project's question are weighed: as named, or as is usual for their kind.

    BadInput for a name that no aggregator or fuser for such answers has.
    """
    kind = newest_question(session, project_id=project_id).kind
    return checked_method(name, question=plugins.questions[kind], plugins=plugins)


def checked_method(name: str | None, *, question: Question, plugins: Plugins) -> str:
    """Return the name of what weighs answers to this question, the usual one for None; BadInput if it cannot."""
    fusers = {name for name, fuser in plugins.fusers.items() if question.kind in fuser.kinds}
    known = fusers | set(plugins.aggregators if question.is_class else ())
    if name is None:
        name = question.kind if question.kind in fusers else USUAL
    if name not in known:
        listed = ", ".join(sorted(known)) or f"a plug-in that weighs answers to '{question.kind}'"
        raise bad_field("aggregator", expected=f"one of {listed}", found=name)
    return name


def nearness(evidence: Evidence, *, plugins: Plugins) -> Callable[[Any, str], bool] | None:
    """Return what tells whether an answer to gold is right; None where it is right by being the same."""
    fuser = plugins.fusers.get(evidence.aggregator)
    if fuser is None or evidence.is_class:
        return None
    return lambda value, known: fuser.distance(value, from_text(known), spec=evidence.spec) <= fuser.right_within


def _fused(evidence: Evidence, fuser: Fuser, *, seed: int) -> Agreed:
    table = evidence.table
    given = [from_text(text, is_class=evidence.is_class) for text in evidence.values]
    gold = {} if table.gold is None else {int(at): given[table.gold[at]] for at in np.flatnonzero(table.gold >= 0)}
    fused = fuser.fuse(
        ValueTable(
            tasks=table.tasks,
            workers=table.workers,
            values=[given[code] for code in table.labels],
            n_tasks=table.n_tasks,
            n_workers=table.n_workers,
            spec=evidence.spec,
            gold=gold,
            contents=_by_code(evidence),
        ),
        seed=seed,
    )
    values = np.empty(len(fused.values), dtype=object)
    values[:] = [as_text(value, is_class=evidence.is_class) for value in fused.values]
    right = np.clip(fused.confidences, 0.0, 1.0)
    doubt = np.repeat((1.0 - right)[:, None] / OTHERS, OTHERS, axis=1)
    return Agreed(values, right, np.column_stack([right, doubt]), fused.skills)


def _by_code(evidence: Evidence) -> dict[int, Content] | None:
    if evidence.contents is None:
        return None
    return {code: evidence.contents[int(item_id)] for code, item_id in enumerate(evidence.item_ids)}


def _leading(posteriors: Floats, *, classes: Sequence[str]) -> tuple[NDArray[np.object_], Floats]:
    """Return what `domain.labels.best` does, for all rows at once."""
    by_name = np.array(sorted(range(len(classes)), key=classes.__getitem__))
    top = posteriors.max(axis=1)
    first = (posteriors[:, by_name] >= top[:, None] - 1e-12).argmax(axis=1)
    return np.array(classes, dtype=object)[by_name[first]], np.minimum(1.0, top)
