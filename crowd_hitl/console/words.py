"""Words of the pages that depend on a state: badges, sources, purposes, reasons, error titles."""

from collections.abc import Mapping
from typing import Any

from crowd_hitl.domain.gates import Gate, describe_requirement, is_gated
from crowd_hitl.domain.reviews import Approval, review_rule

TONES = {
    "open": "on",
    "running": "on",
    "leased": "on",
    "paused": "warn",
    "closed": "good",
    "stopped": "good",
    "approved": "good",
    "rejected": "bad",
    "soft_rejected": "warn",
    "upheld": "good",
    "dismissed": "bad",
    "submitted": "",
    "due": "",
    "exported": "on",
    "paid": "good",
    "failed": "bad",
    "released": "hollow",
    "expired": "hollow",
    "queued": "",
    "done": "good",
    "parked": "bad",
    "cancelled": "hollow",
}
TRANSFERS = {
    "top_up": "Top-up",
    "reserve": "Reserved at publishing",
    "extend": "Reserved for further places",
    "pay": "Pay",
    "fee": "Fee",
    "release": "Released",
    "bonus": "Bonus",
    "adjustment": "Adjustment",
    "clawback": "Taken back",
    "payout": "Paid out",
    "payout_return": "Payout that came back",
}
PURPOSES = {
    "label": "labels",
    "reference": "reference",
    "learn": "learning",
    "doubtful": "doubtful ones",
    "recheck": "check again",
    "audit": "audit",
    "confirm": "confirm the audit",
    "certify": "certificate",
}
PHASES = {
    "reference": "buying a reference",
    "learn": "learning",
    "doubtful": "asking people what the model cannot tell",
    "recheck": "checking contradictions",
    "audit": "auditing",
    "confirm": "confirming the audit",
    "certify": "certifying",
}
STOPS = {
    "promise": "the promise is met",
    "budget": "the budget buys no further place",
    "exhausted": "no item is left to ask",
    "by_hand": "somebody stopped it",
}
CHOSEN_FOR = {
    "margin": "least sure",
    "random": "at random",
    "doubtful": "doubtful",
    "contradicted": "contradicted by the model",
    "unconfirmed": "not confirmed",
    "audit": "drawn at random",
    "reference": "at random",
}
METHODS = {"finite_pool": "a random audit of the whole pool with an exact bound"}
SOURCES = {
    "consensus": "people",
    "model": "the model",
    "expert": "an expert",
    "gold": "gold",
    "imported": "import",
}
REASONS = {
    "agreed": "agreed",
    "overlap": "no place left",
    "budget": "the budget was used up",
    "broken": "the item cannot be answered",
    "closed": "the batch was closed",
}
ERRORS = {
    400: "This cannot be understood",
    403: "This is not open to you",
    404: "There is nothing here",
    405: "This cannot be done here",
    409: "This was not done",
    429: "Too many attempts",
    500: "Something went wrong on our side",
    503: "The database is busy",
}


def gated(gate: Gate) -> bool:
    """Say whether a batch asks anything of who works on it."""
    return is_gated(gate)


def requirement(asked: Mapping[str, Any] | None) -> str:
    """Put into words what a worker must bring."""
    return describe_requirement(asked)


def state_tone(state: str) -> str:
    """Return the badge's colour class for a state."""
    return TONES.get(state, "")


def kind_of_transfer(kind: str) -> str:
    """Say why money moved."""
    return TRANSFERS.get(kind, kind)


def purpose(name: str) -> str:
    """Say what a batch or a round is for."""
    return PURPOSES.get(name, name)


def phase(name: str) -> str:
    """Say what a running loop is doing."""
    return PHASES.get(name, name)


def stop_reason(name: str | None) -> str:
    """Say why a loop ended."""
    return STOPS.get(name or "", name or "somebody stopped it")


def method(name: str) -> str:
    """Say how a promise was tested."""
    return METHODS.get(name, name)


def chosen_for(name: str) -> str:
    """Say why an item was chosen to be asked."""
    return CHOSEN_FOR.get(name, name)


def source(name: str) -> str:
    """Say who stands behind a label."""
    return SOURCES.get(name, name)


def reason(name: str | None) -> str:
    """Say why a task is not asked any more."""
    return REASONS.get(name or "", name or "")


def error_title(status: int) -> str:
    """Return the heading of an error page; empty for a status that has none of its own."""
    return ERRORS.get(status, "")


def approval(kind: str, terms: Mapping[str, float] | None) -> str:
    """Say how answers are approved."""
    rule = review_rule(kind, terms)
    hours, share = f"{rule.hours:g} hours", f"{100 * rule.rate:g}%"
    return {
        Approval.AUTO: "Answers are approved at once",
        Approval.MANUAL: "You approve every answer",
        Approval.AFTER_DELAY: f"Answers are approved after {hours} unless you decide",
        Approval.BY_GOLD: f"Workers with {rule.gold_min:g} gold answers, {100 * rule.accuracy_min:g}% of them right, "
        f"are approved; the others wait for you, {hours} at most",
        Approval.BY_SAMPLE: f"{share} of the answers wait for you, {hours} at most; the rest is approved at once",
    }[rule.approval]


FILTERS = (
    approval,
    gated,
    requirement,
    state_tone,
    kind_of_transfer,
    purpose,
    phase,
    stop_reason,
    method,
    source,
    reason,
    chosen_for,
)
