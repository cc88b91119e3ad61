"""The overlap planner: what accuracy costs, from a pilot, for each model and policy, with bands.

The pilot is redrawn again and again (`redrawing`); every number of answers, model and policy is played on each redraw
and scored. A point whose answers are in part imagined, because the pilot has no more of them, says so: it rests on the
fitted workers, not on what was seen. Without truth the score is what the fitted crowd expects of itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.pools import PoolPolicy
from crowd_hitl.domain.ports import Aggregator, OverlapPolicy
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.redrawing import Pilot, Redrawn, Urn
from crowd_hitl.inference.replaying import Recording, Replay, Terms, replay_fixed, replay_policy, replay_pool
from crowd_hitl.inference.ties import accuracy

Floats = NDArray[np.float64]

FIXED = "fixed"
LOW, HIGH = 0.05, 0.95
# Redrawing more tasks takes longer and tells little more; far fewer than are to come show less of the workers.
MOST_TASKS = 6_000
FEWEST_TASKS = 10
# With fewer known labels accuracy is estimated by the crowd itself.
FEWEST_KNOWN = 20
# A point with a larger share of imagined answers rests on the model of the workers.
SEEN_ENOUGH = 0.02
# What a policy buys depends on more than the redraws know: new workers, items that come in another order. As a
# standard deviation, relative; measured as what was missing on five sets, and then held on others (decision 010).
UNFORESEEN = 0.06
SIGMAS = 1.645


@dataclass(frozen=True)
class Band:
    """A mean, and the bounds that nine redraws out of ten keep."""

    mean: float
    low: float
    high: float

    def times(self, factor: float) -> "Band":
        """Return the band of a multiple."""
        return Band(self.mean * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Point:
    """One way to buy: `policy` (with `overlap` answers at most) weighed by `model`.

    Each with its band: `answers` per item, `score` 0..1, `sure`, the share of items at the confidence wanted, and
    `agreement`, the share of labels that are those which all the pilot's answers come to.
    `imagined` is the share of the answers that the pilot did not have.
    """

    model: str
    policy: str
    overlap: int
    answers: Band
    score: Band
    sure: Band
    agreement: Band
    imagined: float

    @property
    def is_extrapolated(self) -> bool:
        """Say whether it rests on imagined answers."""
        return self.imagined > SEEN_ENOUGH


@dataclass(frozen=True)
class Plan:
    """All points of the chart. `is_estimated`: the score is the crowd's own estimate, for want of known labels."""

    points: Sequence[Point]
    pilot_tasks: int
    pilot_answers: int
    known: int
    is_estimated: bool


@dataclass(frozen=True)
class Ways:
    """What is tried: every model with 1 … `most_fixed` answers each, every policy with the posteriors of `weigher`."""

    models: Mapping[str, Aggregator]
    policies: Mapping[str, OverlapPolicy | PoolPolicy]
    weigher: str
    rule: OverlapRule
    most_fixed: int = 7


@dataclass(frozen=True)
class Effort:
    """How many items are to come (None: as many as the pilot has), how often is redrawn, and from which seed."""

    items: int | None = None
    resamples: int = 20
    seed: int = 0


@dataclass
class Seen:
    """What one way came to in each redraw."""

    answers: list[float]
    scores: list[float]
    sure: list[float]
    agreement: list[float]
    imagined: list[float]


Way = tuple[str, str, int]


def plan(pilot: Pilot, ways: Ways, effort: Effort, told: Callable[[int], None] = lambda done: None) -> Plan:
    """Return every way's answers per item and score. Refuses a pilot of fewer than 10 answered items.

    `told` hears how many redraws are done.
    """
    truth = pilot.truth
    asked = np.bincount(pilot.answers.tasks, minlength=pilot.answers.n_tasks) > 0
    if asked.sum() < FEWEST_TASKS:
        raise bad_field("pilot", expected=f"{FEWEST_TASKS} answered items or more", found=int(asked.sum()))
    if effort.resamples < 2:
        raise bad_field("resamples", expected="2 or more", found=effort.resamples)
    known = 0 if truth is None else int((asked & (truth != -1)).sum())
    urn = Urn(pilot, is_measured=known >= FEWEST_KNOWN)
    size = min(MOST_TASKS, effort.items or int(asked.sum()))
    most = max(ways.most_fixed, ways.rule.overlap_max)
    seen: dict[Way, Seen] = {}
    for done in range(effort.resamples):
        redrawn = urn.draw(size=size, most=most, chance=np.random.default_rng((effort.seed, done)))
        for way, replay in played(redrawn, ways, seed=effort.seed):
            note(
                seen.setdefault(way, Seen([], [], [], [], [])), redrawn, replay, confidence=ways.rule.confidence_target
            )
        told(done + 1)
    return Plan(
        points=[_point(way, found, known) for way, found in seen.items()],
        pilot_tasks=int(asked.sum()),
        pilot_answers=len(pilot.answers.tasks),
        known=known,
        is_estimated=known < FEWEST_KNOWN,
    )


def played(redrawn: Redrawn, ways: Ways, *, seed: int) -> Iterator[tuple[Way, Replay]]:
    """Play every way on one redraw."""
    for model, aggregator in ways.models.items():
        for overlap in range(1, ways.most_fixed + 1):
            replay = replay_fixed(redrawn.recording, overlap=overlap, aggregator=aggregator, seed=seed)
            yield (model, FIXED, overlap), replay
    weigher = ways.models[ways.weigher]
    for policy_name, policy in ways.policies.items():
        recording = _at_most(redrawn, ways.rule.overlap_max)
        if isinstance(policy, PoolPolicy):
            replay = replay_pool(recording, Terms(ways.rule, seed), aggregator=weigher, policy=policy)
        else:
            replay = replay_policy(recording, rule=ways.rule, aggregator=weigher, policy=policy, seed=seed)
        yield (ways.weigher, policy_name, ways.rule.overlap_max), replay


def note(seen: Seen, redrawn: Redrawn, replay: Replay, *, confidence: float) -> None:
    """Write down what one way came to."""
    posteriors = replay.consensus.posteriors
    seen.answers.append(float(replay.bought.mean()))
    seen.scores.append(accuracy(posteriors, redrawn.truth))
    seen.sure.append(float((posteriors.max(axis=1) >= confidence).mean()))
    seen.agreement.append(accuracy(posteriors, redrawn.agreed))
    seen.imagined.append(redrawn.share_imagined(replay.bought))


def band(values: Sequence[float]) -> Band:
    """Return the mean and the bounds of the middle nine tenths."""
    low, high = np.quantile(values, (LOW, HIGH))
    return Band(mean=float(np.mean(values)), low=float(low), high=float(high))


def widened(found: Band) -> Band:
    """Add to a band what the redraws cannot know."""
    more = (SIGMAS * UNFORESEEN * found.mean) ** 2
    low = found.mean - np.sqrt((found.mean - found.low) ** 2 + more)
    high = found.mean + np.sqrt((found.high - found.mean) ** 2 + more)
    return Band(mean=found.mean, low=max(1.0, float(low)), high=float(high))


def at_least_chance(found: Band, known: int) -> Band:
    """Keep a band as wide as so few known labels demand (Jeffreys): twenty of twenty right prove little."""
    right, wrong = found.mean * known + 0.5, (1.0 - found.mean) * known + 0.5
    low, high = (float(betaincinv(right, wrong, bound)) for bound in (LOW, HIGH))
    return Band(mean=found.mean, low=min(found.low, low), high=max(found.high, high))


def _at_most(redrawn: Redrawn, overlap: int) -> Recording:
    recording = redrawn.recording
    return replace(recording, recorded=np.minimum(recording.recorded, overlap))


def _point(way: Way, seen: Seen, known: int) -> Point:
    model, policy, overlap = way
    score = band(seen.scores)
    return Point(
        model=model,
        policy=policy,
        overlap=overlap,
        answers=band(seen.answers) if policy == FIXED else widened(band(seen.answers)),
        score=score if known < FEWEST_KNOWN else at_least_chance(score, known),
        sure=band(seen.sure),
        agreement=band(seen.agreement),
        imagined=float(np.mean(seen.imagined)),
    )
