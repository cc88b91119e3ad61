"""How answers are approved: the terms of each kind, whom gold lets through, and whose turn a sample is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.reviews import Approval, is_sampled, review_rule, review_terms

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_what_is_not_said_is_filled_in() -> None:
    assert review_terms("auto", None) is None
    assert review_terms("manual", {}) is None
    assert review_terms("after_delay", {"hours": 2}) == {"hours": 2}
    assert review_terms("by_gold", {"gold_min": 5}) == {"accuracy_min": 0.8, "gold_min": 5, "hours": 72}
    assert review_terms("by_sample", None) == {"rate": 0.1, "hours": 72}


@pytest.mark.parametrize(
    ("approval", "given", "named"),
    [
        ("sometimes", None, "approval"),
        ("auto", {"hours": 2}, "review"),
        ("after_delay", {"rate": 0.5}, "review"),
        ("after_delay", {"hours": 0}, "review.hours"),
        ("after_delay", {"hours": "two"}, "review.hours"),
        ("after_delay", {"hours": float("nan")}, "review.hours"),
        ("after_delay", {"hours": True}, "review.hours"),
        ("by_gold", {"accuracy_min": 1.1}, "review.accuracy_min"),
        ("by_gold", {"gold_min": 2.5}, "review.gold_min"),
        ("by_sample", {"rate": 0}, "review.rate"),
        ("by_sample", {"hours": 10_000}, "review.hours"),
    ],
)
def test_terms_that_cannot_be_used_are_refused_by_name(approval: str, given: dict[str, Any] | None, named: str) -> None:
    with pytest.raises(BadInput) as refused:
        review_terms(approval, given)
    assert refused.value.problems[0].field == named


def test_gold_lets_a_worker_through_who_was_seen_often_enough_and_right_often_enough() -> None:
    rule = review_rule("by_gold", {"accuracy_min": 0.8, "gold_min": 5})
    assert rule.trusts(seen=5, right=4)
    assert not rule.trusts(seen=5, right=3)
    assert not rule.trusts(seen=4, right=4)


def test_what_is_due_was_submitted_so_many_hours_ago() -> None:
    assert review_rule("after_delay", {"hours": 24}).due_before(NOON) == NOON - timedelta(days=1)
    assert review_rule("manual", None).approval is Approval.MANUAL


def test_a_sample_is_the_same_at_every_look_and_as_large_as_asked() -> None:
    def sample(salt: str) -> set[int]:
        return {key for key in range(20_000) if is_sampled(assignment_id=key, salt=salt, rate=0.1)}

    first = sample("7:noon")
    assert first == sample("7:noon")
    assert abs(len(first) - 2_000) < 150
    assert first != sample("8:noon")
    assert all(is_sampled(assignment_id=key, salt="", rate=1.0) for key in range(1000))
