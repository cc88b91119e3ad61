"""What `check` finds."""

from crowd_hitl.api.schemas.base import Given


class BrokenRule(Given):
    """One rule that does not hold."""

    rule: str
    subject: str
    expected: str
    found: str


class CheckOut(Given):
    """Whether all counters and invariants hold."""

    ok: bool
    problems: list[BrokenRule]
