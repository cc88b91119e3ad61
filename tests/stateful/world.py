"""The machine's frame: a database, its model, the clock, and one step after another, each compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import CrowdError
from crowd_hitl.services.checking import check
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.builders import NOON, a_budget, a_project, some_items, some_workers
from tests.stateful.model import Model
from tests.stateful.seen import differences, facts

Operation = TypeVar("Operation", bound=Callable[..., None])
WEIGHT = "weight_of_operation"
ITEMS, WORKERS = 8, 5
BUDGET = "20"
CHECK_EVERY = 10
ONE_IN_MANY = 40


class Broken(AssertionError):
    """The database is not as the model says; the message names the rule."""


class SteppedUnitOfWork(UnitOfWork):
    """A unit of work whose clock goes when it is told to."""

    moment: datetime = NOON

    def now(self, session: Session | Connection) -> datetime:
        """Return the moment that the machine has set."""
        return self.moment


def operation(*, weight: int = 1) -> Callable[[Operation], Operation]:
    """Make a method of the machine one of its operations, drawn `weight` times as often as one of weight 1."""

    def mark(method: Operation) -> Operation:
        setattr(method, WEIGHT, weight)
        return method

    return mark


@dataclass
class World:
    """One database and its model. Subclasses add operations: a method each, which changes both and says what it did."""

    engine: Engine
    without: Sequence[str] = ()
    model: Model = field(default_factory=Model)
    random: Random = field(default_factory=Random)
    said: list[str] = field(default_factory=list)
    drawn: list[str] = field(default_factory=list)
    steps: int = 0

    def __post_init__(self) -> None:
        self.uow = SteppedUnitOfWork(self.engine)
        self.uow.run(self._furnish)

    @classmethod
    def operations(cls) -> dict[str, int]:
        """Name the operations and their weights."""
        marked = {name: getattr(getattr(cls, name), WEIGHT, 0) for name in dir(cls)}
        return {name: weight for name, weight in sorted(marked.items()) if weight}

    def step(self, seed: str) -> None:
        """Do one operation, drawn from its own seed, and compare: so a program without some steps is one too."""
        self.random = Random(seed)
        weights = {name: weight for name, weight in self.operations().items() if name not in self.without}
        (name,) = self.random.choices(list(weights), list(weights.values()))
        self.steps += 1
        self.drawn.append(name)
        try:
            getattr(self, name)()
        except CrowdError as error:
            raise Broken(f"refused what is allowed: {type(error).__name__}: {error}; {self.problems()}") from error
        except Exception as error:
            if isinstance(error, Broken):
                raise
            raise Broken(f"no error of ours: {type(error).__name__}: {error}; {self.problems()}") from error
        self.compare(in_full=self.steps % CHECK_EVERY == 0)

    def compare(self, *, in_full: bool = True) -> None:
        """Hold the database against the model and, in full, against its own rules."""
        seen = self.uow.read(facts)
        self.model.name_sittings({id_: row[3] for id_, row in seen["state of assignment"].items()})
        found = differences(self.model.facts(), seen)
        problems = self.problems() if found or in_full else []
        if found or problems:
            raise Broken("\n  ".join(["not as it should be:", *found, *problems]))

    def problems(self) -> list[str]:
        """Run the whole check."""
        return [f"rule '{one.rule}': {one}" for one in self.uow.read(check)]

    def say(self, text: str) -> None:
        """Note what is done, for the report of a failure."""
        self.said.append(f"{self.steps}. {text}")

    def call(self, service: Callable[..., Any], /, *, fails: type[CrowdError] | None = None, **arguments: Any) -> Any:
        """Run a service that must succeed, or fail in exactly this way."""
        return self.attempt(lambda: self.uow.run(service, **arguments), fails=fails)

    def attempt(self, run: Callable[[], Any], *, fails: type[CrowdError] | None) -> Any:
        """Run something that must succeed, or fail in exactly this way."""
        if fails is None:
            return run()
        try:
            done = run()
        except fails:
            return None
        raise Broken(f"{fails.__name__} was due, but it gave {done!r}; {self.problems()}")

    def pass_time(self, seconds: float) -> None:
        """Let the clock go on."""
        self.model.now += timedelta(seconds=seconds)
        self.uow.moment = self.model.now

    def chance(self, share: float) -> bool:
        """Draw whether something happens."""
        return self.random.random() < share

    def _furnish(self, session: Session) -> None:
        project = a_project(session)
        self.project_id = project.id
        self.organisation_id = project.organisation_id
        budget = a_budget(session, amount=BUDGET)
        self.model.budget_id, self.model.available = budget.id, budget.available_micros
        self.model.items = [item.id for item in some_items(session, project, count=ITEMS)]
        self.model.workers = [row.id for row in some_workers(session, count=WORKERS, simulated=False)]
        self.model.marks = dict.fromkeys(self.model.workers, "active")
