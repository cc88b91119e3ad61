"""A replay buys what live work would have bought."""

import numpy as np

from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.domain.tasks import Next, OverlapRule, next_step
from crowd_hitl.inference.replaying import record, replay_fixed, replay_policy
from crowd_hitl.plugins.aggregators.majority_vote import plugin as majority
from crowd_hitl.plugins.aggregators.pooled import plugin as pooled
from crowd_hitl.plugins.policies.fixed import plugin as fixed
from crowd_hitl.plugins.policies.posterior import plugin as posterior

RULE = OverlapRule(overlap_min=2, overlap_max=4, confidence_target=0.95)


def a_recording(votes: list[list[int]]) -> AnswerTable:
    """One list of labels a task; the i-th answer of every task is worker i's."""
    rows = [(task, worker, label) for task, labels in enumerate(votes) for worker, label in enumerate(labels)]
    columns = np.array(rows, dtype=np.int32)
    return AnswerTable(columns[:, 0], columns[:, 1], columns[:, 2], n_tasks=len(votes), n_workers=9, n_labels=2)


def test_agreement_stops_at_the_least_overlap_and_dispute_goes_to_the_most() -> None:
    recording = record(a_recording([[1] * 6, [0, 1] * 3]), seed=1)

    replay = replay_policy(recording, rule=RULE, aggregator=majority, policy=posterior, seed=1)

    assert replay.bought[0] == 2
    assert replay.bought[1] in (2, 4)


def test_no_more_is_bought_than_was_recorded() -> None:
    recording = record(a_recording([[1], [0, 1, 1]]), seed=1)

    replay = replay_policy(recording, rule=RULE, aggregator=majority, policy=fixed, seed=1)

    assert replay.bought.tolist() == [1, 3]


def test_a_task_without_answers_stays_unknown() -> None:
    table = a_recording([[1, 1], [0, 0]])
    table = AnswerTable(table.tasks, table.workers, table.labels, n_tasks=3, n_workers=9, n_labels=2)

    replay = replay_policy(record(table, seed=1), rule=RULE, aggregator=pooled, policy=posterior, seed=1)

    assert replay.bought.tolist() == [2, 2, 0]
    np.testing.assert_allclose(replay.consensus.posteriors[2], 0.5)


def test_fixed_overlap_buys_the_first_answers_of_each_task() -> None:
    recording = record(a_recording([[1] * 5, [0] * 2]), seed=1)

    replay = replay_fixed(recording, overlap=3, aggregator=majority, seed=1)

    assert replay.bought.tolist() == [3, 2]
    assert replay.answers == 5


def test_the_policy_that_never_stops_equals_fixed_overlap() -> None:
    recording = record(a_recording([[1, 0, 1, 1, 0], [0, 0, 1, 0, 1]]), seed=3)

    asked = replay_policy(recording, rule=RULE, aggregator=pooled, policy=fixed, seed=1)
    taken = replay_fixed(recording, overlap=4, aggregator=pooled, seed=1)

    np.testing.assert_array_equal(asked.consensus.posteriors, taken.consensus.posteriors)


def test_the_seed_alone_decides_the_order_not_the_rows_of_the_file() -> None:
    table = a_recording([[1, 0, 1, 1, 0]] * 20)
    back = AnswerTable(table.tasks[::-1], table.workers[::-1], table.labels[::-1], 20, 9, 2)

    one, same, other = record(table, seed=1), record(back, seed=1), record(table, seed=2)

    np.testing.assert_array_equal(one.answers.workers, same.answers.workers)
    assert (one.answers.workers != other.answers.workers).any()


def test_every_task_ends_where_the_domains_rule_ends_it() -> None:
    chance = np.random.default_rng(5)
    recording = record(a_recording(chance.integers(0, 2, (60, 8)).tolist()), seed=1)

    replay = replay_policy(recording, rule=RULE, aggregator=majority, policy=posterior, seed=1)

    for task, given in enumerate(replay.bought.tolist()):
        confidence = float(replay.consensus.posteriors[task].max())
        assert next_step(RULE, answers=given, confidence=confidence) in (Next.AGREED, Next.GIVE_UP)
