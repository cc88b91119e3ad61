"""Questions with open answers: canonical values, errors that say where, and no crash whatever is sent."""

import json
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Question
from crowd_hitl.inference.runs import packed, unpacked
from crowd_hitl.plugins.finding import find

FOUND = find("questions")
SPECS: dict[str, dict[str, Any]] = {
    "text": {"prompt": "Which brand?", "max_length": 60},
    "transcription": {"prompt": "What is said?", "allow_empty": True},
    "spans": {"prompt": "Mark the names", "labels": ["PER", {"value": "LOC", "label": "A place"}]},
    "boxes": {"prompt": "Draw the cars", "labels": ["car", "bus"]},
    "polygons": {"prompt": "Outline the cars", "labels": ["car", "bus"]},
    "masks": {"prompt": "Paint the road", "labels": ["road", "sky"]},
}
KINDS = sorted(SPECS)
SPECS = {kind: {"field": kind, **spec} for kind, spec in SPECS.items()}
SQUARE = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]]
GOOD: dict[str, Any] = {
    "text": "  Café\t au  lait ",
    "transcription": "one\r\ntwo",
    "spans": [[9, 12, "LOC"], {"start": 0, "end": 4, "label": "PER"}],
    "boxes": [{"x": 0.7, "y": 0.1, "width": 0.3, "height": 0.2, "label": "car"}],
    "polygons": [{"points": [*SQUARE[1:], SQUARE[0], SQUARE[1]], "label": "car"}],
    "masks": [{"size": [2, 3], "counts": [1, 2, 0, 1, 2], "label": "road"}],
}
CANONICAL: dict[str, Any] = {
    "text": "Café au lait",
    "transcription": "one\ntwo",
    "spans": [{"start": 0, "end": 4, "label": "PER"}, {"start": 9, "end": 12, "label": "LOC"}],
    "boxes": GOOD["boxes"],
    "polygons": [{"points": SQUARE, "label": "car"}],
    "masks": [{"size": [2, 3], "counts": packed([1, 3, 2]), "label": "road"}],
}


def question(kind: str) -> Question:
    return cast(Question, FOUND[kind])


def check(kind: str, value: object, **more: Any) -> Any:
    spec = question(kind).check_spec({**SPECS[kind], **more})
    field = question(kind).fields(spec)[0]
    return question(kind).check_answer(spec, {field: value})[field]


def refused(kind: str, value: object, **more: Any) -> str:
    with pytest.raises(BadInput) as error:
        check(kind, value, **more)
    assert len(str(error.value)) < 600
    return error.value.problems[0].field


@pytest.mark.parametrize("kind", KINDS)
def test_checking_settings_twice_changes_nothing(kind: str) -> None:
    spec = question(kind).check_spec(SPECS[kind])

    assert question(kind).check_spec(json.loads(json.dumps(spec))) == spec
    assert question(kind).classes(spec) == []


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_has_one_canonical_form(kind: str) -> None:
    found = check(kind, GOOD[kind])

    assert found == CANONICAL[kind]
    assert check(kind, json.loads(json.dumps(found))) == found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more",
    [{"colour": "red"}, {"prompt": ""}, {"field": ""}, {"min_count": -1}, {"min_length": True}, {"labels": []}],
    ids=lambda more: next(iter(more)),
)
def test_wrong_settings_are_refused_by_name(kind: str, more: dict[str, Any]) -> None:
    with pytest.raises(BadInput) as error:
        question(kind).check_spec({**SPECS[kind], **more})

    assert error.value.problems[0].field == next(iter(more))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("answer", [None, [], "x", {}, {"other": 1}, {"\ud800": 1}])
def test_an_answer_without_its_field_is_refused(kind: str, answer: object) -> None:
    with pytest.raises(BadInput) as error:
        question(kind).check_answer(question(kind).check_spec(SPECS[kind]), answer)

    str(error.value).encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["PER", "car", "road"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.fixed_dictionaries({"start": inner, "end": inner, "label": inner})
        | st.fixed_dictionaries({"x": inner, "y": inner, "width": inner, "height": inner})
        | st.fixed_dictionaries({"points": st.lists(st.lists(inner, min_size=2, max_size=2), min_size=3, max_size=5)})
        | st.fixed_dictionaries({"size": st.lists(inner, min_size=2, max_size=2), "counts": inner, "label": inner})
    ),
    max_leaves=12,
)


# How long the strategies take depends on what else the machine does.
@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=JSON | st.lists(JSON, max_size=3))
def test_whatever_is_sent_is_canonical_or_refused(kind: str, value: object) -> None:
    try:
        found = check(kind, value)
    except BadInput as error:
        str(error).encode()
        return
    assert check(kind, json.loads(json.dumps(found, allow_nan=False))) == found


def test_a_text_keeps_to_its_bounds() -> None:
    assert check("text", "ab", min_length=2, max_length=2) == "ab"
    assert refused("text", " a ", min_length=2) == "text"
    assert refused("text", "abc", max_length=2) == "text"
    assert refused("text", "") == "text"
    assert refused("text", "x" * 10_000_000) == "text"


@pytest.mark.parametrize("text", ["a\x00b", "half \ud800", "a\x1b[0m"])
def test_a_text_that_no_database_stores_is_refused(text: str) -> None:
    assert refused("text", text) == "text"


def test_a_pattern_holds_for_the_whole_text() -> None:
    assert check("text", "AB-12", pattern=r"[A-Z]+-\d+") == "AB-12"
    assert refused("text", "xAB-12", pattern=r"[A-Z]+-\d+") == "text"
    assert refused("text", "b c", pattern="a|b") == "text"


def test_a_pattern_that_would_run_for_years_elsewhere_answers_at_once() -> None:
    assert refused("text", "a" * 19_999 + "!", pattern="(a+)+", max_length=20_000) == "text"


@pytest.mark.parametrize("pattern", ["(a", "a)|(b", "(?=a)", r"(a)\1", "(?:a{1000}){1000}", "x" * 201, 5, "\ud800"])
def test_a_pattern_that_cannot_be_used_is_refused(pattern: object) -> None:
    with pytest.raises(BadInput) as error:
        question("text").check_spec({**SPECS["text"], "pattern": pattern})

    assert error.value.problems[0].field == "pattern"


def test_a_recording_with_nothing_to_hear_has_an_empty_transcription_where_that_is_allowed() -> None:
    assert check("transcription", " ") == ""
    assert refused("transcription", " ", allow_empty=False) == "transcription"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ("PER", "spans"),
        ([[0, 4]], "spans[0]"),
        ([[4, 4, "PER"]], "spans[0].end"),
        ([[-1, 4, "PER"]], "spans[0].start"),
        ([[0, True, "PER"]], "spans[0].end"),
        ([[0, 4, "ORG"]], "spans[0].label"),
        ([{"start": 0, "end": 4, "label": "PER", "text": "Anna"}], "spans[0].text"),
        ([{"start": 0, "label": "PER"}], "spans[0].end"),
        ([[0, 4, "PER"], [3, 6, "LOC"]], "spans"),
        ([[0, 9, "PER"], [1, 2, "LOC"], [4, 5, "LOC"]], "spans"),
    ],
)
def test_wrong_spans_are_refused_where_they_are_wrong(value: object, where: str) -> None:
    assert refused("spans", value) == where


def test_spans_may_overlap_where_that_is_allowed_but_not_come_twice() -> None:
    assert len(check("spans", [[0, 4, "PER"], [0, 4, "LOC"], [1, 9, "LOC"]], overlap=True)) == 3
    assert refused("spans", [[0, 4, "PER"], [0, 4, "PER"]], overlap=True) == "spans"


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"x": 0, "y": 0, "width": 1, "height": 0}, "boxes[0].height"),
        ({"x": 0.5, "y": 0, "width": 0.6, "height": 1}, "boxes[0].width"),
        ({"x": 1, "y": 0, "width": 0.1, "height": 1}, "boxes[0].width"),
        ({"x": -0.1, "y": 0, "width": 0.1, "height": 1}, "boxes[0].x"),
        ({"x": float("nan"), "y": 0, "width": 0.1, "height": 1}, "boxes[0].x"),
        ({"x": 10**400, "y": 0, "width": 0.1, "height": 1}, "boxes[0].x"),
        ({"x": 0, "y": 0, "width": 0.1}, "boxes[0].height"),
    ],
)
def test_wrong_boxes_are_refused_where_they_are_wrong(value: dict[str, Any], where: str) -> None:
    assert refused("boxes", [{"label": "car", **value}]) == where


def test_a_box_that_rounding_pushes_over_the_border_ends_at_it() -> None:
    box = {"x": 0.1, "y": 0.3, "width": 0.9 + 1e-9, "height": 0.7000004, "label": "car"}

    assert check("boxes", [box]) == [{"x": 0.1, "y": 0.3, "width": 0.9, "height": 0.7, "label": "car"}]


def test_an_image_has_as_many_boxes_as_the_question_asks_for() -> None:
    assert check("boxes", []) == []
    assert refused("boxes", [], min_count=1) == "boxes"
    assert refused("boxes", [*GOOD["boxes"], {**GOOD["boxes"][0], "x": 0.2}], max_count=1) == "boxes"
    assert refused("boxes", GOOD["boxes"] * 2) == "boxes"


def test_the_label_may_be_left_out_where_there_is_only_one() -> None:
    assert check("boxes", [{"x": 0, "y": 0, "width": 1, "height": 1}], labels=["car"])[0]["label"] == "car"
    assert refused("boxes", [{"x": 0, "y": 0, "width": 1, "height": 1}]) == "boxes[0].label"


@pytest.mark.parametrize(
    "points",
    [
        [[0, 0], [1, 1], [1, 0], [0, 1]],  # a bow tie
        [[0, 0], [0.5, 0.5], [1, 1]],  # a line
        [[0, 0], [1, 0], [0.5, 0], [0.5, 1]],  # folds back
        [[0, 0], [1, 0], [1, 1], [0.5, 0], [0, 1]],  # touches itself
        [[0, 0], [1, 0]],
        [[0, 0], [1, 0], [0, 0]],
        [[x / 1000, (x % 7) / 10] for x in range(501)],
    ],
)
def test_an_outline_without_an_area_or_across_itself_is_refused(points: list[list[float]]) -> None:
    assert refused("polygons", [{"points": points, "label": "car"}]) == "polygons[0].points"


def test_an_outline_may_turn_inwards_and_run_straight_on() -> None:
    star = [[0, 0], [0.5, 0], [1, 0], [0.5, 0.5], [1, 1], [0, 1]]

    assert check("polygons", [{"points": star[::-1], "label": "car"}]) == [{"points": star, "label": "car"}]


@pytest.mark.parametrize(
    ("mask", "where"),
    [
        ({"size": [2, 3], "counts": [1, 4]}, "masks[0].counts"),
        ({"size": [2, 3], "counts": [7, -1]}, "masks[0].counts, run 0"),
        ({"size": [2, 3], "counts": [6.0]}, "masks[0].counts, run 0"),
        ({"size": [2, 3], "counts": "\x00"}, "masks[0].counts"),
        ({"size": [2, 3], "counts": "oooooooooooooo"}, "masks[0].counts"),
        ({"size": [2], "counts": [6]}, "masks[0].size"),
        ({"size": [60_000, 60_000], "counts": [60_000**2]}, "masks[0].size"),
        ({"size": [10**9, 1], "counts": [10**9]}, "masks[0].size[0]"),
        ({"size": [2, 3], "counts": "0" * 2_000_000}, "masks[0].counts"),
        ({"size": [2, 3], "counts": [0] * 300_000}, "masks[0].counts"),
    ],
)
def test_wrong_masks_are_refused_where_they_are_wrong(mask: dict[str, Any], where: str) -> None:
    assert refused("masks", [{"label": "road", **mask}]) == where


def test_masks_have_one_size_and_every_label_once() -> None:
    mask = {"size": [2, 3], "counts": [5, 1], "label": "road"}

    assert refused("masks", [mask, mask]) == "masks[1].label"
    assert refused("masks", [mask, {"size": [3, 2], "counts": [5, 1], "label": "sky"}]) == "masks[1].size"
    assert check("masks", [{"size": [2, 3], "counts": [6], "label": "sky"}]) == []
    assert refused("masks", [{"size": [2, 3], "counts": [6], "label": "sky"}], min_count=1) == "masks"


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=30))
def test_runs_survive_cocos_string(counts: list[int]) -> None:
    assert unpacked(packed(counts)) == counts


def test_cocos_string_is_that_of_cocos_own_tool() -> None:
    # What pycocotools gives for these runs: the fourth run is written as a difference.
    assert packed([3, 5, 2, 6]) == "3521"
    assert packed([100, 20, 1]) == "T3d01"
