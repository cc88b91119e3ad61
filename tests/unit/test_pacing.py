"""A pass rests in proportion to what it took."""

import pytest

from crowd_hitl.domain.pacing import SHARE_MAX, rest_seconds


@pytest.mark.parametrize("took", [0.0, 0.1, 2.0, 60.0])
def test_a_pass_has_at_most_its_share_of_the_time(took: float) -> None:
    rest = rest_seconds(took, tick_seconds=1.0)

    assert rest >= 1.0
    assert took / (took + rest) <= SHARE_MAX + 1e-9
