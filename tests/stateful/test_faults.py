"""Faults put into code and schema on purpose: the machine finds each, and its report names the rule that is broken."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine

from tests.stateful import faulty
from tests.stateful.driving import Empty, run_programs
from tests.stateful.faulty import FAULTS

WITHIN_STEPS = 600
SEED = 3
# Each is tried on SQLite, where a step costs least; those of the schema, and one of the code, on PostgreSQL, too.
ON_POSTGRESQL = (
    faulty.without_the_voice_index,
    faulty.without_the_settlement_constraint,
    faulty.with_places_lost_at_expiry,
)
ONLY_A_CONSTRAINT = (faulty.without_the_voice_index, faulty.without_the_settlement_constraint)
Fault = Callable[[Engine, pytest.MonkeyPatch], None]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found_and_named(fault: Fault, empty_sqlite: Empty, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_that_it_is_found(fault, empty_sqlite, monkeypatch)


@pytest.mark.parametrize("fault", ON_POSTGRESQL, ids=lambda fault: fault.__name__)
def test_a_fault_is_found_on_postgresql_too(
    fault: Fault, own_postgresql: Empty, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_that_it_is_found(fault, own_postgresql, monkeypatch)


def assert_that_it_is_found(fault: Fault, empty: Empty, patch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def empty_and_faulty() -> Iterator[Engine]:
        with empty() as engine, patch.context() as patched:
            fault(engine, patched)
            yield engine

    # The vandal would find a lost constraint first; what it leads to is to be found by what people do.
    without = () if fault in ONLY_A_CONSTRAINT else ("tamper",)
    run = run_programs(empty_and_faulty, seed=SEED, steps=WITHIN_STEPS, without=without, shrink=False)

    assert run.failure is not None, f"{fault.__name__} was not found within {run.steps} steps"
    print(f"after {run.steps} steps, {run.failure}")  # noqa: T201 - `pytest -s` shows what the machine says
    assert any(named in run.failure.message for named in FAULTS[fault]), run.failure.message
