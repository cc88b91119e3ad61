"""Half-way through a simulated batch, the forecast is within a tenth of what it cost in the end."""

import numpy as np
import pytest

from crowd_hitl.inference.forecasting import Rule, Standing, days_needed, fit_crowd, further_answers

TASKS = 600


def play(*, seed: int, accuracy: tuple[float, float], labels: int, rule: Rule, stop_at: int | None) -> Standing:
    """Let a crowd answer task after task, each judged as one of this accuracy; stop after so many answers in all."""
    chance = np.random.default_rng(seed)
    skill = chance.uniform(*accuracy, 40)
    truth = chance.integers(0, labels, TASKS)
    votes = np.zeros((TASKS, labels), dtype=np.int64)
    overlap = np.full(TASKS, rule.least)
    done = np.zeros(TASKS, dtype=np.bool_)
    given, mean = 0, float(skill.mean())
    while not done.all():
        for task in np.flatnonzero(~done):
            if stop_at is not None and given >= stop_at:
                return Standing(votes, overlap, done)
            right = chance.random() < chance.choice(skill)
            votes[task, truth[task] if right else (truth[task] + chance.integers(1, labels)) % labels] += 1
            given += 1
            count = int(votes[task].sum())
            if count < overlap[task]:
                continue
            weight = votes[task] * np.log(mean * (labels - 1) / (1 - mean))
            belief = np.exp(weight - weight.max())
            if belief.max() / belief.sum() >= rule.confidence or count >= rule.most:
                done[task] = True
            else:
                overlap[task] += 1
    return Standing(votes, overlap, done)


@pytest.mark.parametrize("labels", [2, 5])
@pytest.mark.parametrize("accuracy", [(0.85, 0.95), (0.6, 0.95)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_forecast_at_half_way_is_within_a_tenth(seed: int, accuracy: tuple[float, float], labels: int) -> None:
    rule = Rule(least=2, most=7, confidence=0.95)
    whole = int(play(seed=seed, accuracy=accuracy, labels=labels, rule=rule, stop_at=None).votes.sum())
    half = play(seed=seed, accuracy=accuracy, labels=labels, rule=rule, stop_at=whole // 2)

    further = further_answers(half, rule, observed=True)

    assert abs(half.votes.sum() + further.mean - whole) / whole <= 0.10
    assert further.low <= further.mean <= further.high


def test_what_is_certain_is_not_guessed() -> None:
    standing = Standing(np.array([[2, 0], [1, 0]]), np.array([2, 2]), np.array([True, False]))
    fixed = Rule(least=2, most=2, confidence=0.9)
    assert further_answers(standing, fixed, observed=True, fresh=3) == further_answers(
        standing, fixed, observed=False, fresh=3
    )
    assert further_answers(standing, fixed, observed=True, fresh=3).high == 1 + 3 * 2


def test_a_surer_label_costs_more() -> None:
    rule = Rule(least=2, most=7, confidence=0.9)
    half = play(seed=4, accuracy=(0.7, 0.9), labels=2, rule=rule, stop_at=800)
    costs = [further_answers(half, Rule(2, 7, c), observed=False).mean for c in (0.8, 0.95, 0.999)]
    assert costs == sorted(costs) and costs[0] < costs[-1]


def test_the_crowds_accuracy_is_found_and_a_pace_gives_days() -> None:
    votes = play(seed=5, accuracy=(0.8, 0.8), labels=3, rule=Rule(5, 5, 1.0), stop_at=None).votes
    accuracy, prior = fit_crowd(votes)
    assert accuracy == pytest.approx(0.8, abs=0.03)
    assert prior.sum() == pytest.approx(1.0)
    days = days_needed(
        further_answers(Standing(votes[:1], np.array([5]), np.array([True])), Rule(5, 5, 1.0), observed=True, fresh=20),
        answers=100,
        seconds=86_400.0,
    )
    assert days.low < days.mean < days.high
    assert days.mean == pytest.approx(1.0)
