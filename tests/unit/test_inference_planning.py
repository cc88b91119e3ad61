"""The overlap planner: what it forecasts from a pilot comes true, and what it cannot know it says."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.planning import Band, Effort, Plan, Point, Ways, at_least_chance, plan
from crowd_hitl.inference.redrawing import Pilot, Urn, turn_among_equals
from crowd_hitl.inference.replaying import record, replay_fixed, replay_policy
from crowd_hitl.inference.ties import accuracy
from crowd_hitl.plugins.aggregators.pooled import plugin as pooled
from crowd_hitl.plugins.policies.posterior import plugin as posterior

WORKERS = 25
RULE = OverlapRule(overlap_min=2, overlap_max=5, confidence_target=0.95)
WAYS = Ways({"pooled": pooled}, {"posterior": posterior}, weigher="pooled", rule=RULE, most_fixed=5)
Truth = NDArray[np.int32]


def a_pilot(*, tasks: int = 150, each: int = 5, seed: int = 0) -> Pilot:
    """Workers who are right in 60 to 90 of 100 cases."""
    chance = np.random.default_rng(seed)
    skills = np.random.default_rng(99).uniform(0.6, 0.9, WORKERS)
    truth = chance.integers(0, 3, tasks).astype(np.int32)
    rows = np.repeat(np.arange(tasks, dtype=np.int32), each)
    workers = np.concatenate([chance.permutation(WORKERS)[:each] for _ in range(tasks)]).astype(np.int32)
    right = chance.random(len(rows)) < skills[workers]
    labels = np.where(right, truth[rows], (truth[rows] + chance.integers(1, 3, len(rows))) % 3).astype(np.int32)
    return Pilot(AnswerTable(rows, workers, labels, tasks, WORKERS, 3), truth)


def the_stop(planned: Plan) -> Point:
    return next(point for point in planned.points if point.policy == "posterior")


def test_the_rest_costs_and_is_as_right_as_forecast() -> None:
    """Given pilots of 150 items, most bands hold what the same crowd does on 600 further ones."""
    kept = []
    for seed in range(6):
        planned = plan(a_pilot(seed=seed), WAYS, Effort(items=600, seed=seed))
        rest = a_pilot(tasks=600, seed=100 + seed)
        assert rest.truth is not None
        recording = record(rest.answers, seed=seed)
        for point in planned.points:
            if point.policy == "posterior":
                replay = replay_policy(recording, rule=RULE, aggregator=pooled, policy=posterior, seed=0)
                kept.append(point.answers.low <= replay.bought.mean() <= point.answers.high)
            else:
                replay = replay_fixed(recording, overlap=point.overlap, aggregator=pooled, seed=0)
            kept.append(point.score.low <= accuracy(replay.consensus.posteriors, rest.truth) <= point.score.high)
    assert np.mean(kept) >= 0.75


def test_more_answers_cost_more_and_are_more_often_right() -> None:
    points = [point for point in plan(a_pilot(), WAYS, Effort()).points if point.policy == "fixed"]

    assert [point.answers.mean for point in points] == [1, 2, 3, 4, 5]
    assert points[-1].score.mean > points[0].score.mean + 0.1
    assert all(point.score.low <= point.score.mean <= point.score.high for point in points)


def test_what_goes_beyond_the_pilots_overlap_is_marked() -> None:
    planned = plan(a_pilot(each=2), WAYS, Effort(resamples=4))

    fixed = {point.overlap: point for point in planned.points if point.policy == "fixed"}
    assert [fixed[overlap].is_extrapolated for overlap in (1, 2, 3, 5)] == [False, False, True, True]
    assert fixed[5].imagined == pytest.approx(0.6)
    assert the_stop(planned).is_extrapolated


def test_what_is_extrapolated_comes_near_to_what_is_seen() -> None:
    seen = plan(a_pilot(tasks=400), WAYS, Effort(resamples=8))
    guessed = plan(Pilot(*thinned(a_pilot(tasks=400), 3)), WAYS, Effort(resamples=8))

    for one, other in zip(seen.points, guessed.points, strict=True):
        assert abs(one.score.mean - other.score.mean) < 0.05


def thinned(pilot: Pilot, each: int) -> tuple[AnswerTable, Truth | None]:
    """Keep the first answers of every item."""
    recording = record(pilot.answers, seed=1)
    return recording.first(np.full(pilot.answers.n_tasks, each)), pilot.truth


def test_without_truth_the_score_is_an_estimate_and_says_so() -> None:
    planned = plan(replace(a_pilot(), truth=None), WAYS, Effort(resamples=5))

    assert (planned.is_estimated, planned.known) == (True, 0)
    assert 0.5 < the_stop(planned).score.mean < 1.0


def test_a_few_known_labels_score_but_with_a_wide_band() -> None:
    pilot = a_pilot()
    assert pilot.truth is not None
    truth = np.where(np.arange(len(pilot.truth)) < 25, pilot.truth, -1).astype(np.int32)

    planned = plan(replace(pilot, truth=truth), WAYS, Effort(resamples=10))

    assert (planned.is_estimated, planned.known) == (False, 25)
    assert the_stop(planned).score.high - the_stop(planned).score.low > 0.1


def test_the_same_seed_plans_the_same_whatever_the_order_of_the_rows() -> None:
    pilot = a_pilot()
    order = np.random.default_rng(3).permutation(len(pilot.answers.tasks))
    table = pilot.answers
    turned = replace(table, tasks=table.tasks[order], workers=table.workers[order], labels=table.labels[order])

    assert plan(pilot, WAYS, Effort(resamples=3)) == plan(replace(pilot, answers=turned), WAYS, Effort(resamples=3))


def test_progress_is_told() -> None:
    told: list[int] = []

    plan(a_pilot(tasks=20), WAYS, Effort(resamples=3), told.append)

    assert told == [1, 2, 3]


def test_imagined_answers_come_only_where_there_are_no_others() -> None:
    pilot = a_pilot(tasks=30, each=3)

    redrawn = Urn(pilot, is_measured=True).draw(size=50, most=6, chance=np.random.default_rng(0))

    assert redrawn.imagined.tolist() == [[False] * 3 + [True] * 3] * 50
    assert redrawn.share_imagined(np.full(50, 4)) == 0.25


def test_twenty_of_twenty_right_prove_little() -> None:
    assert at_least_chance(Band(1.0, 1.0, 1.0), 20).low < 0.95


def test_equals_are_numbered_among_themselves() -> None:
    assert turn_among_equals(np.array([5, 3, 5, 5, 3])).tolist() == [0, 0, 1, 2, 1]


def test_a_pilot_of_a_handful_is_refused() -> None:
    with pytest.raises(BadInput, match="10 answered items or more, found 9"):
        plan(a_pilot(tasks=9), WAYS, Effort())
    with pytest.raises(BadInput, match="resamples"):
        plan(a_pilot(), WAYS, Effort(resamples=1))
