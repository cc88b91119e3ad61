"""A certificate is exact, and it is broken no more often than it says."""

from math import comb
from typing import cast

import numpy as np
import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Certifier
from crowd_hitl.domain.rounds import Promise
from crowd_hitl.plugins.finding import find

FOUND = find("certifiers")
finite_pool = cast(Certifier, FOUND["finite_pool"])
PROMISE = Promise(max_error=0.03, delta=0.05)


def by_counting(pool: int, audited: int, errors: int, delta: float) -> int:
    """Try every number of wrong labels, with whole numbers only; return what may remain once errors are mended."""

    def chance(wrong: int) -> float:
        ways = sum(comb(wrong, found) * comb(pool - wrong, audited - found) for found in range(errors + 1))
        return ways / comb(pool, audited)

    possible = range(errors, pool - audited + errors + 1)
    return max(wrong for wrong in possible if wrong == errors or chance(wrong) > delta) - errors


@pytest.mark.parametrize("pool", [1, 7, 12, 30])
def test_the_bound_equals_brute_force(pool: int) -> None:
    for audited in range(pool + 1):
        for errors in range(audited + 1):
            verdict = finite_pool.certify(pool=pool, audited=audited, errors=errors, promise=PROMISE, looks=2)

            assert round(verdict.bound * pool) == by_counting(pool, audited, errors, 0.05 / 2)


@pytest.mark.parametrize("name", sorted(FOUND))
def test_auditing_everything_leaves_nothing_wrong(name: str) -> None:
    verdict = cast(Certifier, FOUND[name]).certify(pool=40, audited=40, errors=9, promise=PROMISE, looks=1)

    assert verdict.bound == 0
    assert verdict.kept


@pytest.mark.parametrize("name", sorted(FOUND))
def test_auditing_nothing_proves_nothing(name: str) -> None:
    verdict = cast(Certifier, FOUND[name]).certify(pool=40, audited=0, errors=0, promise=PROMISE, looks=1)

    assert verdict.bound == 1
    assert not verdict.kept


def test_an_empty_pool_has_nothing_wrong() -> None:
    assert finite_pool.certify(pool=0, audited=0, errors=0, promise=PROMISE, looks=1).kept


def test_more_looks_make_each_one_stricter() -> None:
    one, three = (
        finite_pool.certify(pool=1700, audited=250, errors=2, promise=PROMISE, looks=looks).bound for looks in (1, 3)
    )

    assert one < three


@pytest.mark.parametrize("wrong", [3, 10, 30, 60, 90])
def test_the_promise_is_broken_no_more_often_than_delta(wrong: int) -> None:
    pool, audited, runs = 600, 120, 4000
    found = np.random.default_rng(wrong).hypergeometric(wrong, pool - wrong, audited, size=runs)
    bounds = {
        errors: finite_pool.certify(pool=pool, audited=audited, errors=errors, promise=PROMISE, looks=1).bound
        for errors in set(found.tolist())
    }

    broken = sum((wrong - errors) / pool > bounds[errors] + 1e-12 for errors in found.tolist())

    # Three standard errors over delta: chance alone would fail this once in a thousand seeds.
    assert broken / runs <= 0.05 + 3 * (0.05 * 0.95 / runs) ** 0.5


@pytest.mark.parametrize(("audited", "errors", "looks"), [(41, 0, 1), (10, 11, 1), (-1, 0, 1), (10, -1, 1), (10, 0, 0)])
def test_counts_that_contradict_each_other_are_refused(audited: int, errors: int, looks: int) -> None:
    with pytest.raises(BadInput):
        finite_pool.certify(pool=40, audited=audited, errors=errors, promise=PROMISE, looks=looks)
