"""Every fuser of open answers keeps the port's promises, whatever valid answers it gets."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Fused, ValueTable
from tests.contracts.shape_crowds import (
    FUSERS,
    PAIRS,
    SPECS,
    VALUES,
    a_truth,
    canonical,
    fuser,
    spec_of,
    table_of,
)

TEXTS = ("text", "transcription")


def fused(name: str, table: ValueTable) -> Fused:
    found = fuser(name).fuse(table, seed=1)
    assert len(found.values) == table.n_tasks
    assert found.confidences.shape == (table.n_tasks,)
    assert found.skills.shape == (table.n_workers,)
    for shares in (found.confidences, found.skills):
        assert np.isfinite(shares).all()
        assert ((shares >= 0) & (shares <= 1)).all()
    return found


def test_every_kind_has_a_fuser_of_its_own_name() -> None:
    assert set(SPECS) <= set(FUSERS)
    assert {kind for kind, name in PAIRS if kind == name} == set(SPECS)


@pytest.mark.parametrize(("kind", "name"), PAIRS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_valid_answers_come_the_values_are_valid_answers(kind: str, name: str, data: st.DataObject) -> None:
    limits: dict[str, Any] = data.draw(st.sampled_from([{}, {"min_count": 1}, {"max_count": 1}, {"overlap": True}]))
    spec = spec_of(kind, **{key: value for key, value in limits.items() if key in spec_of(kind)})
    rows = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), VALUES[kind]), max_size=9))
    kept = []
    for task, worker, value in rows:
        try:
            kept.append((task, worker, canonical(kind, value, spec)))
        except BadInput:
            continue
    table = table_of(kept, tasks=3, workers=4, spec=spec)

    found = fused(name, table)

    for task, value in enumerate(found.values):
        assert (value is None) == (task not in table.tasks)
        if value is None:
            assert found.confidences[task] == 0
        else:
            assert canonical(kind, value, spec) == value
    mixed = data.draw(st.permutations(range(len(kept))))
    again = fused(name, table_of([kept[place] for place in mixed], tasks=3, workers=4, spec=spec))
    assert again.values == found.values
    np.testing.assert_array_equal(again.confidences, found.confidences)
    np.testing.assert_array_equal(again.skills, found.skills)


@pytest.mark.parametrize(("kind", "name"), PAIRS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_distance_is_one(kind: str, name: str, data: st.DataObject) -> None:
    one, other = (canonical(kind, data.draw(VALUES[kind])) for _ in range(2))
    spec = spec_of(kind)

    there, back = (fuser(name).distance(*pair, spec=spec) for pair in ((one, other), (other, one)))

    assert 0 <= there <= 1
    assert there == pytest.approx(back, abs=1e-9)
    assert fuser(name).distance(one, one, spec=spec) == pytest.approx(0, abs=1e-9)


def a_crowd(kind: str, *, tasks: int = 24, noise: float = 0.12) -> tuple[list[tuple[int, int, Any]], list[Any]]:
    """Five workers; the last does sloppy work."""
    chance = np.random.default_rng(5)
    spec = spec_for_crowds(kind)
    rows, truths = [], []
    for task in range(tasks):
        give = a_truth(kind, task)
        truths.append(canonical(kind, give(chance, 0.0), spec))
        for worker in range(5):
            rows.append((task, worker, canonical(kind, give(chance, noise if worker < 4 else 0.45), spec)))
    return rows, truths


def spec_for_crowds(kind: str) -> dict[str, Any]:
    return spec_of(kind, **({"max_length": 400} if kind in TEXTS else {}))


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_what_is_fused_is_nearer_to_the_truth_than_answers_are_and_sloppy_work_shows(kind: str, name: str) -> None:
    rows, truths = a_crowd(kind)
    spec = spec_for_crowds(kind)

    found = fused(name, table_of(rows, tasks=len(truths), workers=5, spec=spec))

    apart = np.mean([fuser(name).distance(found.values[task], truth, spec=spec) for task, truth in enumerate(truths)])
    alone = np.mean(
        [fuser(name).distance(value, truths[task], spec=spec) for task, worker, value in rows if worker < 4]
    )
    assert apart < 0.8 * alone
    assert found.skills[4] < found.skills[:4].min()


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_gold_is_certain_and_teaches_skill(kind: str, name: str) -> None:
    rows, truths = a_crowd(kind, noise=0.3)
    liars = [(task, worker, truths[task] if worker == 4 else value) for task, worker, value in rows]
    table = table_of(liars, tasks=len(truths), workers=5, spec=spec_for_crowds(kind))

    found = fused(name, replace(table, gold=dict(enumerate(truths[:20]))))

    assert found.values[:20] == truths[:20]
    assert (found.confidences[:20] == 1).all()
    assert found.skills[4] > found.skills[:4].max()


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_one_answer_is_the_value_and_believed_less_than_three_that_agree(kind: str, name: str) -> None:
    rows, truths = a_crowd(kind, tasks=8)
    agreed = [(8, worker, truths[0]) for worker in range(3)]
    table = table_of([*rows, *agreed, (9, 0, truths[1])], tasks=10, workers=5, spec=spec_for_crowds(kind))

    found = fused(name, table)

    assert found.values[8] == truths[0]
    assert found.values[9] == truths[1]
    assert found.confidences[9] < found.confidences[8]


@pytest.mark.parametrize(("kind", "name"), [pair for pair in PAIRS if pair[0] not in TEXTS])
def test_that_nobody_marked_anything_is_a_value_too(kind: str, name: str) -> None:
    rows: list[tuple[int, int, Any]] = [(0, worker, []) for worker in range(3)]

    found = fused(name, table_of(rows, tasks=2, workers=3, spec=spec_of(kind)))

    assert found.values == [[], None]
    assert found.confidences[0] > 0.5


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_no_answers_at_all_are_no_error(kind: str, name: str) -> None:
    found = fused(name, table_of([], tasks=2, workers=1, spec=spec_of(kind)))

    assert list(found.values) == [None, None]


@pytest.mark.parametrize(("kind", "name"), PAIRS)
@pytest.mark.parametrize("row", [(9, 0), (0, 9), (-1, 0)])
def test_a_code_that_names_nothing_is_refused(kind: str, name: str, row: tuple[int, int]) -> None:
    value = "x" if kind in TEXTS else []

    with pytest.raises(BadInput):
        fuser(name).fuse(table_of([(*row, value)], tasks=2, workers=2, spec=spec_of(kind)), seed=1)


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_1500_different_answers_to_one_task_are_weighed(kind: str, name: str) -> None:
    chance, give, spec = np.random.default_rng(2), a_truth(kind, 1), spec_for_crowds(kind)
    rows = [(0, worker, canonical(kind, give(chance, 0.2), spec)) for worker in range(1500)]

    found = fused(name, table_of(rows, tasks=1, workers=1500, spec=spec))

    assert found.values[0] is not None


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_other_names_of_workers_change_nothing_but_names(kind: str, name: str) -> None:
    rows, truths = a_crowd(kind, tasks=10)
    renamed = np.random.default_rng(1).permutation(5)
    spec = spec_for_crowds(kind)

    one = fused(name, table_of(rows, tasks=len(truths), workers=5, spec=spec))
    two = fused(name, table_of([(t, int(renamed[w]), v) for t, w, v in rows], tasks=len(truths), workers=5, spec=spec))

    assert one.values == two.values
    np.testing.assert_allclose(one.confidences, two.confidences, atol=1e-9)
    np.testing.assert_allclose(one.skills, two.skills[renamed], atol=1e-9)


# Four workers are level now and then: votes that are counted and no more then go by the labels' names.
@pytest.mark.parametrize(
    ("kind", "name"), [pair for pair in PAIRS if pair[0] not in TEXTS and pair[1] != "spans_majority"]
)
def test_other_names_of_labels_change_nothing_but_names(kind: str, name: str) -> None:
    rows, truths = a_crowd(kind, tasks=10)
    spec = spec_for_crowds(kind)

    def renamed(value: Any) -> Any:
        return canonical(kind, [{**mark, "label": {"A": "B", "B": "A"}[mark["label"]]} for mark in value], spec)

    one = fused(name, table_of(rows, tasks=len(truths), workers=5, spec=spec))
    two = fused(name, table_of([(t, w, renamed(v)) for t, w, v in rows], tasks=len(truths), workers=5, spec=spec))

    assert [renamed(value) for value in one.values] == two.values
    np.testing.assert_allclose(one.confidences, two.confidences, atol=1e-9)
    np.testing.assert_allclose(one.skills, two.skills, atol=1e-9)


@pytest.mark.parametrize(("kind", "name"), PAIRS)
def test_a_perfect_worker_more_brings_the_values_nearer_to_the_truth(kind: str, name: str) -> None:
    rows, truths = a_crowd(kind, noise=0.2)
    perfect = [(task, 5, truth) for task, truth in enumerate(truths)]
    spec = spec_for_crowds(kind)

    def apart(given: list[tuple[int, int, Any]]) -> float:
        found = fused(name, table_of(given, tasks=len(truths), workers=6, spec=spec))
        pairs = zip(found.values, truths, strict=True)
        return float(np.mean([fuser(name).distance(value, truth, spec=spec) for value, truth in pairs]))

    assert apart([*rows, *perfect]) <= apart(rows)
