"""Plays recorded answers as if they came in now: what a policy would have asked, bought and concluded.

The recorded answers of each task are put in a seeded random order and handed out in waves. What a task wants is decided
by `domain.tasks.next_step`, as in live work, or by a policy that looks at all tasks at once.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.pools import Pool, PoolPolicy
from crowd_hitl.domain.ports import Aggregator, AnswerTable, Consensus, OverlapPolicy
from crowd_hitl.domain.tasks import Next, OverlapRule, next_step
from crowd_hitl.inference.calibrating import GOLD_FREE, calibrate

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Replay:
    """What came of it: the consensus, the answers bought per task (n_tasks,), and in how many waves."""

    consensus: Consensus
    bought: Counts
    waves: int

    @property
    def answers(self) -> int:
        """Count the answers bought."""
        return int(self.bought.sum())


@dataclass(frozen=True)
class Recording:
    """Recorded answers in the order they will be given: `turns[i]` is the i-th answer's place within its task."""

    answers: AnswerTable
    turns: Counts
    recorded: Counts

    def first(self, wanted: Counts) -> AnswerTable:
        """Return the first `wanted[t]` answers of every task t."""
        taken = self.turns < wanted[self.answers.tasks]
        table = self.answers
        return replace(table, tasks=table.tasks[taken], workers=table.workers[taken], labels=table.labels[taken])


def record(answers: AnswerTable, *, seed: int) -> Recording:
    """Put every task's answers in a random order that only the seed decides."""
    size = len(answers.tasks)
    # Sorted first, so that the order of the rows in a file decides nothing.
    rows = np.lexsort((answers.labels, answers.workers, answers.tasks))
    rows = np.random.default_rng(seed).permutation(rows)
    rows = rows[np.argsort(answers.tasks[rows], kind="stable")]
    table = replace(answers, tasks=answers.tasks[rows], workers=answers.workers[rows], labels=answers.labels[rows])
    recorded = np.bincount(table.tasks, minlength=answers.n_tasks).astype(np.int64)
    starts = np.cumsum(recorded) - recorded
    turns = np.arange(size, dtype=np.int64) - starts[table.tasks]
    return Recording(answers=table, turns=turns, recorded=recorded)


def replay_fixed(recording: Recording, *, overlap: int, aggregator: Aggregator, seed: int) -> Replay:
    """Buy the first `overlap` answers of every task, or all where fewer were recorded."""
    bought = np.minimum(recording.recorded, overlap)
    consensus = aggregator.aggregate(recording.first(bought), seed=seed)
    return Replay(consensus=consensus, bought=bought, waves=1)


def replay_policy(
    recording: Recording, *, rule: OverlapRule, aggregator: Aggregator, policy: OverlapPolicy, seed: int
) -> Replay:
    """Buy `overlap_min` answers of every task, then one more for each that asks, until none does."""
    bought = np.minimum(recording.recorded, rule.overlap_min)
    waiting = np.flatnonzero(recording.recorded > bought)
    waves = 0
    while True:
        waves += 1
        consensus = aggregator.aggregate(recording.first(bought), seed=seed)
        # A task once settled stays settled: live work does not reopen it either.
        waiting = still_asking(waiting, consensus, bought, rule=rule, policy=policy)
        waiting = waiting[recording.recorded[waiting] > bought[waiting]]
        if not len(waiting):
            return Replay(consensus=consensus, bought=bought, waves=waves)
        # Each wave buys at least one more of the answers recorded, so the waves end.
        bought[waiting] += 1


@dataclass(frozen=True)
class Terms:
    """On what terms a pool is played; `affordable` answers are all the money pays for, None for no limit."""

    rule: OverlapRule
    seed: int
    affordable: int | None = None


def replay_pool(recording: Recording, terms: Terms, *, aggregator: Aggregator, policy: PoolPolicy) -> Replay:
    """Buy `overlap_min` answers of every task, then what the policy chooses of the whole pool, until it is content.

    Posteriors are calibrated without gold. The first answers count against `affordable`, but are bought in any case.
    """
    most = np.minimum(recording.recorded, terms.rule.overlap_max)
    bought = np.minimum(most, terms.rule.overlap_min)
    waves = 0
    while True:
        waves += 1
        table = recording.first(bought)
        consensus = aggregator.aggregate(table, seed=terms.seed)
        posteriors = calibrate(consensus.posteriors, bought, GOLD_FREE, softened=consensus.softened or 1.0)
        given = np.bincount(table.workers, minlength=table.n_workers)
        pool = Pool(
            posteriors=posteriors,
            answers=bought.astype(np.int32),
            coming=np.zeros(len(bought), dtype=np.int32),
            left=(most - bought).astype(np.int32),
            skills=consensus.skills,
            given=given.astype(np.int32),
            confidence_target=terms.rule.confidence_target,
            affordable=None if terms.affordable is None else max(0, terms.affordable - int(bought.sum())),
        )
        chosen = policy.choose(pool)
        if not len(chosen):
            return Replay(replace(consensus, posteriors=posteriors), bought=bought, waves=waves)
        # Each wave buys at least one more of the answers recorded, so the waves end.
        bought[chosen] += 1


def still_asking(
    waiting: Counts, consensus: Consensus, bought: Counts, *, rule: OverlapRule, policy: OverlapPolicy
) -> Counts:
    """Keep the tasks that want a further answer."""
    asking = []
    for task, posterior in zip(waiting.tolist(), consensus.posteriors[waiting].tolist(), strict=True):
        given = int(bought[task])
        enough = policy.enough(posterior, answers=given, confidence_target=rule.confidence_target)
        if next_step(rule, answers=given, confidence=max(posterior), enough=enough) is Next.ASK:
            asking.append(task)
    return np.array(asking, dtype=np.int64)
