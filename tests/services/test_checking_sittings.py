"""The check of sittings finds what is wrong with pages, hours, rates and late answers: each rule is shown its fault."""

import pytest
from sqlalchemy import text

from crowd_hitl.services.ending_sittings import end_idle_sittings
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import Site, a_batch, a_site, later, problems
from tests.services.sat import claimed, submitted

OF_AN_HOUR = "(SELECT id FROM sitting WHERE seconds IS NOT NULL)"
FAULTS = [
    ("payment", f"UPDATE transfer SET amount_micros = amount_micros + 1 WHERE sitting_id IN {OF_AN_HOUR}"),
    ("payment", "UPDATE answer SET seconds = seconds + 60 WHERE seconds > 0"),
    ("payment", "UPDATE sitting SET price_micros = price_micros - 1"),
    ("payment", "UPDATE sitting SET state = 'settled' WHERE state = 'owed'"),
    ("payment", "UPDATE sitting SET state = 'open' WHERE state = 'settled'"),
    ("hours", "UPDATE sitting SET seconds = seconds + 1"),
    ("fee", "UPDATE transfer SET kind = 'fee' WHERE kind = 'pay'"),
    ("sitting", "UPDATE assignment SET state = 'submitted' WHERE state = 'approved'"),
    ("sitting", "UPDATE assignment SET state = 'rejected' WHERE state = 'late'"),
    ("rate", "UPDATE sitting SET price_micros = 60000 WHERE price_micros IS NOT NULL"),
    ("reservation", "UPDATE batch SET compensation_micros = compensation_micros + 1"),
    ("reservation", "UPDATE sitting SET state = 'settled' WHERE state = 'open'"),
]


def a_busy_site(uow: UnitOfWork) -> Site:
    """Make a half decided page, a paid hour, a paid rate and a late answer that is owed."""
    site = a_site(uow, items=2)
    page = a_batch(site, name="page", page_size=2, items=site.items)
    submitted(site, claimed(site, page)[0].assignment_id)
    hour = a_batch(site, name="hour", items=site.items, hourly_micros=9_000_000)
    submitted(site, claimed(site, hour, 1)[0].assignment_id, 1, seconds=5, at=5)
    uow.run(end_idle_sittings, now=later(3600))
    rates = [{"price_micros": 20_000, "requirement": {}}]
    rate = a_batch(site, name="rate", items=site.items[:1], rates=rates, overlap_min=1, overlap_max=1, lease_seconds=60)
    (lapsed,) = claimed(site, rate, 2)
    submitted(site, claimed(site, rate, 3, at=61)[0].assignment_id, 3, at=62)
    assert submitted(site, lapsed.assignment_id, 2, at=63).owed
    uow.run(lambda session: session.execute(text("UPDATE assignment SET state = 'approved' WHERE state = 'submitted'")))
    return site


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(FAULTS)])
def test_a_fault_in_the_sittings_is_found_by_its_rule(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site = a_busy_site(unit_of_work)
    assert problems(site) == []

    unit_of_work.run(lambda session: session.execute(text(fault)))

    assert any(f"rule='{rule}'" in problem for problem in problems(site))
