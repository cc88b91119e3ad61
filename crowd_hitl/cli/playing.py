"""Plays one policy over recorded answers, in one order or several, and puts what came of it in a line."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from crowd_hitl.cli.live_replay import Terms as LiveTerms
from crowd_hitl.cli.live_replay import play
from crowd_hitl.cli.recorded import Recorded
from crowd_hitl.domain.money import units
from crowd_hitl.domain.pools import PoolPolicy
from crowd_hitl.domain.ports import Floats, Plugins
from crowd_hitl.domain.quotes import LARGEST_OVERLAP
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.comparing import paired_bounds, right_shares
from crowd_hitl.inference.pooled import PooledSettings
from crowd_hitl.inference.replaying import Recording, Terms, record, replay_fixed, replay_policy, replay_pool
from crowd_hitl.plugins.aggregators.pooled import PooledAggregator

# The policies as the table names them, and the plug-ins that they are.
POLICIES = {"margin": "margin", "posterior": "posterior", "entropy": "entropy", "default": "least_sure"}
# Above this many answers, and for several orders, the domain's rules are played on arrays; a test shows that both
# decide alike.
LIVE_ANSWERS = 10_000
OVERLAP_MIN = 2
FEWEST_OPTIONS, MOST_OPTIONS, LONGEST_OPTION = 2, 1000, 200
# Of all answers, what `entropy` may buy when nobody says.
BUDGET_SHARE = 0.5


@dataclass(frozen=True)
class Asked:
    """What is to be played: the price, the target, the budget of `entropy`, and the seeds of the orders."""

    price_micros: int
    confidence: float
    budget_micros: int | None
    seeds: range


@dataclass(frozen=True)
class Games:
    """A recorded set and what is to be played with it."""

    recorded: Recorded
    asked: Asked

    @cached_property
    def most(self) -> int:
        """Return how many answers of different workers the fullest item has."""
        table = self.recorded.answers.with_one_voice().table
        return min(int(np.bincount(table.tasks).max()), LARGEST_OVERLAP)

    @property
    def rule(self) -> OverlapRule:
        """Return the rule of policies that look at one task at a time."""
        return OverlapRule(min(OVERLAP_MIN, self.most), self.most, self.asked.confidence)

    @property
    def is_live(self) -> bool:
        """Say whether the full services play it: not too large, and with labels a question can have as options."""
        labels = self.recorded.answers.labels
        fits = FEWEST_OPTIONS <= len(labels) <= MOST_OPTIONS and max(map(len, labels)) <= LONGEST_OPTION
        return fits and len(self.asked.seeds) == 1 and len(self.recorded.answers.table.tasks) <= LIVE_ANSWERS

    @property
    def affordable(self) -> int:
        """Return how many answers the budget of `entropy` pays for."""
        if self.asked.budget_micros is None:
            return round(BUDGET_SHARE * len(self.recorded.answers.table.tasks))
        return self.asked.budget_micros // self.asked.price_micros


@dataclass(frozen=True)
class Play:
    """What one play came to; `right` is per known item, None where no truth is known."""

    right: Floats | None
    answers: int
    spent_micros: int


@dataclass(frozen=True)
class Line:
    """One policy's line: the mean over its plays, their spread, and the difference to `full` with its bounds."""

    policy: str
    by: str
    plays: list[Play]
    full: Play
    items: int

    def row(self) -> dict[str, Any]:
        """Return the line as the table and `--json` show it; accuracies are None where no truth is known."""
        answers = np.array([play.answers for play in self.plays])
        mean = float(answers.mean())
        spent = round(sum(play.spent_micros for play in self.plays) / len(self.plays))
        return {
            "policy": self.policy,
            **self._accuracy(),
            "answers": int(mean) if mean.is_integer() else round(mean, 1),
            "share": round(mean / self.full.answers, 4),
            "share_sd": round(float(answers.std(ddof=1)) / self.full.answers, 4) if len(answers) > 1 else None,
            "answers_per_item": round(mean / self.items, 4),
            "cost": units(spent),
            "by": self.by,
        }

    def _accuracy(self) -> dict[str, float | None]:
        found = [play.right for play in self.plays if play.right is not None]
        if not found or self.full.right is None or not len(self.full.right):
            return dict.fromkeys(("accuracy", "accuracy_sd", "difference", "low", "high"))
        each = np.array([right.mean() for right in found])
        differences = 100.0 * (np.mean(found, axis=0) - self.full.right)
        low, high = paired_bounds(differences, seed=0)
        return {
            "accuracy": round(float(each.mean()), 6),
            "accuracy_sd": round(float(each.std(ddof=1)), 6) if len(each) > 1 else None,
            "difference": round(float(differences.mean()), 3),
            "low": round(low, 3),
            "high": round(high, 3),
        }


def play_full(games: Games, plugins: Plugins) -> Line:
    """Weigh all answers by Dawid–Skene: what the others are compared with."""
    table = games.recorded.answers.table
    everything = plugins.aggregators["dawid_skene"].aggregate(table, seed=games.asked.seeds[0])
    found = _play(games, everything.posteriors, answers=len(table.tasks))
    return Line("full", "dawid-skene", [found], found, len(games.recorded.answers.tasks))


def play_policy(name: str, games: Games, plugins: Plugins, full: Play, told: Callable[[], None]) -> Line:
    """Play one policy in every order; `told` hears of each play that is done."""
    by, once = _way(name, games, plugins)
    voices = games.recorded.answers.with_one_voice().table
    plays = []
    for seed in games.asked.seeds:
        plays.append(once(record(voices, seed=seed), seed))
        told()
    return Line(name, by, plays, full, len(games.recorded.answers.tasks))


def _way(name: str, games: Games, plugins: Plugins) -> tuple[str, Callable[[Recording, int], Play]]:
    if name.startswith("fixed-"):
        return "pooled", partial(_fixed, games, plugins, int(name.removeprefix("fixed-")))
    policy = plugins.policies[POLICIES[name]]
    if isinstance(policy, PoolPolicy):
        affordable = games.affordable if name == "entropy" else None
        return f"{policy.name}, pooled, on arrays", partial(pool_on_arrays, games, policy, affordable)
    if name == "posterior" and games.is_live:
        return "pooled, through the services", partial(posterior_live, games)
    return "pooled, on arrays", partial(policy_on_arrays, games, plugins, name)


def _fixed(games: Games, plugins: Plugins, overlap: int, recording: Recording, seed: int) -> Play:
    fixed = replay_fixed(recording, overlap=overlap, aggregator=plugins.aggregators["pooled"], seed=seed)
    return _play(games, fixed.consensus.posteriors, answers=fixed.answers)


def pool_on_arrays(games: Games, policy: PoolPolicy, affordable: int | None, recording: Recording, seed: int) -> Play:
    """Play a policy that looks at the whole pool, on calibrated posteriors."""
    terms = Terms(rule=replace(games.rule, overlap_min=1), seed=seed, affordable=affordable)
    uncalibrated = PooledAggregator(PooledSettings(temperature=1.0))
    played = replay_pool(recording, terms, aggregator=uncalibrated, policy=policy)
    return _play(games, played.consensus.posteriors, answers=played.answers)


def posterior_live(games: Games, recording: Recording, seed: int) -> Play:
    """Play the policy `posterior` through the full services."""
    answers = games.recorded.answers
    terms = LiveTerms(rule=games.rule, price_micros=games.asked.price_micros, seed=seed, progress=lambda given: None)
    played = play(recording, answers, terms)
    chosen = np.zeros((len(played.labels), len(answers.labels)))
    labelled = np.flatnonzero(played.labels >= 0)
    chosen[labelled, played.labels[labelled]] = 1.0
    return replace(_play(games, chosen, answers=int(played.bought.sum())), spent_micros=played.spent_micros)


def policy_on_arrays(games: Games, plugins: Plugins, name: str, recording: Recording, seed: int) -> Play:
    """Play a policy that looks at one task at a time by the domain's rules."""
    pooled, policy = plugins.aggregators["pooled"], plugins.policies[POLICIES[name]]
    played = replay_policy(recording, rule=games.rule, aggregator=pooled, policy=policy, seed=seed)
    return _play(games, played.consensus.posteriors, answers=played.answers)


def _play(games: Games, posteriors: Floats, *, answers: int) -> Play:
    truth = games.recorded.truth
    right = None if truth is None else right_shares(posteriors, truth)
    return Play(right=right, answers=answers, spent_micros=answers * games.asked.price_micros)
