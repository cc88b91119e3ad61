"""One turn of the loop: what is asked and why, where a prediction goes, what follows, and when the loop is over."""

from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.quotes import BatchTerms, check_terms
from crowd_hitl.domain.tasks import OverlapRule


@dataclass(frozen=True)
class Promise:
    """ "At most `max_error` of the labels delivered are wrong", which may fail with probability `delta`."""

    max_error: float
    delta: float


class Phase(StrEnum):
    """What a round buys, in the order in which a loop goes through them.

    `reference`: random items at high overlap, gold that no model learns from. `learn`: what teaches the model most.
    `doubtful`: what the model cannot tell goes to people. `recheck`: labels the model contradicts are asked again.
    `audit`: a random sample of everything delivered, at high overlap. `confirm`: more answers where the audit
    contradicts what would be delivered, before it counts as an error.
    """

    REFERENCE = "reference"
    LEARN = "learn"
    DOUBTFUL = "doubtful"
    RECHECK = "recheck"
    AUDIT = "audit"
    CONFIRM = "confirm"
    CERTIFY = "certify"
    STOPPED = "stopped"


class StopReason(StrEnum):
    """Why a loop ended."""

    PROMISE = "promise"
    BUDGET = "budget"
    EXHAUSTED = "exhausted"
    BY_HAND = "by_hand"


@dataclass(frozen=True)
class LoopPolicy:
    """How a loop spends. Each kind of round has its overlap (least, most) and the confidence that ends asking."""

    price: str = "0.05"
    lease_seconds: int = 900
    round_items: int = 100
    random_share: float = 0.2
    overlap_min: int = 2
    overlap_max: int = 6
    confidence_target: float = 0.95
    gold_rate: float = 0.03
    reference_items: int = 60
    reference_overlap_min: int = 2
    reference_overlap_max: int = 9
    reference_confidence: float = 0.99
    agreement_min: float = 0.99
    agreement_rounds: int = 2
    rounds_max: int = 100
    confidence_min: float = 0.5
    recheck_overlap_min: int = 2
    recheck_overlap_max: int = 5
    confirm_overlap_min: int = 2
    confirm_overlap_max: int = 5
    audit_items: int = 250
    audit_step: int = 100
    looks: int = 4
    max_error: float = 0.03
    delta: float = 0.05
    learner: str = "auto"
    strategy: str = "margin"
    certifier: str = "finite_pool"
    aggregator: str = "pooled"
    # weigh the model's out-of-fold word with people's answers, where these show that it helps
    joint: bool = True

    @property
    def promise(self) -> Promise:
        """What the loop works towards."""
        return Promise(self.max_error, self.delta)

    def as_json(self) -> dict[str, Any]:
        """Return the policy as it is stored."""
        return asdict(self)


def policy_from(given: dict[str, Any]) -> LoopPolicy:
    """Read a policy from loose settings; BadInput names what is unknown or cannot work."""
    known = {field.name: field.default for field in fields(LoopPolicy)}
    for name, value in given.items():
        if name not in known:
            raise bad_field(name, expected=f"one of {', '.join(sorted(known))}", found=name)
        default = known[name]
        right = isinstance(value, int | float) if isinstance(default, float) else isinstance(value, type(default))
        if not right or isinstance(value, bool) != isinstance(default, bool):
            raise bad_field(name, expected=f"a {type(default).__name__}", found=value)
    policy = LoopPolicy(**given)
    check_policy(policy)
    return policy


SHARES = ("random_share", "agreement_min", "confidence_min", "gold_rate")
CHANCES = ("max_error", "delta", "confidence_target", "reference_confidence")
COUNTS = ("round_items", "audit_items", "audit_step", "rounds_max", "looks", "agreement_rounds")


def check_policy(policy: LoopPolicy) -> None:
    """Refuse a policy that cannot work, naming the field."""
    for name in SHARES:
        _require(policy, name, expected="0 to 1", holds=0 <= getattr(policy, name) <= 1)
    for name in CHANCES:
        _require(policy, name, expected="between 0 and 1", holds=0 < getattr(policy, name) < 1)
    for name in COUNTS:
        _require(policy, name, expected="1 or more", holds=getattr(policy, name) >= 1)
    for kind in ("", "reference_", "recheck_", "confirm_"):
        least, most = getattr(policy, f"{kind}overlap_min"), getattr(policy, f"{kind}overlap_max")
        if not 1 <= least <= most:
            raise bad_field(f"{kind}overlap_max", expected=f"{kind}overlap_min ({least}) or more", found=most)
    price_micros = micros(policy.price, field="price")
    for phase in (Phase.LEARN, Phase.REFERENCE, Phase.RECHECK, Phase.CONFIRM):
        terms = terms_of(phase, policy)
        overlap = OverlapRule(terms.overlap_min, terms.overlap_max, terms.confidence_target)
        check_terms(BatchTerms(price_micros, "USD", overlap, policy.lease_seconds, terms.gold_rate))


def _require(policy: LoopPolicy, name: str, *, expected: str, holds: bool) -> None:
    if not holds:
        raise bad_field(name, expected=expected, found=getattr(policy, name))


@dataclass(frozen=True)
class Terms:
    """The overlap and confidence of one round's batch."""

    overlap_min: int
    overlap_max: int
    confidence_target: float
    gold_rate: float = 0.0


def terms_of(phase: Phase, policy: LoopPolicy) -> Terms:
    """Say how a round of this phase is asked: what must serve as a reference is asked at high overlap."""
    sure = policy.reference_confidence
    if phase == Phase.REFERENCE:
        return Terms(policy.reference_overlap_min, policy.reference_overlap_max, sure)
    if phase == Phase.AUDIT:
        return Terms(policy.reference_overlap_min, policy.reference_overlap_max, sure, policy.gold_rate)
    if phase == Phase.RECHECK:
        return Terms(policy.recheck_overlap_min, policy.recheck_overlap_max, sure)
    if phase == Phase.CONFIRM:
        return Terms(policy.confirm_overlap_min, policy.confirm_overlap_max, sure)
    return Terms(policy.overlap_min, policy.overlap_max, policy.confidence_target, policy.gold_rate)


@dataclass(frozen=True)
class Facts:
    """What is known when a round is done: what the next phase depends on.

    `agreements`: per round since the last audit, the share of unlabelled items whose predicted class stayed.
    `near`: the last audit missed the promise by so little that a larger sample may prove it.
    """

    unlabelled: int
    learn_rounds: int
    agreements: tuple[float, ...] = ()
    looks_taken: int = 0
    kept: bool = False
    near: bool = False


FOLLOWS = {
    Phase.REFERENCE: Phase.LEARN,
    Phase.DOUBTFUL: Phase.RECHECK,
    Phase.RECHECK: Phase.AUDIT,
    Phase.AUDIT: Phase.CONFIRM,
    Phase.CONFIRM: Phase.CERTIFY,
}


def next_phase(phase: Phase, facts: Facts, policy: LoopPolicy) -> Phase:
    """Say what follows a finished round.

    Without a look left the promise cannot be proved any more: people label the rest while there is money.
    """
    if phase in FOLLOWS:
        return FOLLOWS[phase]
    looks_left = facts.looks_taken < policy.looks
    if phase == Phase.LEARN:
        if not looks_left:
            return Phase.LEARN if facts.unlabelled else Phase.STOPPED
        return Phase.DOUBTFUL if learned_enough(facts, policy) else Phase.LEARN
    if facts.kept:
        return Phase.STOPPED
    if looks_left and facts.near:
        return Phase.AUDIT
    if facts.unlabelled:
        return Phase.LEARN
    return Phase.DOUBTFUL if looks_left else Phase.STOPPED


def learned_enough(facts: Facts, policy: LoopPolicy) -> bool:
    """Say whether more labels would hardly change the model any more."""
    if facts.unlabelled == 0 or facts.learn_rounds >= policy.rounds_max:
        return True
    last = facts.agreements[-policy.agreement_rounds :]
    return len(last) == policy.agreement_rounds and min(last) >= policy.agreement_min


def is_near(*, errors: int, audited: int, max_error: float) -> bool:
    """Say whether an audit that failed found so few errors that extending it is worth its price."""
    return audited > 0 and errors / audited <= max_error * 2 / 3
