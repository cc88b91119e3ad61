"""Every question type keeps the port's promises; `choice` its own."""

from typing import Any

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.plugins.finding import find
from crowd_hitl.plugins.questions.choice import plugin as choice

SPEC = {"prompt": "Which animal?", "options": ["cat", {"value": "dog", "label": "Dog or puppy"}]}


def test_every_question_is_found_under_its_kind() -> None:
    for kind, question in find("questions").items():
        assert getattr(question, "kind", None) == kind


def test_settings_are_completed_with_defaults() -> None:
    spec = choice.check_spec(SPEC)

    assert spec["options"] == [{"value": "cat", "label": "cat"}, {"value": "dog", "label": "Dog or puppy"}]
    assert (spec["instructions"], spec["field"]) == ("", "label")


def test_checking_settings_twice_changes_nothing() -> None:
    spec = choice.check_spec(SPEC)

    assert choice.check_spec(spec) == spec


def test_classes_keep_the_requesters_order() -> None:
    assert choice.classes({"prompt": "?", "options": ["z", "a", "m"]}) == ["z", "a", "m"]


def test_an_answer_is_one_of_the_options() -> None:
    assert choice.check_answer(SPEC, {"label": "dog"}) == {"label": "dog"}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"options": ["a", "b"]}, "prompt"),
        ({"prompt": "?", "options": ["a"]}, "options"),
        ({"prompt": "?", "options": "ab"}, "options"),
        ({"prompt": "?"}, "options"),
        ({"prompt": "?", "options": ["a", "a"]}, "options"),
        ({"prompt": "?", "options": ["a", ""]}, "options[1]"),
        ({"prompt": "?", "options": ["a", 2]}, "options[1]"),
        ({"prompt": "?", "options": ["a", {"value": "x" * 201}]}, "options[1].value"),
        ({"prompt": "?", "options": ["a", {"value": "b", "colour": "red"}]}, "options[1].colour"),
        ({"prompt": "?", "options": [str(n) for n in range(1001)]}, "options"),
        ({"prompt": "?", "options": ["a", "b"], "colour": "red"}, "colour"),
        ({"prompt": "?", "options": ["a", "b"], "field": ""}, "field"),
    ],
)
def test_wrong_settings_are_refused_by_field(spec: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        choice.check_spec(spec)

    assert refused.value.problems[0].field == field


@pytest.mark.parametrize("value", [{}, {"label": "fish"}, {"label": 1}, {"label": ["cat"]}, "cat", None, ["cat"]])
def test_an_answer_that_is_no_option_is_refused(value: object) -> None:
    with pytest.raises(BadInput):
        choice.check_answer(SPEC, value)


def test_an_answer_with_an_unknown_field_is_refused_by_that_field() -> None:
    with pytest.raises(BadInput) as refused:
        choice.check_answer(SPEC, {"label": "cat", "mood": "good"})

    assert refused.value.problems[0].field == "mood"


def test_an_error_names_a_few_options_only() -> None:
    spec = {"prompt": "?", "options": [f"option {n}" for n in range(500)]}

    with pytest.raises(BadInput, match="and 492 more") as refused:
        choice.check_answer(spec, {"label": "x" * 5000})

    assert len(str(refused.value)) < 500
