"""Taking a worker's answers out: what is asked for, what is planned, and what is said of it before it is done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from crowd_hitl.domain.money import units


@dataclass(frozen=True)
class Removal:
    """Whose answers are taken out: of a project, or one of its batches; undecided ones are approved, or rejected."""

    worker_id: int
    project_id: int
    batch_id: int | None = None
    replaced: bool = True
    reject_undecided: bool = False
    reason: str = "The answers of this worker were taken out."


@dataclass(frozen=True)
class Held:
    """One answer of the worker that stands, with its task as it was read."""

    assignment_id: int
    answer_id: int
    undecided: bool
    task_id: int
    item_id: int
    is_gold: bool
    overlap: int
    answers: int
    places_left: int
    state: str
    retire_reason: str | None
    deadline: datetime | None


@dataclass(frozen=True)
class TakenOut:
    """One answer to be taken out, and whether its place opens again."""

    held: Held
    reissued: bool


@dataclass(frozen=True)
class LabelChange:
    """What becomes of one label; `after` is None where no answer stands behind it any more."""

    item_id: int
    field: str
    before: str
    after: str | None
    confidence_before: float
    confidence: float
    votes: int
    target: float
    crowd_value: str | None = None
    crowd_confidence: float | None = None
    model_version_id: int | None = None

    @property
    def flips(self) -> bool:
        """Whether it gets another value."""
        return self.after is not None and self.after != self.before


@dataclass(frozen=True)
class BudgetLine:
    """What one budget would have to set aside, and what it has."""

    budget_id: int
    name: str
    currency: str
    cost_micros: int
    available_micros: int

    @property
    def missing_micros(self) -> int:
        """What it lacks."""
        return max(0, self.cost_micros - self.available_micros)


@dataclass(frozen=True)
class Example:
    """One label that would flip, or be withdrawn."""

    item_id: int
    key: str
    text: str | None
    field: str
    before: str
    after: str | None
    confidence_before: float
    confidence: float


@dataclass(frozen=True)
class RemovalPreview:
    """What taking a worker's answers out would do. `not_reissued` are those whose place stays closed."""

    worker_id: int
    answers: int
    undecided: int
    flips: int
    withdrawn: int
    below_target: int
    reissued: int
    not_reissued: int
    budgets: Sequence[BudgetLine]
    examples: Sequence[Example]

    @property
    def affordable(self) -> bool:
        """Whether every budget has what it would have to set aside."""
        return not any(line.missing_micros for line in self.budgets)

    @property
    def costs(self) -> Mapping[str, int]:
        """What it costs in micro-units, by currency; two currencies are never added."""
        sums: Counter[str] = Counter()
        for line in self.budgets:
            sums[line.currency] += line.cost_micros
        return sums

    def sentence(self, name: str) -> str:
        """Say it in one line: "Blocking W1 flips 37 labels, reissues 52 answers, costs 4.10 USD"."""
        cost = " and ".join(f"{units(micros)} {currency}" for currency, micros in sorted(self.costs.items()) if micros)
        reissues = f"reissues {_plural(self.reissued, 'answer')}, costs {cost or 'nothing'}"
        return f"Blocking {name} flips {_plural(self.flips, 'label')}, {reissues}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
