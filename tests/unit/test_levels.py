"""The order of work: priority, then deadline by the hour, then those without one."""

from datetime import UTC, datetime, timedelta

import pytest

from crowd_hitl.domain.tasks import level, position

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BIGGEST = 2**63 - 1


def test_a_higher_priority_comes_before_any_deadline() -> None:
    assert level(1, None) > level(0, NOON) > level(0, None) > level(-1, NOON)


def test_an_earlier_deadline_comes_first_and_none_comes_last() -> None:
    moments = [NOON, NOON + timedelta(hours=1), NOON + timedelta(days=400), datetime(9999, 12, 31, tzinfo=UTC)]
    levels = [*(level(3, moment) for moment in moments), level(3, None)]

    assert levels == sorted(levels, reverse=True) and len(set(levels)) == len(levels)


def test_deadlines_of_one_hour_share_a_level_so_that_levels_stay_few() -> None:
    assert level(0, NOON) == level(0, NOON + timedelta(minutes=59))


@pytest.mark.parametrize("priority", [-(2**31), 2**31 - 1])
@pytest.mark.parametrize("deadline", [None, datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)])
def test_every_level_fits_into_a_column(priority: int, deadline: datetime | None) -> None:
    assert -BIGGEST <= level(priority, deadline) <= 2**62


def test_positions_of_one_moment_differ_by_their_offset() -> None:
    assert position(NOON) < position(NOON, offset=1) < position(NOON + timedelta(milliseconds=1))
