"""Every overlap policy keeps the port's promises."""

from typing import cast

import pytest

from crowd_hitl.domain.ports import OverlapPolicy
from crowd_hitl.plugins.finding import find

FOUND = find("policies")


@pytest.mark.parametrize("name", sorted(FOUND))
def test_a_policy_is_found_under_its_name_and_never_content_with_no_answer(name: str) -> None:
    policy = cast(OverlapPolicy, FOUND[name])

    assert policy.name == name
    assert not policy.enough([1.0, 0.0], answers=0, confidence_target=0.9)


def test_posterior_stops_at_the_target() -> None:
    policy = cast(OverlapPolicy, FOUND["posterior"])

    assert policy.enough([0.05, 0.95], answers=2, confidence_target=0.95)
    assert not policy.enough([0.06, 0.94], answers=2, confidence_target=0.95)


def test_fixed_never_stops_of_itself() -> None:
    assert not cast(OverlapPolicy, FOUND["fixed"]).enough([1.0], answers=99, confidence_target=0.5)
