"""Weighing: answers to one field become a value for each item, whether they are classes or anything else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Aggregator, Consensus, Floats, Fuser, Plugins, Question, ValueTable
from crowd_hitl.domain.values import as_text, from_text
from crowd_hitl.inference.calibrating import (
    FEWEST_GOLD,
    GOLD_FREE,
    Calibration,
    Reliability,
    calibrate,
    fit_calibration,
)
from crowd_hitl.inference.joint import JointSettings, fit_joint
from crowd_hitl.inference.judging import judge, judged_by_others
from crowd_hitl.services.gathering import Evidence, places_of
from crowd_hitl.services.hearing import Hearing
from crowd_hitl.services.projects import newest_question

USUAL = "pooled"
# What is no class has no list of other values that could be right: so many share the doubt.
OTHERS = 9


@dataclass(frozen=True)
class Believed:
    """What gold from outside says of the posteriors: how they must be softened, and how far they are believed then."""

    calibration: Calibration
    reliability: Reliability


@dataclass(frozen=True)
class Agreed:
    """What the answers to each item of the evidence agree on, in the order of its items.

    `values`: text, as labels keep it. `posteriors`: over the classes; where there are none, of the value and of others:
    what labels are believed by and policies go by. `softened`: the same as policies see them that look at the batch,
    which doubt more while there is no gold. `skills`: of each worker, 0..1. `believed`: how the gold calibrated them.
    `helped` (n,): where the model was heard too; `alone`: what people say without it, there and everywhere.
    `consensus`: what the aggregator said before all that; None where no classes were weighed, or a model was heard.
    """

    values: NDArray[np.object_]
    posteriors: Floats
    softened: Floats
    skills: Floats
    believed: "Believed | None" = None
    hearing: Hearing | None = None
    helped: NDArray[np.bool_] | None = None
    alone: "Agreed | None" = None
    consensus: Consensus | None = None

    @cached_property
    def confidences(self) -> Floats:
        """Return how far each value is to be believed, 0..1; kept, as it is asked for task by task."""
        found: Floats = np.minimum(1.0, self.posteriors.max(axis=1)) if len(self.posteriors) else np.empty(0)
        return found


def weigh(evidence: Evidence, *, plugins: Plugins, seed: int) -> Agreed:
    """Let the batch's aggregator, or its fuser, weigh the evidence."""
    table = evidence.table
    if not len(table.tasks):  # a batch that was closed before anybody answered
        nothing = np.empty((0, max(2, table.n_labels)))
        return Agreed(np.empty(0, dtype=object), nothing, nothing, np.empty(0))
    if evidence.aggregator in plugins.fusers:
        return _fused(evidence, plugins.fusers[evidence.aggregator], seed=seed)
    aggregator = plugins.aggregators[evidence.aggregator]
    consensus = aggregator.aggregate(table, seed=seed)
    values = _leading(consensus.posteriors, classes=evidence.values)
    posteriors, softened, believed = _calibrated(evidence, consensus, aggregator, seed=seed)
    return _heard(evidence, Agreed(values, posteriors, softened, consensus.skills, believed, consensus=consensus))


def _heard(evidence: Evidence, alone: Agreed) -> Agreed:
    """Hear the model where it may be heard; everything else, and what is known of the workers, stays people's alone."""
    foretold, table = evidence.foretold, evidence.table
    if foretold is None or evidence.aggregator != USUAL:
        return alone
    places = places_of(foretold.item_ids, evidence.item_ids)
    there = places >= 0
    probabilities = np.full((table.n_tasks, table.n_labels), np.nan)
    probabilities[places[there]] = foretold.probabilities[there]
    # What was beyond chance once need not be so anew in every pass: with few tasks labels would come and go.
    settings = JointSettings(errors=0.0) if foretold.was_heard else JointSettings()
    found = fit_joint(table, probabilities, settings)
    hearing = Hearing(foretold.model_version_id, found.temper, found.gain)
    if found.temper == 0.0:
        return replace(alone, hearing=hearing)
    rows = np.sort(places[there])
    spoken, given = found.posteriors[rows], np.bincount(table.tasks, minlength=table.n_tasks)[rows]
    posteriors, softened = alone.posteriors.copy(), alone.softened.copy()
    meant = GOLD_FREE if alone.believed is None else alone.believed.calibration
    softened[rows] = calibrate(spoken, given, meant, softened=settings.pooled.temperature)
    posteriors[rows] = spoken if alone.believed is None else softened[rows]
    values, helped = alone.values.copy(), np.zeros(table.n_tasks, dtype=np.bool_)
    values[rows], helped[rows] = _leading(spoken, classes=evidence.values), True
    return Agreed(values, posteriors, softened, alone.skills, alone.believed, hearing, helped, alone)


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
    return None if evidence.is_class else near(evidence.aggregator, spec=evidence.spec, plugins=plugins)


def near(method: str, *, spec: Mapping[str, Any], plugins: Plugins) -> Callable[[Any, str], bool] | None:
    """Return what tells whether a value that is no class is near enough to a known one; None without a fuser."""
    fuser = plugins.fusers.get(method)
    if fuser is None:
        return None
    return lambda value, known: fuser.distance(value, from_text(known), spec=spec) <= fuser.right_within


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
    posteriors = np.column_stack([right, doubt])
    return Agreed(values, posteriors, posteriors, fused.skills)


def _by_code(evidence: Evidence) -> dict[int, Content] | None:
    if evidence.contents is None:
        return None
    return {code: evidence.contents[int(item_id)] for code, item_id in enumerate(evidence.item_ids)}


def _calibrated(
    evidence: Evidence, consensus: Consensus, aggregator: Aggregator, *, seed: int
) -> tuple[Floats, Floats, Believed | None]:
    """Soften posteriors as gold says they must be; without enough of it, only for who looks at the whole batch.

    Gold that these workers settled themselves would only say that they are right.
    """
    table, found = evidence.table, consensus.posteriors
    if consensus.softened is None:
        return found, found, None
    given = np.bincount(table.tasks, minlength=table.n_tasks)
    known = np.full(table.n_tasks, -1) if table.gold is None else np.where(evidence.is_given, table.gold, -1)
    if np.count_nonzero(known >= 0) < FEWEST_GOLD:
        return found, calibrate(found, given, GOLD_FREE, softened=consensus.softened), None
    unseen, truth = aggregator.aggregate(replace(table, gold=None), seed=seed).posteriors, known.astype(np.int32)
    fitted = fit_calibration(unseen, given, truth, softened=consensus.softened)
    meant = calibrate(found, given, fitted, softened=consensus.softened)
    judged = judged_by_others(unseen, given, truth, softened=consensus.softened, seed=seed)
    return meant, meant, Believed(fitted, judge(judged, truth, threshold=evidence.rule.confidence_target))


def _leading(posteriors: Floats, *, classes: Sequence[str]) -> NDArray[np.object_]:
    """Return the class that `domain.labels.best` finds, for all rows at once."""
    by_name = np.array(sorted(range(len(classes)), key=classes.__getitem__))
    top = posteriors.max(axis=1)
    first = (posteriors[:, by_name] >= top[:, None] - 1e-12).argmax(axis=1)
    found: NDArray[np.object_] = np.array(classes, dtype=object)[by_name[first]]
    return found
