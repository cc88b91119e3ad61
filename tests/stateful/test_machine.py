"""Random programs on both databases: after every step the database is what the model says, and the check is clean."""

import pytest

from tests.stateful.driving import Empty, run_programs
from tests.stateful.machine import Machine

SHORT_STEPS = 450
SEED = 3


def test_whatever_is_done_in_whatever_order_the_database_is_as_the_model_says(
    empty: Empty, pytestconfig: pytest.Config
) -> None:
    steps = pytestconfig.getoption("--steps") or SHORT_STEPS
    run = run_programs(empty, seed=pytestconfig.getoption("--machine-seed") or SEED, steps=steps)

    print(run)  # noqa: T201 - the record of a long run
    assert run.failure is None, str(run.failure)
    assert run.steps >= steps
    assert set(run.done) == set(Machine.operations()), "some operation was never drawn"
