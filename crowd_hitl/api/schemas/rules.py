"""Behaviour rules and what they found."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from crowd_hitl.api.schemas.base import Body, Given, Name


class RuleIn(Body):
    """A rule, or the name of a preset alone; `everywhere` looks at all of the organisation's projects."""

    preset: Literal["too-fast", "too-uniform", "daily-income"] | None = None
    name: Name | None = None
    collector: Name | None = None
    condition: dict[str, Any] | None = Field(
        None, examples=[{"op": ">=", "threshold": 0.5, "answers_min": 20, "last": 50, "seconds": 2}]
    )
    action: dict[str, Any] | None = Field(None, examples=[{"do": "pause", "scope": "project", "hours": 24}])
    everywhere: bool = False

    @model_validator(mode="after")
    def _has_all_or_a_preset(self) -> Self:
        parts = (self.name, self.collector, self.condition, self.action)
        if (self.preset is None and None in parts) or (self.preset is not None and any(parts)):
            raise ValueError("expected a preset, or name, collector, condition and action")
        return self


class RuleOut(Given):
    """A rule."""

    id: int
    name: str
    collector: str
    condition: dict[str, Any]
    action: dict[str, Any]
    state: str
    everywhere: bool
    hits: int
    unseen: int
    created_at: datetime


class RulesOut(Given):
    """The rules that look at a project."""

    rules: list[RuleOut]


class TrialLineOut(Given):
    """One worker a rule would hit."""

    worker_id: int
    measured: float
    said: str
    answer_ids: Annotated[list[int], Field(description="At most 20 answers that show it.")]


class TrialOut(Given):
    """Whom a rule would hit now."""

    would_hit: list[TrialLineOut]


class HitOut(Given):
    """One hit: what was measured, what was done, whether that still stands."""

    id: int
    rule_id: int
    rule: str
    worker_id: int
    worker: str
    measured: float
    said: str
    action: str
    answers: list[int]
    found_at: datetime
    seen_at: datetime | None
    ends_at: datetime | None
    stands: bool


class HitsOut(Given):
    """Hits, the newest first."""

    hits: list[HitOut]
    after: str | None
