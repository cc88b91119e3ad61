"""Open answers become one value per task: combine, see how near each worker comes to that, weigh anew.

The kind of answer is a set of functions (`Weighing`): how two values are compared and how several become one. What is
common to all is here: the order of the answers never shows, skills are drawn to the crowd's, gold teaches them, and a
single answer is believed as far as its worker is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.ports import Fused, ValueTable
from crowd_hitl.inference.answers import check_values

Ints = NDArray[np.int32]
Longs = NDArray[np.int64]
Floats = NDArray[np.float64]

UNKNOWN_SKILL = 0.5
BELIEVABLE = (0.05, 0.99)


@dataclass(frozen=True)
class Weighing:
    """How one kind of answer is weighed.

    `prepare` makes of a value what the others take; `distance` (0..1) compares two of those; `combine` makes one value
    of several, given their weights and the matrix of their distances. `skill_power` and `nearness_power` say how
    strongly a vote counts by its worker's skill and by how near it is to the other answers of its task.
    """

    prepare: Callable[[Any], Any]
    distance: Callable[[Any, Any], float]
    combine: Callable[[Sequence[Any], Floats, Floats], Any]
    skill_power: float = 4.0
    nearness_power: float = 2.0
    skill_weight: float = 4.0
    rounds: int = 2
    most_distinct: int = 64


@dataclass(frozen=True)
class Asked:
    """One task's answers: their rows in the table, the distinct values, and which of these each row has."""

    task: int
    rows: Longs
    distinct: Sequence[Any]
    which: Longs
    nearness: Floats
    apart: Floats


def name_of(value: Any) -> str:
    """Return a text that equal values share, to sort and to tell them apart by."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)


def in_order(table: ValueTable) -> Longs:
    """Return the answers' rows by task, value and worker: an order that does not depend on theirs."""
    names = [name_of(value) for value in table.values]
    keys = zip(table.tasks.tolist(), names, table.workers.tolist(), strict=True)
    ranked = sorted(range(len(names)), key=list(keys).__getitem__)
    return np.array(ranked, dtype=np.int64)


def by_task(table: ValueTable) -> list[Longs]:
    """Return the rows of every task that has answers, in the order of `in_order`."""
    rows = in_order(table)
    if not len(rows):
        return []
    return np.split(rows, np.flatnonzero(np.diff(table.tasks[rows])) + 1)


def fuse_values(table: ValueTable, weighing: Weighing) -> Fused:
    """Weigh all answers; a task without answers and gold gets None at confidence 0."""
    check_values(table)
    asked = [asked_of(table, rows, weighing) for rows in by_task(table)]
    values: dict[int, Any] = {}
    skills = np.ones(table.n_workers)
    for _ in range(weighing.rounds):
        for one in asked:
            values[one.task] = weighing.combine(one.distinct, weights_of(one, table, skills, weighing), one.apart)
        near = likeness_of(table, asked, values, weighing)
        skills = skills_of(table, asked, near, weighing)
    return fusion(table, asked, values, near, skills)


def judge_values(table: ValueTable, values: Mapping[int, Any], weighing: Weighing) -> Fused:
    """Say how far values that were found otherwise are to be believed, and how near each worker comes to them."""
    check_values(table)
    asked = [asked_of(table, rows, weighing) for rows in by_task(table)]
    near = likeness_of(table, asked, values, weighing)
    return fusion(table, asked, values, near, skills_of(table, asked, near, weighing))


def likeness_of(table: ValueTable, asked: Sequence[Asked], values: Mapping[int, Any], weighing: Weighing) -> Floats:
    """Return how near every answer is to its task's value: the known one, if there is one."""
    gold = table.gold or {}
    likeness = np.ones(len(table.values))
    for one in asked:
        target = weighing.prepare(gold.get(one.task, values[one.task]))
        near = np.array([1.0 - weighing.distance(target, each) for each in one.distinct])
        likeness[one.rows] = near[one.which]
    return likeness


def fusion(
    table: ValueTable, asked: Sequence[Asked], values: Mapping[int, Any], likeness: Floats, skills: Floats
) -> Fused:
    """Put together what was found; gold stands as it is known."""
    found: list[Any] = [None] * table.n_tasks
    confidences = np.zeros(table.n_tasks)
    for one in asked:
        found[one.task] = values[one.task]
        confidences[one.task] = belief(skills[table.workers[one.rows]], likeness[one.rows])
    for task, value in (table.gold or {}).items():
        found[task], confidences[task] = value, 1.0
    return Fused(values=found, confidences=confidences, skills=skills)


def asked_of(table: ValueTable, rows: Longs, weighing: Weighing) -> Asked:
    """Lay out one task's answers, equal ones together."""
    names = [name_of(table.values[row]) for row in rows]
    firsts = [place for place, name in enumerate(names) if place == 0 or name != names[place - 1]]
    which = np.zeros(len(rows), dtype=np.int64)
    which[firsts[1:]] = 1
    which = np.cumsum(which)
    counts: Floats = np.bincount(which).astype(np.float64)
    # The most usual first: where there are very many, only those are compared with each other.
    ranks = np.argsort(-counts, kind="stable")
    which, counts = np.argsort(ranks).astype(np.int64)[which], counts[ranks]
    distinct = [weighing.prepare(table.values[rows[firsts[rank]]]) for rank in ranks]
    apart = apart_of(distinct[: weighing.most_distinct], weighing)
    kept = counts[: len(apart)]
    likeness = (1.0 - apart) @ kept
    near = np.ones(len(distinct))
    if len(rows) > 1:
        near[: len(apart)] = np.maximum(likeness - 1.0, 0.0) / max(kept.sum() - 1.0, 1.0)
    return Asked(int(table.tasks[rows[0]]), rows, distinct, which, near[which], apart)


def apart_of(distinct: Sequence[Any], weighing: Weighing) -> Floats:
    """Return how far each value is from each other."""
    apart = np.zeros((len(distinct), len(distinct)))
    for i, one in enumerate(distinct):
        for j in range(i):
            apart[i, j] = apart[j, i] = weighing.distance(one, distinct[j])
    return apart


def weights_of(one: Asked, table: ValueTable, skills: Floats, weighing: Weighing) -> Floats:
    """Return the weight of every distinct value: what its votes count, all together."""
    nearness = np.maximum(one.nearness, 0.05) ** weighing.nearness_power
    votes = np.maximum(skills[table.workers[one.rows]], 0.05) ** weighing.skill_power * nearness
    weights: Floats = np.bincount(one.which, weights=votes).astype(np.float64)
    return weights


def skills_of(table: ValueTable, asked: Sequence[Asked], likeness: Floats, weighing: Weighing) -> Floats:
    """Return each worker's mean likeness to the fused values, drawn to the crowd's mean by `skill_weight` answers.

    Where somebody answered alone there is nothing to compare with; a worker of whom nothing is known has 0.5.
    """
    gold = table.gold or {}
    rows = [one.rows for one in asked if len(one.rows) > 1 or one.task in gold]
    if not rows:
        return np.full(table.n_workers, UNKNOWN_SKILL)
    compared = np.concatenate(rows)
    workers = table.workers[compared]
    given = np.bincount(workers, minlength=table.n_workers)
    near = np.bincount(workers, weights=likeness[compared], minlength=table.n_workers)
    crowd = (near.sum() + UNKNOWN_SKILL) / (given.sum() + 1.0)
    skills = (near + weighing.skill_weight * crowd) / (given + weighing.skill_weight)
    answered = np.bincount(table.workers, minlength=table.n_workers) > 0
    return np.clip(np.where(answered, skills, UNKNOWN_SKILL), 0.0, 1.0)


def belief(skills: Floats, likeness: Floats) -> float:
    """Return how near the fused value is likely to be to the truth, 0..1.

    Each answer speaks for it as far as it is like it, by the log-odds of its worker's skill; a single one is believed
    as its worker is. Answers of one task err together (a hard recording is hard for all), so they count by the square
    root of their number: chosen on CrowdSpeech's dev-clean, where it was within .05 of the quality for 2 to 7 answers.
    """
    odds = np.clip(skills, *BELIEVABLE)
    says = np.log(odds / (1.0 - odds))
    # That somebody who is mostly wrong says something else speaks for nothing: there are many ways to be wrong.
    says = np.where(likeness < 0.5, np.maximum(says, 0.0), says)
    evidence = (2.0 * likeness - 1.0) @ says
    return float(1.0 / (1.0 + np.exp(-evidence / np.sqrt(len(skills)))))
