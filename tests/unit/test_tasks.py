"""When a task has answers enough, and what names a voice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.assignments import replaceable_until
from crowd_hitl.domain.tasks import Next, OverlapRule, next_step, position, voice_key

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CONFIDENCES = st.floats(min_value=0, max_value=1)


@st.composite
def rules(draw: st.DrawFn) -> OverlapRule:
    least = draw(st.integers(1, 10))
    return OverlapRule(least, draw(st.integers(least, 20)), draw(st.floats(min_value=0.01, max_value=1)))


@given(rules(), st.integers(0, 30), CONFIDENCES)
def test_each_step_follows_from_the_counts_and_the_confidence(
    rule: OverlapRule, answers: int, confidence: float
) -> None:
    step = next_step(rule, answers=answers, confidence=confidence)

    sure = confidence >= rule.confidence_target
    assert (step is Next.WAIT) == (answers < rule.overlap_min)
    assert (step is Next.AGREED) == (answers >= rule.overlap_min and sure)
    assert (step is Next.GIVE_UP) == (answers >= rule.overlap_max and not sure)
    assert (step is Next.ASK) == (rule.overlap_min <= answers < rule.overlap_max and not sure)


@given(rules(), CONFIDENCES)
def test_asking_ends_at_the_largest_overlap_at_the_latest(rule: OverlapRule, confidence: float) -> None:
    answers = rule.overlap_min
    while next_step(rule, answers=answers, confidence=confidence) is Next.ASK:
        answers += 1

    assert rule.overlap_min <= answers <= rule.overlap_max


@given(rules(), st.integers(0, 30), CONFIDENCES, st.booleans())
def test_a_policys_own_verdict_replaces_the_target(
    rule: OverlapRule, answers: int, confidence: float, enough: bool
) -> None:
    same = next_step(rule, answers=answers, confidence=1.0 if enough else -1.0)

    assert next_step(rule, answers=answers, confidence=confidence, enough=enough) is same


@given(st.tuples(st.integers(1), st.integers(1)), st.tuples(st.integers(1), st.integers(1)))
def test_a_voice_is_an_item_under_a_question(one: tuple[int, int], other: tuple[int, int]) -> None:
    keys = [voice_key(item_id=item, question_version_id=question) for item, question in (one, other)]

    assert (keys[0] == keys[1]) == (one == other)


@given(st.integers(1, 10**6), st.integers(0, 10**5))
def test_what_joins_later_stands_further_back(microseconds: int, offset: int) -> None:
    after = NOON + timedelta(microseconds=microseconds)

    assert position(after, offset=offset) >= position(NOON, offset=offset)
    assert position(NOON, offset=offset) == position(NOON) + offset


def test_an_answer_can_be_replaced_for_a_minute() -> None:
    assert replaceable_until(NOON) == NOON + timedelta(seconds=60)
