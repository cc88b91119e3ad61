"""Fusers of choices, ratings, numbers, pairs and rankings keep the port's promises, and find the truth."""

import json
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Fused, Fuser, ValueTable
from crowd_hitl.plugins.finding import find
from tests.contracts.open_crowds import KINDS, a_crowd, a_spec, a_table, question

FOUND = find("fusers")


def fuser(kind: str) -> Fuser:
    return cast(Fuser, FOUND[kind])


def fuse(table: ValueTable, kind: str) -> Fused:
    return fuser(kind).fuse(table, seed=1)


def shuffled(table: ValueTable, seed: int = 3) -> ValueTable:
    mixed = np.random.default_rng(seed).permutation(len(table.values))
    values = [table.values[place] for place in mixed]
    return replace(table, tasks=table.tasks[mixed], workers=table.workers[mixed], values=values)


def assert_sound(found: Fused, table: ValueTable, kind: str) -> None:
    assert len(found.values) == table.n_tasks
    assert found.confidences.shape == (table.n_tasks,)
    assert found.skills.shape == (table.n_workers,)
    for shares in (found.confidences, found.skills):
        assert np.isfinite(shares).all()
        assert not len(shares) or (shares.min() >= 0 and shares.max() <= 1)
    for value in found.values:
        if value is not None:
            assert question(kind).check_answer(table.spec, {"label": value}) == {"label": value}
    json.dumps(found.values, allow_nan=False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_fuser_goes_by_the_kind_it_weighs(kind: str) -> None:
    assert fuser(kind).name == kind
    assert kind in fuser(kind).kinds


@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_and_the_good_workers_are_found(kind: str) -> None:
    table, truth = a_crowd(kind)

    found = fuse(table, kind)

    assert_sound(found, table, kind)
    away = [fuser(kind).distance(one, other, spec=table.spec) for one, other in zip(found.values, truth, strict=True)]
    near = np.array(away) <= KINDS[kind].found
    assert near.mean() > 0.8
    assert found.confidences[near].mean() > found.confidences[~near].mean()
    good = np.arange(9) % 3 > 0
    assert found.skills[good].min() > found.skills[~good].max()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_the_answers_changes_nothing(kind: str) -> None:
    table, _ = a_crowd(kind, tasks=40)

    one, two = fuse(table, kind), fuse(shuffled(table), kind)

    assert one.values == two.values
    np.testing.assert_array_equal(one.confidences, two.confidences)
    np.testing.assert_array_equal(one.skills, two.skills)


@pytest.mark.parametrize("kind", KINDS)
def test_the_workers_and_tasks_names_change_nothing_but_names(kind: str) -> None:
    table, _ = a_crowd(kind, tasks=40)
    chance = np.random.default_rng(4)
    workers, tasks = chance.permutation(9).astype(np.int32), chance.permutation(40).astype(np.int32)
    contents = None if table.contents is None else {int(tasks[task]): one for task, one in table.contents.items()}
    renamed = replace(table, tasks=tasks[table.tasks], workers=workers[table.workers], contents=contents)

    one, two = fuse(table, kind), fuse(renamed, kind)

    same = [one.values[task] == two.values[tasks[task]] for task in range(40)]
    # A number is a sum: in another order its last digit may differ.
    assert all(same) or kind == "number"
    np.testing.assert_allclose(one.confidences, two.confidences[tasks], atol=1e-9)
    np.testing.assert_allclose(one.skills, two.skills[workers], atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_without_answers_has_no_value(kind: str) -> None:
    table, _ = a_crowd(kind, tasks=10)
    wider = replace(table, n_tasks=12, n_workers=11)

    found = fuse(wider, kind)

    assert_sound(found, wider, kind)
    assert found.values[10:] == [None, None]
    assert found.confidences[10:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("tasks", "workers"), [(0, 0), (0, 3), (3, 0), (2, 1)])
def test_no_answers_at_all_are_no_error(kind: str, tasks: int, workers: int) -> None:
    table = a_table(kind, [], tasks=tasks, workers=workers)

    found = fuse(table, kind)

    assert_sound(found, table, kind)
    assert list(found.values) == [None] * tasks


@pytest.mark.parametrize("kind", KINDS)
def test_one_answer_is_the_value_and_never_certain(kind: str) -> None:
    said = KINDS[kind].truth(np.random.default_rng(2))
    table = a_table(kind, [(0, 0, said)], tasks=1, workers=1)

    found = fuse(table, kind)

    assert_sound(found, table, kind)
    assert fuser(kind).distance(found.values[0], said, spec=table.spec) <= 1e-9
    assert 0 < found.confidences[0] < 0.95


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_who_always_say_the_same_are_taken_at_their_word(kind: str, workers: int) -> None:
    said = KINDS[kind].truth(np.random.default_rng(2))
    rows = [(task, worker, said) for task in range(6) for worker in range(workers)]
    table = a_table(kind, rows, tasks=6, workers=workers)

    found = fuse(table, kind)

    assert_sound(found, table, kind)
    assert max(fuser(kind).distance(value, said, spec=table.spec) for value in found.values) <= 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_fifteen_hundred_answers_to_one_task_are_weighed(kind: str) -> None:
    table, _ = a_crowd(kind, tasks=1, workers=1500, each=1500)

    assert_sound(fuse(table, kind), table, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_gold_is_certain_and_teaches_skill(kind: str) -> None:
    table, truth = a_crowd(kind, each=2)
    gold = {task: truth[task] for task in range(60)}

    found = fuse(replace(table, gold=gold), kind)

    assert list(found.values[:60]) == truth[:60]
    assert found.confidences[:60].min() > 1 - 1e-9
    good = np.arange(9) % 3 > 0
    assert found.skills[good].min() > found.skills[~good].max()


@pytest.mark.parametrize("kind", KINDS)
def test_gold_without_any_answer_is_known_all_the_same(kind: str) -> None:
    known = KINDS[kind].truth(np.random.default_rng(2))
    table = replace(a_table(kind, [], tasks=2, workers=1), gold={1: known})

    found = fuse(table, kind)

    assert list(found.values) == [None, known]
    assert found.confidences.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("task", "worker"), [(9, 0), (0, 9), (-1, 0)])
def test_a_code_that_names_nothing_is_refused(kind: str, task: int, worker: int) -> None:
    said = KINDS[kind].truth(np.random.default_rng(2))

    with pytest.raises(BadInput):
        fuse(a_table(kind, [(task, worker, said)], tasks=2, workers=2), kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [None, "fish", {"x": 1}, float("nan"), ["fish"]])
def test_a_value_that_is_no_answer_is_refused_by_its_place(kind: str, value: Any) -> None:
    said = KINDS[kind].truth(np.random.default_rng(2))

    with pytest.raises(BadInput) as refused:
        fuse(a_table(kind, [(0, 0, said), (0, 1, value)], tasks=2, workers=2), kind)

    assert refused.value.problems[0].field == "values[1]"


@pytest.mark.parametrize("kind", KINDS)
def test_fusing_leaves_the_global_chance_alone(kind: str) -> None:
    table, _ = a_crowd(kind, tasks=10)
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)

    fuse(table, kind)

    assert np.random.random() == expected


@pytest.mark.parametrize("kind", KINDS)
def test_distances_are_shares_that_are_the_same_both_ways(kind: str) -> None:
    chance, spec = np.random.default_rng(6), a_spec(kind)
    values = [KINDS[kind].truth(chance) for _ in range(12)]
    for one in values:
        assert fuser(kind).distance(one, one, spec=spec) == 0
        for other in values:
            away = fuser(kind).distance(one, other, spec=spec)
            assert 0 <= away <= 1
            assert away == fuser(kind).distance(other, one, spec=spec)
            assert (away > 0) == (one != other)


@pytest.mark.parametrize("kind", KINDS)
def test_one_more_perfect_worker_helps_on_average(kind: str) -> None:
    table, truth = a_crowd(kind, each=2, tasks=60)
    perfect = np.arange(60, dtype=np.int32)
    wider = replace(
        table,
        tasks=np.concatenate([table.tasks, perfect]),
        workers=np.concatenate([table.workers, np.full(60, 9, dtype=np.int32)]),
        values=[*table.values, *truth],
        n_workers=10,
    )

    def away(found: Fused) -> float:
        pairs = zip(found.values, truth, strict=True)
        return float(np.mean([fuser(kind).distance(one, other, spec=table.spec) for one, other in pairs]))

    before, after = fuse(table, kind), fuse(wider, kind)

    assert away(after) < away(before)
    assert after.skills[9] > np.median(after.skills)
