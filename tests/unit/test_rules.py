"""The language of behaviour rules, and what they measure, as pure functions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crowd_hitl.domain.behaviour import GivenAnswer, Measured, measure
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.rules import (
    COLLECTORS,
    PRESETS,
    action_text,
    check_rule,
    ends_at,
    is_met,
    limit_text,
    measured_text,
    reason_text,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FLAG = {"do": "flag"}
FAST = {"op": ">=", "threshold": 0.5, "answers_min": 2, "last": 4, "seconds": 2}


def some(*values: str, labels: str | None = None, seconds: float = 5.0, known: str | None = None) -> list[GivenAnswer]:
    return [
        GivenAnswer(100 - n, value, seconds, None if labels is None else labels[n], known)
        for n, value in enumerate(values)
    ]


def figure(collector: str, answers: list[GivenAnswer], **condition: Any) -> Measured:
    found = measure(collector, {"answers_min": 1, **condition}, answers)
    assert found is not None
    return found


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_rule(name: str) -> None:
    preset = PRESETS[name]

    checked = check_rule(name=preset.name, collector=preset.collector, condition=preset.condition, action=preset.action)

    assert checked.action == preset.action
    assert checked.condition.items() >= preset.condition.items()


@pytest.mark.parametrize("collector", COLLECTORS)
def test_every_collector_says_what_it_measured_and_is_measured_somewhere(collector: str) -> None:
    extra = {"seconds": 2} if collector == "fast_answers" else {}
    rule = check_rule(name="r", collector=collector, condition={"op": ">", "threshold": 0.5, **extra}, action=FLAG)

    said = reason_text(rule, measured=0.75, evidence={"count": 20, "day": "2026-11-22", "currency": "USD"})

    assert "the rule 'r' acts above" in said
    assert "{" not in said


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"collector": "smell"}, "collector: expected one of fast_answers"),
        ({"name": " "}, "name"),
        ({"condition": []}, "condition: expected an object"),
        ({"condition": {**FAST, "speed": 1}}, "condition: expected an object"),
        ({"condition": {**FAST, "op": "=="}}, "condition.op: expected one of > >="),
        ({"condition": {**FAST, "threshold": 1.5}}, "condition.threshold: expected a number from 0 to 1"),
        ({"condition": {**FAST, "threshold": True}}, "condition.threshold"),
        ({"condition": {**FAST, "threshold": float("nan")}}, "condition.threshold"),
        ({"condition": {**FAST, "answers_min": 0}}, "condition.answers_min"),
        ({"condition": {**FAST, "answers_min": 9}}, "condition.last: expected a whole number from 9"),
        ({"condition": {**FAST, "last": 501}}, "condition.last: expected a whole number from 2 to 500"),
        ({"condition": {"op": ">", "threshold": 0.5}}, "condition.seconds: expected the time below which"),
        ({"condition": {**FAST, "seconds": 0}}, "condition.seconds"),
        ({"condition": {**FAST, "currency": "USD"}}, "condition.currency: expected only with income_per_day"),
        ({"collector": "median_seconds", "condition": FAST}, "condition.seconds: expected only with fast_answers"),
        ({"action": {"do": "shout"}}, "action: expected"),
        ({"action": {"do": "flag", "hours": 3}}, "action: expected nothing beside"),
        ({"action": {"do": "pause"}}, "action.hours: expected how long a pause lasts"),
        ({"action": {"do": "pause", "hours": 0}}, "action.hours"),
        ({"action": {"do": "block", "scope": "world"}}, "action: expected"),
    ],
)
def test_what_is_no_rule_is_refused_by_name(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_rule(**{"name": "r", "collector": "fast_answers", "condition": FAST, "action": FLAG, **changes})

    assert str(refused.value).startswith(field)


@pytest.mark.parametrize("action", [{"do": "block", "hours": 1}, {"do": "block"}, {"do": "pause", "hours": 169}])
def test_against_the_majority_nobody_is_blocked_or_paused_for_long(action: dict[str, Any]) -> None:
    condition = {"op": ">", "threshold": 0.5}

    with pytest.raises(BadInput, match="may be right"):
        check_rule(name="r", collector="against_majority", condition=condition, action=action)
    check_rule(name="r", collector="against_majority", condition=condition, action={"do": "pause", "hours": 168})


def test_a_rule_of_all_projects_acts_in_all_of_them() -> None:
    wanted: dict[str, Any] = {"name": "r", "collector": "fast_answers", "condition": FAST, "everywhere": True}

    with pytest.raises(BadInput, match="all projects"):
        check_rule(**wanted, action={"do": "block", "scope": "project"})
    assert check_rule(**wanted, action={"do": "block"}).action["scope"] == "organisation"


def test_fast_answers_are_a_share_and_the_evidence_names_them() -> None:
    answers = some("a", "b", seconds=1.0) + some("a", "b", seconds=9.0)

    found = figure("fast_answers", answers, seconds=2)

    assert (found.value, found.count, found.answer_ids) == (0.5, 4, (100, 99))
    assert is_met(FAST, found.value)
    assert measure("fast_answers", {"answers_min": 5, "seconds": 2}, answers) is None


def test_an_honest_worker_on_unbalanced_items_is_not_too_uniform() -> None:
    honest = some(*"aaaaaaaaab", labels="aaaaaaaaab")
    lazy = some(*"aaaaaaaaaa", labels="aabbabbaab")

    assert figure("same_answer_share", honest).value == 0
    assert figure("same_answer_share", lazy).value == pytest.approx(0.5)
    assert len(figure("same_answer_share", lazy).answer_ids) == 5


def test_without_agreed_labels_nothing_is_compared_with_them() -> None:
    for collector in ("same_answer_share", "against_majority"):
        assert measure(collector, {"answers_min": 1}, some("a", "a")) is None


def test_runs_medians_gold_and_contradictions() -> None:
    assert figure("answers_in_row_same", some(*"abbba")).value == 3
    assert figure("median_seconds", some("a", seconds=1) + some("a", seconds=4) + some("a", seconds=40)).value == 4
    assert figure("gold_accuracy", some(*"aab", known="a") + some("z")).value == pytest.approx(2 / 3)
    assert figure("against_majority", some(*"aab", labels="abb")).value == pytest.approx(1 / 3)


def test_evidence_is_bounded() -> None:
    found = figure("against_majority", some(*"a" * 100, labels="b" * 100))

    assert len(found.answer_ids) == 20
    assert found.evidence(last_id=100)["last"] == 100


def test_rules_are_said_in_words() -> None:
    rule = PRESETS["too-fast"]

    assert measured_text(rule, measured=0.62, evidence={"count": 50}) == "62% of the last 50 answers took less than 2 s"
    assert limit_text(rule) == "at or above 50%"
    assert action_text(rule.action) == "pause in this project for 24 h"
    assert action_text({"do": "block", "scope": "organisation", "hours": None}) == "block everywhere until lifted"
    assert limit_text(PRESETS["daily-income"]) == "above 50.00"
    assert ends_at(rule.action, now=NOON) == NOON + timedelta(days=1)
    assert ends_at({"do": "block", "scope": "project", "hours": None}, now=NOON) is None
