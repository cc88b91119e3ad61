"""Requirements: what is refused, and who meets what."""

from dataclasses import dataclass
from typing import Any

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.gates import warn_of_caps
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


@dataclass(frozen=True)
class Capped:
    """A gate with caps alone."""

    cap_answers: int | None = None
    cap_share: float | None = None
    cap_per_day: int | None = None
    requirement: None = None


@pytest.mark.parametrize(
    ("gate", "able", "warned"),
    [
        (Capped(), 0, False),
        (Capped(cap_answers=10), 3, False),
        (Capped(cap_answers=9), 3, True),
        (Capped(cap_share=0.5), 6, False),
        (Capped(cap_share=0.5), 5, True),
        (Capped(cap_per_day=1), 1, False),  # there are more days
    ],
)
def test_caps_that_leave_a_batch_unfinished_are_told(gate: Capped, able: int, warned: bool) -> None:
    warning = warn_of_caps(gate, tasks=10, places=30, able=able)

    assert (warning is not None) is warned
    if warning is not None:
        assert "and it wants 30" in warning and "Raise the cap, or add workers" in warning
