"""Made-up crowds for every kind of open answer: two workers in three are good, the others answer by chance."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Question, ValueTable
from crowd_hitl.plugins.finding import find

Chance = np.random.Generator
LETTERS = ["a", "b", "c", "d", "e"]
QUESTIONS = find("questions")


@dataclass(frozen=True)
class Kind:
    """How the answers to one kind of question come about, and how near the truth counts as found."""

    spec: dict[str, Any]
    truth: Callable[[Chance], Any]
    good: Callable[[Chance, Any], Any]
    bad: Callable[[Chance], Any]
    found: float
    contents: Callable[[int], Content] | None = None


def some(chance: Chance) -> list[str]:
    """Choose some of the letters, at least one, in order."""
    flags = chance.random(5) < 0.4
    flags[chance.integers(5)] = True
    return [letter for letter, flag in zip(LETTERS, flags, strict=True) if flag]


def nearly(chance: Chance, truth: list[str]) -> list[str]:
    """Change one letter in twenty."""
    flags = [(letter in truth) ^ bool(chance.random() < 0.05) for letter in LETTERS]
    return [letter for letter, flag in zip(LETTERS, flags, strict=True) if flag] or truth


def one_swap(chance: Chance, truth: list[str]) -> list[str]:
    """Swap two neighbours every third time."""
    order = list(truth)
    if chance.random() < 0.33:
        place = int(chance.integers(4))
        order[place], order[place + 1] = order[place + 1], order[place]
    return order


def shuffled(chance: Chance) -> list[str]:
    return [LETTERS[place] for place in chance.permutation(5)]


def pair(task: int) -> Content:
    left, right = sorted({task % 7, (task // 7 + task % 7 + 1) % 7} | {8})[:2]
    return Content(key=str(task), data={"left": f"thing {left}", "right": f"thing {right}"})


KINDS = {
    "choices": Kind({"prompt": "?", "options": LETTERS}, some, nearly, some, 0.1),
    "rating": Kind(
        {"prompt": "?", "low": 1, "high": 5},
        lambda chance: int(chance.integers(1, 6)),
        lambda chance, truth: int(np.clip(truth + chance.choice([-1, 0, 0, 0, 0, 1]), 1, 5)),
        lambda chance: int(chance.integers(1, 6)),
        0.0,
    ),
    "number": Kind(
        {"prompt": "?", "min": -100, "max": 100},
        lambda chance: float(chance.normal(0, 20)),
        lambda chance, truth: round(float(np.clip(truth + chance.normal(0, 2), -100, 100)), 3),
        lambda chance: round(float(chance.uniform(-100, 100)), 3),
        0.03,
    ),
    "pairwise": Kind(
        {"prompt": "?", "tie": True},
        lambda chance: str(chance.choice(["left", "right", "tie"])),
        lambda chance, truth: truth if chance.random() < 0.9 else str(chance.choice(["left", "right", "tie"])),
        lambda chance: str(chance.choice(["left", "right", "tie"])),
        0.0,
        pair,
    ),
    "ranking": Kind({"prompt": "?", "options": LETTERS}, shuffled, one_swap, shuffled, 0.0),
}


def question(kind: str) -> Question:
    return cast(Question, QUESTIONS[kind])


def a_spec(kind: str) -> dict[str, Any]:
    return question(kind).check_spec(KINDS[kind].spec)


def a_table(kind: str, rows: list[tuple[int, int, Any]], *, tasks: int, workers: int) -> ValueTable:
    codes = np.array([row[:2] for row in rows], dtype=np.int32).reshape(-1, 2)
    contents = KINDS[kind].contents
    return ValueTable(
        tasks=codes[:, 0],
        workers=codes[:, 1],
        values=[row[2] for row in rows],
        n_tasks=tasks,
        n_workers=workers,
        spec=a_spec(kind),
        contents=None if contents is None else {task: contents(task) for task in range(tasks)},
    )


def a_crowd(
    kind: str, *, tasks: int = 90, workers: int = 9, each: int = 5, seed: int = 7
) -> tuple[ValueTable, list[Any]]:
    """Give each task so many answers; every third worker, from the first on, answers by chance."""
    chance, how = np.random.default_rng(seed), KINDS[kind]
    truth = [how.truth(chance) for _ in range(tasks)]
    rows = [
        (task, int(worker), how.good(chance, truth[task]) if worker % 3 else how.bad(chance))
        for task in range(tasks)
        for worker in chance.permutation(workers)[:each]
    ]
    return a_table(kind, rows, tasks=tasks, workers=workers), truth
