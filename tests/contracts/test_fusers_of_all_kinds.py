"""What every fuser of every kind does at the edges: one answer, a tie, nothing marked, any script, very many."""

import json
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Fused, Fuser, Question, ValueTable
from crowd_hitl.plugins.finding import find

QUESTIONS, FUSERS = find("questions"), find("fusers")
NAMES = ["😀👩‍👩‍👧", "שלום \u202eabc", "é"]  # an emoji of several code points, right to left, a combining accent
MARKED = {"labels": NAMES}
SQUARE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]
# Settings, two answers that differ, and the empty answer where there is one.
CASES: dict[str, tuple[dict[str, Any], Any, Any, Any]] = {
    "choices": ({"options": NAMES, "min_chosen": 0}, NAMES[:2], NAMES[2:], []),
    "rating": ({}, 2, 4, None),
    "number": ({"min": -100, "max": 100}, -2.5, 90, None),
    "pairwise": ({}, "left", "right", None),
    "ranking": ({"options": NAMES}, NAMES, NAMES[::-1], None),
    "text": ({"min_length": 0}, "שלום 👩‍👩‍👧 café", "ثلاثة 😀", ""),
    "transcription": ({"allow_empty": True}, "日本語 です", "مرحبا\nשלום", ""),
    "spans": (MARKED, [{"start": 0, "end": 4, "label": NAMES[0]}], [{"start": 9, "end": 12, "label": NAMES[1]}], []),
    "boxes": (
        MARKED,
        [{"x": 0.0, "y": 0.0, "width": 0.2, "height": 0.2, "label": NAMES[0]}],
        [{"x": 0.5, "y": 0.5, "width": 0.5, "height": 0.5, "label": NAMES[1]}],
        [],
    ),
    "polygons": (
        MARKED,
        [{"points": SQUARE, "label": NAMES[0]}],
        [{"points": [[0.6, 0.6], [0.9, 0.6], [0.9, 0.9]], "label": NAMES[1]}],
        [],
    ),
    "masks": (
        MARKED,
        [{"size": [2, 3], "counts": [1, 2, 3], "label": NAMES[0]}],
        [{"size": [2, 3], "counts": [3, 3], "label": NAMES[1]}],
        [],
    ),
}
PAIRS = sorted((kind, name) for name, fuser in FUSERS.items() for kind in cast(Fuser, fuser).kinds)
EMPTY = [(kind, name) for kind, name in PAIRS if CASES[kind][3] is not None]


def question(kind: str) -> Question:
    return cast(Question, QUESTIONS[kind])


def spec_of(kind: str) -> dict[str, Any]:
    return question(kind).check_spec({"prompt": "?", **CASES[kind][0]})


def canonical(kind: str, value: object) -> Any:
    return question(kind).check_answer(spec_of(kind), {"label": value})["label"]


def two_answers(kind: str) -> tuple[Any, Any]:
    return canonical(kind, CASES[kind][1]), canonical(kind, CASES[kind][2])


def fused(kind: str, name: str, rows: list[tuple[int, int, Any]], *, tasks: int, workers: int) -> Fused:
    """Fuse the rows, check what every result must keep to, and that no other order of the rows gives another."""
    codes = np.array([row[:2] for row in rows], dtype=np.int32).reshape(-1, 2)
    pairs = {task: Content(key=str(task), data={"left": NAMES[0], "right": NAMES[1]}) for task in range(tasks)}
    values = [row[2] for row in rows]
    table = ValueTable(codes[:, 0], codes[:, 1], values, tasks, workers, spec_of(kind), contents=pairs)
    fuser = cast(Fuser, FUSERS[name])
    found = fuser.fuse(table, seed=3)
    assert (len(found.values), found.confidences.shape, found.skills.shape) == (tasks, (tasks,), (workers,))
    for shares in (found.confidences, found.skills):
        assert np.isfinite(shares).all()
        assert ((shares >= 0) & (shares <= 1)).all()
    for task, value in enumerate(found.values):
        assert (value is None) == (task not in codes[:, 0])
        assert value is None or canonical(kind, json.loads(json.dumps(value, allow_nan=False))) == value
    for mixed in (np.arange(len(rows))[::-1], np.random.default_rng(1).permutation(len(rows))):
        other = replace(
            table, tasks=codes[mixed, 0], workers=codes[mixed, 1], values=[values[place] for place in mixed]
        )
        again = fuser.fuse(other, seed=3)
        assert again.values == found.values
        np.testing.assert_array_equal(again.confidences, found.confidences)
        np.testing.assert_array_equal(again.skills, found.skills)
    return found


def test_every_kind_but_that_of_classes_is_tried() -> None:
    assert set(CASES) == set(QUESTIONS) - {"choice"}


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_one_answer_is_the_value_and_never_certain(kind: str, name: str) -> None:
    for said in two_answers(kind):
        found = fused(kind, name, [(0, 0, said)], tasks=1, workers=1)

        assert found.values == [said]
        assert 0 < found.confidences[0] < 0.95


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_in_a_tie_the_value_is_an_answer_that_is_believed_less_than_one_all_agree_on(kind: str, name: str) -> None:
    one, other = two_answers(kind)

    tied = fused(kind, name, [(0, 0, one), (0, 1, other)], tasks=1, workers=2)
    agreed = fused(kind, name, [(0, 0, one), (0, 1, one)], tasks=1, workers=2)

    assert tied.values[0] is not None
    assert agreed.values == [one]
    assert tied.confidences[0] < agreed.confidences[0]


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_identical_answers_are_the_value_and_believed_more_the_more_there_are(kind: str, name: str) -> None:
    one, other = two_answers(kind)
    rows = [(0, 0, other), *((1, worker, one) for worker in range(6))]

    found = fused(kind, name, rows, tasks=2, workers=6)

    assert found.values == [other, one]
    assert found.confidences[1] > found.confidences[0]


@pytest.mark.parametrize(("kind", "name"), EMPTY)
def test_nothing_is_an_answer_too(kind: str, name: str) -> None:
    nothing, (one, _) = canonical(kind, CASES[kind][3]), two_answers(kind)
    rows = [*((0, worker, nothing) for worker in range(3)), (1, 0, nothing), (1, 1, one), (1, 2, one), (2, 0, nothing)]

    found = fused(kind, name, rows, tasks=4, workers=3)

    assert found.values == [nothing, one, nothing, None]
    assert found.confidences[0] > 0.5


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_1500_answers_to_one_task_have_the_value_of_nine_in_ten(kind: str, name: str) -> None:
    one, other = two_answers(kind)
    rows = [(0, worker, other if worker % 10 == 0 else one) for worker in range(1500)]

    found = fused(kind, name, rows, tasks=1, workers=1500)

    # A mean is drawn a little to where the tenth is.
    assert found.values == [one] or (kind == "number" and abs(found.values[0] - one) < 5)


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_a_worker_who_answered_nothing_changes_nothing(kind: str, name: str) -> None:
    one, other = two_answers(kind)
    rows = [(task, worker, one if (task + worker) % 4 else other) for task in range(5) for worker in range(4)]

    seen, unseen = (fused(kind, name, rows, tasks=5, workers=workers) for workers in (4, 6))

    assert seen.values == unseen.values
    np.testing.assert_array_equal(seen.confidences, unseen.confidences)
    np.testing.assert_array_equal(seen.skills, unseen.skills[:4])
    assert unseen.skills[4] == unseen.skills[5]


@pytest.mark.parametrize("share", [3, 5])
def test_a_number_on_which_single_answers_are_divided_is_no_certain_one(share: int) -> None:
    """Nobody answers twice, so what parts them is as well noise as each worker's own bias."""
    one, other = two_answers("number")
    rows = [(0, worker, other if worker % share == 0 else one) for worker in range(300)]

    found = fused("number", "number", rows, tasks=1, workers=300)

    assert found.confidences[0] < 0.6


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, name in PAIRS if kind == name])
def test_where_two_always_disagree_the_value_is_believed_little(kind: str, name: str) -> None:
    one, other = two_answers(kind)
    rows = [(task, worker, other if worker else one) for task in range(8) for worker in range(2)]

    assert fused(kind, name, rows, tasks=8, workers=2).confidences.max() < 0.8
