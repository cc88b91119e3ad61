"""Gold, the items with known answers; and the workers of a project as they stand to it."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from crowd_hitl.api.schemas.base import Body, Given, Money, Text


class BinOut(Given):
    """The known answers whose label claims low … high: how many, what is claimed on average, and the share right."""

    low: float
    high: float
    items: int
    confidence: float
    right: float


class CalibrationOut(Given):
    """How far the confidence of labels is to be believed, by known answers that their calibration did not see.

    `claimed`: the share of labels at or above the threshold; `kept`: the share of those that is right, null when there
    are none. `ece`: how far confidence is from the share right, on average. With `gold` 0 nothing is known yet.
    """

    gold: int = 0
    threshold: float | None = None
    claimed: float | None = None
    kept: float | None = None
    ece: float | None = None
    bins: list[BinOut] = Field(default_factory=list)
    made_at: datetime | None = None


class GoldVoteOut(Given):
    """How many answers said this."""

    value: str
    answers: int


class GoldOut(Given):
    """One known answer.

    `state`: a `suspect` is contradicted by good workers and counts for nobody until it is confirmed, corrected or
    retired. `look_at`: answers that were rejected and may have been right; reverse the rejection where they were.
    """

    id: int
    item_id: int
    key: str
    text: str | None
    image_url: str | None
    field: str
    value: str
    source: str
    state: Literal["in use", "suspect", "confirmed", "retired"]
    views_left: int
    views_max: int
    answers: int
    right: int
    votes: list[GoldVoteOut]
    look_at: list[int]
    former: list[str]
    suspected_at: datetime | None
    confirmed_at: datetime | None
    retired_at: datetime | None


class GoldPageOut(Given):
    """One page of gold: suspects first, then what counts, then what is retired."""

    gold: list[GoldOut]
    after: str | None
    counts: int
    suspect: int
    retired: int


class CorrectionIn(Body):
    """What the right answer is: a class, or JSON where the question's answers are no classes."""

    value: Text = Field(min_length=1)


class VouchedOut(Given):
    """The known answer as it is now; how many workers' shares right on gold changed; places given back."""

    gold: GoldOut
    recounted: int
    places: int


class ProjectWorkerOut(Given):
    """One worker of a project; `gold_left`: known answers that this worker has not seen and may still be shown."""

    id: int
    worker: str
    name: str
    simulated: bool
    state: str
    answers: int
    agrees_right: int
    agrees_seen: int
    gold_right: int
    gold_seen: int
    gold_left: int
    median_seconds: float
    earned: Money


class ProjectWorkersOut(Given):
    """One page of a project's workers, the busiest first."""

    workers: list[ProjectWorkerOut]
    after: str | None
