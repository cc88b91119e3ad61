"""Whatever valid answers come, in whatever number: every fuser of an open kind gives sound values and no NaN."""

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Fuser, ValueTable
from crowd_hitl.plugins.finding import find
from tests.contracts.open_crowds import question

LETTERS = ["a", "b", "c"]
FUSERS = find("fusers")
Specs = st.SearchStrategy[dict[str, Any]]

VALUES: dict[str, tuple[Specs, st.SearchStrategy[Any]]] = {
    "choices": (
        st.sampled_from([{"min_chosen": 0}, {}, {"max_chosen": 2}]).map(lambda more: {**more, "options": LETTERS}),
        st.lists(st.sampled_from(LETTERS), unique=True, max_size=3),
    ),
    "rating": (st.sampled_from([{}, {"low": -2, "high": 2}, {"low": 0, "high": 1}]), st.integers(-2, 5)),
    "number": (
        st.sampled_from(
            [
                {},
                {"min": 0},
                {"max": 3, "integer": True},
                {"min": -1, "max": 1, "step": 0.1},
                {"tolerance": 1e-9},
                {"min": 0, "max": 10, "step": 3},
            ]
        ),
        st.sampled_from([0, 1, -1, 0.1, 3, 1e15, -1e15, 1e-12, 2.5]) | st.floats(-1e15, 1e15),
    ),
    "pairwise": (st.sampled_from([{}, {"tie": True}]), st.sampled_from(["left", "right", "tie"])),
    "ranking": (
        st.sampled_from([{}, {"min_ranked": 1}, {"max_ranked": 1}]).map(lambda more: {**more, "options": LETTERS}),
        st.lists(st.sampled_from(LETTERS), unique=True, min_size=1, max_size=3),
    ),
}


def kept(kind: str, spec: Mapping[str, Any], rows: list[tuple[int, int, Any]]) -> list[tuple[int, int, Any]]:
    """Keep the rows whose value is an answer, in its canonical form."""
    found = []
    for task, worker, value in rows:
        try:
            found.append((task, worker, question(kind).check_answer(spec, {"label": value})["label"]))
        except BadInput:
            continue
    return found


def assert_finite(details: Mapping[str, Any], *, but_for_silent: np.ndarray[Any, Any]) -> None:
    for name, column in details.items():
        if isinstance(column, np.ndarray) and column.dtype.kind == "f":
            told = column[~but_for_silent] if len(column) == len(but_for_silent) else column
            assert np.isfinite(told).all(), name


@pytest.mark.parametrize("kind", VALUES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_valid_answers_are_fused(kind: str, data: st.DataObject) -> None:
    some, values = VALUES[kind]
    spec = question(kind).check_spec({"prompt": "?", **data.draw(some)})
    cells = st.tuples(st.integers(0, 3), st.integers(0, 4), values)
    rows = kept(kind, spec, data.draw(st.lists(cells, max_size=25)))
    gold = {task: value for task, _, value in kept(kind, spec, data.draw(st.lists(cells, max_size=2)))}
    things = data.draw(st.lists(st.sampled_from(["x", "y", "z", None]), min_size=8, max_size=8))
    contents = {task: Content(key="", data={"left": things[task], "right": things[task + 4]}) for task in range(4)}
    codes = np.array([row[:2] for row in rows], dtype=np.int32).reshape(-1, 2)
    table = ValueTable(codes[:, 0], codes[:, 1], [row[2] for row in rows], 4, 5, spec, gold, contents)

    found = cast(Fuser, FUSERS[kind]).fuse(table, seed=0)

    silent = np.array([value is None for value in found.values])
    assert silent.tolist() == [task not in gold and task not in codes[:, 0] for task in range(4)]
    for shares in (found.confidences, found.skills):
        assert ((shares >= 0) & (shares <= 1)).all()
    for value in found.values:
        assert value is None or question(kind).check_answer(spec, {"label": value}) == {"label": value}
    json.dumps(list(found.values), allow_nan=False)
    assert_finite(found.details, but_for_silent=silent)
