"""The questions whose answers are no single class: choices, rating, number, pairwise, ranking."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Question
from crowd_hitl.plugins.finding import find

FOUND = find("questions")
PROMPT = {"prompt": "What is it?"}
OPTIONS = {**PROMPT, "options": ["z", {"value": "a", "label": "An a"}, "m"]}
SPECS: dict[str, dict[str, Any]] = {
    "choices": OPTIONS,
    "rating": PROMPT,
    "number": PROMPT,
    "pairwise": PROMPT,
    "ranking": OPTIONS,
}
GOOD: list[tuple[str, dict[str, Any], object, object]] = [
    ("choices", {}, ["m", "z"], ["z", "m"]),
    ("choices", {"min_chosen": 0}, [], []),
    ("choices", {}, ("a",), ["a"]),
    ("rating", {}, 5, 5),
    ("rating", {}, 3.0, 3),
    ("rating", {"low": -2, "high": 2}, 0, 0),
    ("number", {}, -0.0, 0),
    ("number", {}, 2.5, 2.5),
    ("number", {"min": 0, "max": 1, "step": 0.1}, 0.1 + 0.2, 0.3),
    ("number", {"min": 0, "max": 0.3, "step": 0.1}, 0.1 + 0.2, 0.3),
    ("number", {"min": 1, "step": 2}, 7, 7),
    ("number", {"integer": True, "unit": "kg"}, 12.0, 12),
    ("pairwise", {}, "right", "right"),
    ("pairwise", {"tie": True}, "tie", "tie"),
    ("ranking", {}, ["m", "z", "a"], ["m", "z", "a"]),
    ("ranking", {"min_ranked": 1}, ["m"], ["m"]),
    ("ranking", {"max_ranked": 2}, ["a", "z"], ["a", "z"]),
]
BAD: list[tuple[str, dict[str, Any], object, str]] = [
    ("choices", {}, [], "label"),
    ("choices", {}, "z", "label"),
    ("choices", {}, ["z", "fish"], "label[1]"),
    ("choices", {}, ["z", "z"], "label[1]"),
    ("choices", {"max_chosen": 1}, ["z", "a"], "label"),
    ("choices", {}, [["z"]], "label[0]"),
    ("rating", {}, 6, "label"),
    ("rating", {}, 2.5, "label"),
    ("rating", {}, True, "label"),
    ("rating", {}, "3", "label"),
    ("number", {}, float("nan"), "label"),
    ("number", {}, float("inf"), "label"),
    ("number", {}, 10**400, "label"),
    ("number", {}, "12", "label"),
    ("number", {}, None, "label"),
    ("number", {"min": 0}, -1, "label"),
    ("number", {"max": 10}, 10.5, "label"),
    ("number", {"min": 0, "step": 0.5}, 0.7, "label"),
    ("number", {"integer": True}, 1.5, "label"),
    ("pairwise", {}, "tie", "label"),
    ("pairwise", {}, ["left"], "label"),
    ("ranking", {}, ["m", "z"], "label"),
    ("ranking", {}, ["m", "z", "m"], "label[2]"),
    ("ranking", {"max_ranked": 2}, ["m", "z", "a"], "label"),
]
WRONG_SETTINGS: list[tuple[str, dict[str, Any], str]] = [
    ("choices", {"options": ["a"]}, "options"),
    ("choices", {"min_chosen": 4}, "min_chosen"),
    ("choices", {"min_chosen": True}, "min_chosen"),
    ("choices", {"min_chosen": 3, "max_chosen": 2}, "max_chosen"),
    ("choices", {"max_chosen": 0}, "max_chosen"),
    ("rating", {"low": 5, "high": 5}, "high"),
    ("rating", {"low": 0.5}, "low"),
    ("rating", {"high": 900}, "high"),
    ("rating", {"labels": ["bad", "good"]}, "labels"),
    ("rating", {"labels": {"7": "good"}}, "labels.7"),
    ("rating", {"labels": {"1": ""}}, "labels.1"),
    ("rating", {"labels": "bad"}, "labels"),
    ("number", {"min": 3, "max": 3}, "max"),
    ("number", {"min": "3"}, "min"),
    ("number", {"step": 0}, "step"),
    ("number", {"min": 0, "max": 1, "step": 2}, "step"),
    ("number", {"integer": True, "step": 0.5}, "step"),
    ("number", {"integer": "yes"}, "integer"),
    ("number", {"unit": 3}, "unit"),
    ("number", {"tolerance": -1}, "tolerance"),
    ("number", {"max": float("nan")}, "max"),
    ("pairwise", {"tie": "yes"}, "tie"),
    ("pairwise", {"left": "a", "right": "a"}, "right"),
    ("ranking", {"options": [str(n) for n in range(51)]}, "options"),
    ("ranking", {"min_ranked": 3, "max_ranked": 2}, "min_ranked"),
    ("ranking", {"min_ranked": 0}, "min_ranked"),
]


def question(kind: str) -> Question:
    return cast(Question, FOUND[kind])


@pytest.mark.parametrize("kind", SPECS)
def test_settings_are_completed_and_completing_twice_changes_nothing(kind: str) -> None:
    spec = question(kind).check_spec(SPECS[kind])

    assert (spec["instructions"], spec["field"]) == ("", "label")
    assert question(kind).check_spec(json.loads(json.dumps(spec))) == spec
    assert question(kind).fields(spec) == ["label"]


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize(("setting", "field"), [({"prompt": " "}, "prompt"), ({"colour": 1}, "colour")])
def test_a_wrong_frame_is_refused_by_field(kind: str, setting: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        question(kind).check_spec({**SPECS[kind], **setting})

    assert refused.value.problems[0].field == field


@pytest.mark.parametrize(("kind", "settings", "field"), WRONG_SETTINGS)
def test_wrong_settings_are_refused_by_field(kind: str, settings: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        question(kind).check_spec({**SPECS[kind], **settings})

    assert refused.value.problems[0].field == field


@pytest.mark.parametrize(("kind", "settings", "given", "kept"), GOOD)
def test_a_good_answer_is_kept_in_one_canonical_form(
    kind: str, settings: dict[str, Any], given: object, kept: object
) -> None:
    spec = question(kind).check_spec({**SPECS[kind], **settings})

    answer = question(kind).check_answer(spec, {"label": given})

    assert json.dumps(answer) == json.dumps({"label": kept})
    assert question(kind).check_answer(spec, answer) == answer


@pytest.mark.parametrize(("kind", "settings", "given", "field"), BAD)
def test_a_bad_answer_is_refused_with_its_place(kind: str, settings: dict[str, Any], given: object, field: str) -> None:
    spec = question(kind).check_spec({**SPECS[kind], **settings})

    with pytest.raises(BadInput) as refused:
        question(kind).check_answer(spec, {"label": given})

    assert refused.value.problems[0].field == field


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize("value", [None, "left", [], {}, {"mood": "good"}, {"label": 1, "mood": "good"}])
def test_an_answer_without_its_field_or_with_another_is_refused(kind: str, value: object) -> None:
    with pytest.raises(BadInput):
        question(kind).check_answer(question(kind).check_spec(SPECS[kind]), value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["z", "left"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["label", "x"]), inner, max_size=2),
    max_leaves=6,
)


@pytest.mark.parametrize("kind", SPECS)
@given(value=ANYTHING)
def test_whatever_comes_is_refused_or_becomes_json(kind: str, value: object) -> None:
    spec = question(kind).check_spec(SPECS[kind])
    for sent in (value, {"label": value}):
        try:
            answer = question(kind).check_answer(spec, sent)
        except BadInput:
            continue
        assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_a_list_of_names_names_every_point_of_a_rating() -> None:
    spec = question("rating").check_spec({**PROMPT, "low": 0, "high": 2, "labels": ["bad", "so-so", "good"]})

    assert spec["labels"] == {"0": "bad", "1": "so-so", "2": "good"}
    assert question("rating").classes(spec) == ["0", "1", "2"]


def test_classes_keep_the_requesters_order_and_numbers_have_none() -> None:
    assert question("choices").classes(OPTIONS) == ["z", "a", "m"]
    assert question("ranking").classes(OPTIONS) == ["z", "a", "m"]
    assert question("pairwise").classes({**PROMPT, "tie": True}) == ["left", "right", "tie"]
    assert question("number").classes(PROMPT) == []
