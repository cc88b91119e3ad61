"""Labels and the votes behind them."""

from typing import Literal

from pydantic import Field

from crowd_hitl.api.schemas.base import Given, Money, PageQuery, Query

Source = Literal["consensus", "model", "expert", "gold", "imported"]


class LabelsQuery(PageQuery):
    """Which labels: of one source, below a confidence."""

    source: Source | None = None
    below: float | None = Field(None, gt=0, le=1, allow_inf_nan=False)


class ExportQuery(Query):
    """In which form labels go out."""

    format: str = Field("jsonl", max_length=20, pattern=r"^[a-z_]+$", description="jsonl, csv or parquet")


class VoteOut(Given):
    """One answer to the item."""

    answer_id: int
    value: str
    worker: str
    simulated: bool
    state: str


class LabelOut(Given):
    """The current label of one item."""

    id: int
    item_id: int
    key: str
    text: str | None
    image_url: str | None
    field: str
    value: str
    confidence: float
    source: str
    version: int
    cost: Money
    votes: list[VoteOut]


class LabelsOut(Given):
    """One page of labels."""

    labels: list[LabelOut]
    after: str | None
