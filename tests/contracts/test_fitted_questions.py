"""Questions whose answers lie within the item refuse those that go beyond it."""

from typing import Any, Protocol, runtime_checkable

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import FittedQuestion, Question
from crowd_hitl.plugins.finding import find

FOUND = find("questions")


@runtime_checkable
class Asked(FittedQuestion, Question, Protocol):
    pass


@pytest.mark.parametrize(
    ("kind", "settings", "answer", "content", "where"),
    [
        ("spans", {}, [[0, 5, "PER"]], Content(key="k", text="Anna"), "spans[0].end"),
        (
            "spans",
            {"unit": "tokens"},
            [[0, 3, "PER"]],
            Content(key="k", text="Anna sang", data={"tokens": ["Anna", "sang"]}),
            "spans[0].end",
        ),
        (
            "boxes",
            {"unit": "pixel"},
            [{"x": 90, "y": 0, "width": 20, "height": 5, "label": "car"}],
            Content(key="k", data={"width": 100, "height": 50}),
            "boxes[0].x + width",
        ),
        (
            "polygons",
            {"unit": "pixel"},
            [{"points": [[0, 0], [9, 0], [9, 60]], "label": "car"}],
            Content(key="k", data={"width": 100, "height": 50}),
            "polygons[0].points[2]",
        ),
        (
            "masks",
            {},
            [{"size": [2, 3], "counts": [1, 3, 2], "label": "road"}],
            Content(key="k", data={"width": 2, "height": 3}),
            "masks[0].size",
        ),
    ],
)
def test_an_answer_that_goes_beyond_its_item_is_refused(
    kind: str, settings: dict[str, Any], answer: object, content: Content, where: str
) -> None:
    asked = FOUND[kind]
    assert isinstance(asked, Asked)
    spec = asked.check_spec({"prompt": "?", "field": kind, "labels": ["PER", "car", "road"], **settings})
    checked = asked.check_answer(spec, {kind: answer})

    with pytest.raises(BadInput) as error:
        asked.check_fit(spec, checked, content)

    assert error.value.problems[0].field == where
    asked.check_fit(spec, checked, Content(key="elsewhere"))
