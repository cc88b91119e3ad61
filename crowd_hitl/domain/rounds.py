"""One turn of the loop: what is asked next, where a prediction goes, and when the loop is over."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from crowd_hitl.domain.errors import bad_field


@dataclass(frozen=True)
class Promise:
    """ "At most `max_error` of the labels delivered are wrong", which may fail with probability `delta`."""

    max_error: float
    delta: float


@dataclass(frozen=True)
class LoopPolicy:
    """How a loop spends: sizes of rounds, the random share, the audit and the promise it works towards."""

    round_items: int = 100
    random_share: float = 0.2
    reference_items: int = 60
    audit_items: int = 200
    rounds_max: int = 20
    confidence_min: float = 0.9
    max_error: float = 0.03
    delta: float = 0.05
    learner: str = "auto"
    strategy: str = "margin"
    aggregator: str = "pooled"
    price: str = "0.05"
    overlap_min: int = 2
    overlap_max: int = 6
    confidence_target: float = 0.95
    reference_overlap_min: int = 4
    reference_overlap_max: int = 9
    reference_confidence: float = 0.99
    gold_rate: float = 0.03
    lease_seconds: int = 900

    def as_json(self) -> dict[str, Any]:
        """Return the policy as it is stored."""
        return asdict(self)


def check_policy(policy: LoopPolicy) -> None:
    """Refuse a policy that cannot work, naming the field."""
    shares = {"random_share": policy.random_share, "gold_rate": policy.gold_rate}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise bad_field(name, expected="0 to 1", found=share)
    for name, chance in {"max_error": policy.max_error, "delta": policy.delta}.items():
        if not 0 < chance < 1:
            raise bad_field(name, expected="between 0 and 1", found=chance)
    counts = {"round_items": policy.round_items, "audit_items": policy.audit_items, "rounds_max": policy.rounds_max}
    for name, count in counts.items():
        if count < 1:
            raise bad_field(name, expected="1 or more", found=count)


class Phase(StrEnum):
    """Where a loop stands between two steps."""

    CHOOSE = "choose"
    ASK = "ask"
    TRAIN = "train"
    AUDIT = "audit"
    CERTIFY = "certify"
    STOPPED = "stopped"


class StopReason(StrEnum):
    """Why a loop ended."""

    PROMISE = "promise"
    BUDGET = "budget"
    EXHAUSTED = "exhausted"


class Route(StrEnum):
    """Where one prediction goes."""

    ACCEPT = "accept"
    AUDIT = "audit"
    PEOPLE = "people"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one item."""

    item_id: int
    value: str
    confidence: float


def route(prediction: Prediction, *, confidence_min: float, audit_rate: float, draw: float) -> Route:
    """Say where one prediction goes next.

    A share of the confident ones is audited by people all the same: without that,
    a model that is confidently wrong is never found out.
    """
    if prediction.confidence < confidence_min:
        return Route.PEOPLE
    return Route.AUDIT if draw < audit_rate else Route.ACCEPT
