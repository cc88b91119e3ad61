"""Requirements: what is refused, and who meets what."""

from typing import Any

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.requirements import Standing, check_requirement, meets, named_qualifications

ANA = Standing(qualifications={"spanish": 90.0, "trained": None}, accuracy=0.93, answers=60)


@pytest.mark.parametrize(
    ("requirement", "met"),
    [
        (None, True),
        ({}, True),
        ({"has": "spanish"}, True),
        ({"has": "french"}, False),
        ({"has": "spanish", "min": 90}, True),
        ({"has": "spanish", "min": 91}, False),
        ({"has": "trained", "min": 0}, False),
        ({"skill_min": 0.9}, True),
        ({"skill_min": 0.9, "answers_min": 61}, False),
        ({"all": [{"has": "trained"}, {"has": "french"}]}, False),
        ({"any": [{"has": "french"}, {"skill_min": 0.9, "answers_min": 50}]}, True),
        ({"not": {"has": "french"}}, True),
        ({"all": [{"any": [{"has": "french"}, {"has": "spanish"}]}, {"not": {"has": "expelled"}}]}, True),
    ],
)
def test_a_requirement_is_met_or_not(requirement: dict[str, Any] | None, met: bool) -> None:
    check_requirement(requirement or {})

    assert meets(ANA, requirement) is met


def test_nobody_meets_a_skill_that_was_never_measured() -> None:
    assert not meets(Standing(qualifications={}), {"skill_min": 0.0})


@pytest.mark.parametrize(
    "requirement",
    [
        [],
        "spanish",
        {"has": ""},
        {"has": 3},
        {"has": "a", "min": "b"},
        {"skill_min": 1.5},
        {"skill_min": True},
        {"skill_min": 0.5, "answers_min": -1},
        {"all": []},
        {"any": "x"},
        {"not": []},
        {"not": {}},
        {"all": [{}]},
        {"has": "a", "any": []},
        {"unknown": 1},
        {"not": {"not": {"not": {"not": {"not": {"not": {"has": "a"}}}}}}},
    ],
)
def test_what_is_not_a_requirement_is_refused_by_name(requirement: object) -> None:
    with pytest.raises(BadInput, match="requirement"):
        check_requirement(requirement)


def test_the_qualifications_a_requirement_names_are_listed() -> None:
    requirement: dict[str, Any] = {
        "all": [{"has": "a"}, {"any": [{"has": "b"}, {"not": {"has": "c"}}]}, {"skill_min": 0.5}]
    }

    assert named_qualifications(requirement) == {"a", "b", "c"}
