"""Runs programs of random steps, and cuts one that fails down to the steps that it takes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from time import monotonic

from sqlalchemy import Engine

from tests.stateful.machine import Machine
from tests.stateful.world import Broken

# Long enough for batches to fill, close and be paid; short enough that reading all of it at each step stays cheap.
PROGRAM_STEPS = 150
SHRINK_SECONDS = 20.0
Empty = Callable[[], AbstractContextManager[Engine]]
Start = Callable[[], AbstractContextManager[Machine]]


@dataclass
class Failure:
    """What broke, and the fewest steps found that break it."""

    seed: str
    message: str
    steps: Sequence[int]
    said: Sequence[str]

    def __str__(self) -> str:
        """Show it as a report."""
        lines = [f"program {self.seed}: {self.message}", f"with {len(self.said)} of its steps:", *self.said]
        return "\n  ".join(lines)


@dataclass
class Run:
    """What was run, and the failure that ended it."""

    steps: int = 0
    programs: int = 0
    failure: Failure | None = None
    done: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Show the counts, by operation."""
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.done.items()))
        return f"{self.steps} steps in {self.programs} programs ({kinds})"


def run_programs(empty: Empty, *, seed: int, steps: int, without: Sequence[str] = (), shrink: bool = True) -> Run:
    """Run programs, each on an empty database, until so many steps are done or one fails; that one is cut short."""
    run = Run()
    start = partial(_started, empty, without=without)
    while run.steps < steps and run.failure is None:
        name = f"{seed}/{run.programs}"
        wanted = list(range(min(PROGRAM_STEPS, steps - run.steps)))
        machine, message = _run(start, name, wanted)
        run.steps += machine.steps
        run.programs += 1
        for said in machine.drawn:
            run.done[said] = run.done.get(said, 0) + 1
        if message is not None:
            failure = Failure(name, message, wanted[: machine.steps], machine.said)
            run.failure = _shrink(start, failure) if shrink else failure
    return run


@contextmanager
def _started(empty: Empty, *, without: Sequence[str]) -> Iterator[Machine]:
    with empty() as engine:
        yield Machine(engine, without=without)


def _run(start: Start, seed: str, steps: Sequence[int]) -> tuple[Machine, str | None]:
    with start() as machine:
        try:
            for number in steps:
                machine.step(f"{seed}/{number}")
            machine.compare()
        except Broken as broken:
            return machine, str(broken)
        return machine, None


def _shrink(start: Start, failure: Failure) -> Failure:
    """Leave out ever smaller stretches of steps as long as what is left still breaks (Zeller's delta debugging)."""
    until, size = monotonic() + SHRINK_SECONDS, len(failure.steps) // 2
    while size:
        place = 0
        while place < len(failure.steps) and monotonic() < until:
            fewer = [*failure.steps[:place], *failure.steps[place + size :]]
            machine, message = _run(start, failure.seed, fewer)
            if message is None:
                place += size
            else:
                failure = Failure(failure.seed, message, fewer[: machine.steps], machine.said)
        size //= 2
    return failure
