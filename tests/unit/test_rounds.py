"""The loop's rules: what follows a round, when learning is enough, and which policies cannot work."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.rounds import (
    Facts,
    LoopPolicy,
    Phase,
    is_near,
    learned_enough,
    next_phase,
    policy_from,
    terms_of,
)

POLICY = LoopPolicy(looks=2, agreement_min=0.99, agreement_rounds=2, rounds_max=10)
BUYING = [Phase.REFERENCE, Phase.LEARN, Phase.DOUBTFUL, Phase.RECHECK, Phase.AUDIT, Phase.CONFIRM, Phase.CERTIFY]
FACTS = st.builds(
    Facts,
    unlabelled=st.integers(0, 5),
    learn_rounds=st.integers(0, 12),
    agreements=st.lists(st.floats(0.9, 1), max_size=4).map(tuple),
    looks_taken=st.integers(0, 3),
    kept=st.booleans(),
    near=st.booleans(),
)


@pytest.mark.parametrize(
    ("phase", "following"),
    [
        (Phase.REFERENCE, Phase.LEARN),
        (Phase.DOUBTFUL, Phase.RECHECK),
        (Phase.RECHECK, Phase.AUDIT),
        (Phase.AUDIT, Phase.CONFIRM),
        (Phase.CONFIRM, Phase.CERTIFY),
    ],
)
def test_most_phases_have_one_successor(phase: Phase, following: Phase) -> None:
    assert next_phase(phase, Facts(unlabelled=5, learn_rounds=1), POLICY) is following


@pytest.mark.parametrize(
    ("facts", "following"),
    [
        (Facts(unlabelled=5, learn_rounds=1), Phase.LEARN),
        (Facts(unlabelled=0, learn_rounds=1), Phase.DOUBTFUL),
        (Facts(unlabelled=5, learn_rounds=10), Phase.DOUBTFUL),
        (Facts(unlabelled=5, learn_rounds=3, agreements=(0.99, 1.0)), Phase.DOUBTFUL),
        (Facts(unlabelled=5, learn_rounds=9, looks_taken=2, agreements=(1.0, 1.0)), Phase.LEARN),
        (Facts(unlabelled=0, learn_rounds=9, looks_taken=2), Phase.STOPPED),
    ],
)
def test_after_a_learn_round(facts: Facts, following: Phase) -> None:
    assert next_phase(Phase.LEARN, facts, POLICY) is following


@pytest.mark.parametrize(
    ("facts", "following"),
    [
        (Facts(unlabelled=5, learn_rounds=3, looks_taken=1, kept=True), Phase.STOPPED),
        (Facts(unlabelled=5, learn_rounds=3, looks_taken=1, near=True), Phase.AUDIT),
        (Facts(unlabelled=5, learn_rounds=3, looks_taken=2, near=True), Phase.LEARN),
        (Facts(unlabelled=5, learn_rounds=3, looks_taken=1), Phase.LEARN),
        (Facts(unlabelled=0, learn_rounds=3, looks_taken=1), Phase.DOUBTFUL),
        (Facts(unlabelled=0, learn_rounds=3, looks_taken=2), Phase.STOPPED),
    ],
)
def test_after_a_certificate(facts: Facts, following: Phase) -> None:
    assert next_phase(Phase.CERTIFY, facts, POLICY) is following


@given(FACTS)
def test_no_audit_follows_when_no_look_is_left(facts: Facts) -> None:
    spent = replace(facts, looks_taken=POLICY.looks)

    assert next_phase(Phase.CERTIFY, spent, POLICY) in (Phase.LEARN, Phase.STOPPED)
    assert next_phase(Phase.LEARN, spent, POLICY) in (Phase.LEARN, Phase.STOPPED)


@given(FACTS)
def test_a_kept_promise_ends_the_loop(facts: Facts) -> None:
    assert next_phase(Phase.CERTIFY, replace(facts, kept=True), POLICY) is Phase.STOPPED


@given(FACTS)
def test_learning_is_enough_only_by_the_last_agreements_the_limit_or_the_last_item(facts: Facts) -> None:
    last = facts.agreements[-2:]
    agreed = len(last) == 2 and min(last) >= POLICY.agreement_min

    assert learned_enough(facts, POLICY) == (agreed or facts.unlabelled == 0 or facts.learn_rounds >= 10)


@pytest.mark.parametrize(
    ("errors", "audited", "near"), [(0, 0, False), (0, 10, True), (2, 100, True), (3, 100, False), (1, 10, False)]
)
def test_an_audit_is_near_when_its_errors_are_two_thirds_of_what_is_allowed(
    errors: int, audited: int, near: bool
) -> None:
    assert is_near(errors=errors, audited=audited, max_error=0.03) is near


def test_a_policy_is_read_back_as_it_was_stored() -> None:
    policy = LoopPolicy(price="0.07", rounds_max=5)

    assert policy_from(policy.as_json()) == policy
    assert policy_from({}) == LoopPolicy()
    assert policy_from({"max_error": 0.1}).promise.max_error == 0.1
    assert policy_from({"random_share": 1}).random_share == 1
    assert policy_from({"joint": False}).joint is False


@pytest.mark.parametrize(
    ("given_policy", "field"),
    [
        ({"rounds": 3}, "rounds"),
        ({"price": 0.05}, "price"),
        ({"price": "0"}, "price"),
        ({"price": "five"}, "price"),
        ({"round_items": "many"}, "round_items"),
        ({"round_items": 2.5}, "round_items"),
        ({"round_items": True}, "round_items"),
        ({"round_items": 0}, "round_items"),
        ({"looks": 0}, "looks"),
        ({"audit_items": 0}, "audit_items"),
        ({"random_share": 1.1}, "random_share"),
        ({"joint": 1}, "joint"),
        ({"joint": "yes"}, "joint"),
        ({"looks": True}, "looks"),
        ({"gold_rate": -0.1}, "gold_rate"),
        ({"max_error": 0}, "max_error"),
        ({"max_error": 1}, "max_error"),
        ({"delta": 1.0}, "delta"),
        ({"confidence_target": 1.0}, "confidence_target"),
        ({"overlap_min": 0}, "overlap_max"),
        ({"overlap_min": 7}, "overlap_max"),
        ({"reference_overlap_max": 1}, "reference_overlap_max"),
        ({"recheck_overlap_max": 1}, "recheck_overlap_max"),
        ({"confirm_overlap_max": 1}, "confirm_overlap_max"),
        ({"learner": 3}, "learner"),
    ],
)
def test_a_policy_that_cannot_work_is_refused_by_field(given_policy: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        policy_from(given_policy)

    assert [problem.field for problem in refused.value.problems] == [field]


@pytest.mark.parametrize("phase", BUYING)
def test_what_serves_as_a_reference_is_asked_for_at_high_confidence(phase: Phase) -> None:
    terms = terms_of(phase, POLICY)

    high = phase in (Phase.REFERENCE, Phase.RECHECK, Phase.AUDIT, Phase.CONFIRM)
    assert terms.confidence_target == (POLICY.reference_confidence if high else POLICY.confidence_target)
    assert 1 <= terms.overlap_min <= terms.overlap_max
    assert terms.gold_rate in (0, POLICY.gold_rate)
