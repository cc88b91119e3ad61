"""The check finds what is wrong: each rule is shown a fault it must name, put in behind the services' back."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.services.published import a_batch, a_site, answer, problems

FAULTS = [
    ("overlap", "UPDATE task SET answers_count = 0 WHERE answers_count = 1"),
    ("overlap", "UPDATE task SET overlap = overlap + 1 WHERE id = 2"),
    ("answers", "DELETE FROM answer WHERE id = 1"),
    ("route", "UPDATE transfer SET kind = 'release' WHERE kind = 'pay'"),
    ("budget", "UPDATE budget SET available_micros = available_micros + 1"),
    ("reservation", "UPDATE transfer SET amount_micros = amount_micros + 1 WHERE kind = 'reserve'"),
    ("payment", "UPDATE transfer SET amount_micros = amount_micros + 1 WHERE kind = 'pay'"),
    ("payment", "UPDATE assignment SET state = 'submitted' WHERE state = 'approved'"),
    ("identity", "UPDATE answer SET worker_id = 4 WHERE id = 1"),
    ("identity", "UPDATE assignment SET voice_key = 'x'"),
    ("terms", "UPDATE task SET overlap = 3, places_left = places_left + 1 WHERE places_left = 2"),
    ("payee", "UPDATE sitting SET worker_id = 4"),
    ("gold", "UPDATE gold SET views_reserved = 0"),
    ("retired", "UPDATE task SET state = 'retired', places_left = 0 WHERE id = 3"),
]


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(FAULTS)])
def test_a_fault_in_the_rows_is_found_by_its_rule(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site = a_site(unit_of_work, items=3, gold=1)
    batch = a_batch(site, gold_rate=0.3)
    answer(site, batch, site.workers[0])
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    unit_of_work.run(break_it)

    assert any(f"rule='{rule}'" in problem for problem in problems(site))
